//! Index runs: one in which any byte was changed is refused, fails, or finds exactly what was written; one that was
//! forged, checksums and all, is read within bounds.
#![no_main]

use std::sync::LazyLock;

use causebook_fuzz::choices::Choices;
use causebook_ledger::fuzzing::{SEED, find_in_run, index_run};
use causebook_record::Fields;
use libfuzzer_sys::fuzz_target;

const HEADER_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;
const SUBJECTS: usize = 150;

/// Runs of none to five pages with two entries a record: how many records, and the file.
static RUNS: LazyLock<[(usize, Vec<u8>); 5]> = LazyLock::new(|| {
    [0, 1, 157, 158, 700].map(|count| {
        let fields = (0..count).map(|id| Fields {
            id: Some(id.to_string()),
            subject: Some((id % SUBJECTS).to_string()),
            ..Fields::default()
        });
        (count, index_run(&fields.collect::<Vec<_>>()).unwrap())
    })
});

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let mode = choices.byte() % 3;
    if mode == 0 {
        let _ = find_in_run(choices.rest(), 1, "1", "1");
        return;
    }
    let (count, run) = &RUNS[choices.below(RUNS.len())];
    let (count, mut run) = (*count, run.clone());
    let asked = choices.below(count + 2);
    if mode == 1 {
        changed(&mut run, count, asked, choices);
    } else {
        forged(&mut run, count, asked, choices);
    }
});

fn changed(run: &mut [u8], count: usize, asked: usize, mut choices: Choices<'_>) {
    let (before, change) = (run.to_vec(), choices.byte());
    let at = choices.number() as usize % run.len();
    // Half of the time where a page begins: its checksum and the first hash, which is kept in memory.
    let at = if choices.byte().is_multiple_of(2) {
        at
    } else {
        at / PAGE_BYTES * PAGE_BYTES + at % 12
    };
    run[at] ^= change;
    let subject = (asked % SUBJECTS).to_string();
    if let Ok(Some((ids, positions))) = find_in_run(run, count as u64, &asked.to_string(), &subject)
    {
        let right: Vec<u64> = (0..count as u64)
            .filter(|id| id % SUBJECTS as u64 == (asked % SUBJECTS) as u64)
            .collect();
        assert_eq!(
            positions, right,
            "byte {at} was {}, is {}",
            before[at], run[at]
        );
        let right: Vec<u64> = (asked < count)
            .then_some(asked as u64)
            .into_iter()
            .collect();
        assert_eq!(ids, right, "byte {at} was {}, is {}", before[at], run[at]);
    }
}

fn forged(run: &mut [u8], count: usize, asked: usize, mut choices: Choices<'_>) {
    let mut header = run[..HEADER_BYTES].to_vec();
    choices.mutate(&mut header);
    header.resize(HEADER_BYTES, 0);
    run[..HEADER_BYTES].copy_from_slice(&header);
    let place = usize::from(choices.byte()) * PAGE_BYTES % run.len();
    let end = run.len().min(place + PAGE_BYTES);
    if place > 0 {
        let mut page = run[place + 4..end].to_vec();
        choices.mutate(&mut page);
        page.resize(end - place - 4, 0);
        run[place + 4..end].copy_from_slice(&page);
        let checksum = crc32c::crc32c(&page);
        run[place..place + 4].copy_from_slice(&checksum.to_le_bytes());
    }
    let blocks = u64::from_le_bytes(run[40..48].try_into().unwrap()) as usize;
    if let Some(filter) = blocks
        .checked_mul(32)
        .and_then(|bytes| run.get(HEADER_BYTES..bytes.checked_add(HEADER_BYTES)?))
    {
        let checksum = crc32c::crc32c(filter);
        run[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&run[..HEADER_BYTES - 4]), &SEED);
    run[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    let _ = find_in_run(run, count as u64, &asked.to_string(), &asked.to_string());
}
