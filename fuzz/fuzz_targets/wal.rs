//! Write-ahead segments. A cut or a flipped byte leaves a prefix of what was written, and is told from damage as
//! `docs/storage.md` says; whatever else is in a segment, records come out dense and in order.
#![no_main]

use causebook_fuzz::choices::Choices;
use causebook_ledger::fuzzing::{SegmentEnd, SegmentRead, read_segment, replay, segment};
use causebook_record::{Digest, OpeningKey, Sealed};
use libfuzzer_sys::fuzz_target;

const HEADER_BYTES: usize = 128;
const RESERVED: usize = 64;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    match choices.byte() % 4 {
        0 => in_order(choices.rest()),
        1 => cut(Written::new(&mut choices), choices),
        2 => flipped(Written::new(&mut choices), choices),
        _ => forged(Written::new(&mut choices), choices),
    }
});

/// A good segment, and where its frames and groups are.
struct Written {
    bytes: Vec<u8>,
    first: u64,
    frames: Vec<(u64, Sealed)>,
    /// Start and end (without padding) of every frame, and the number of its group.
    spans: Vec<(usize, usize, usize)>,
    groups: usize,
}

impl Written {
    fn new(choices: &mut Choices<'_>) -> Written {
        let first = choices.number() >> 8;
        let count = 1 + choices.below(4);
        let (mut groups, mut frames, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        let (mut index, mut at) = (first, HEADER_BYTES);
        for group in 0..count {
            let mut records = Vec::new();
            for _ in 0..1 + choices.byte() % 3 {
                let text = "x".repeat(usize::from(choices.byte() % 40));
                let sealed = Sealed {
                    text,
                    key: OpeningKey([choices.byte(); 16]),
                    digest: Digest([choices.byte(); 32]),
                };
                let end = at + 24 + 48 + sealed.text.len();
                spans.push((at, end, group));
                at = end.next_multiple_of(8);
                frames.push((index, sealed.clone()));
                records.push(sealed);
                index += 1;
            }
            groups.push(records);
        }
        let bytes = segment(first, &groups, RESERVED);
        assert_eq!(bytes.len(), at + RESERVED);
        let written = Written {
            bytes,
            first,
            frames,
            spans,
            groups: count,
        };
        assert_eq!(
            written.read(&written.bytes),
            (written.frames.len(), SegmentEnd::Clean)
        );
        written
    }

    /// How many frames are read, which must be the first that were written, and how they end.
    fn read(&self, bytes: &[u8]) -> (usize, SegmentEnd) {
        let SegmentRead {
            first_index,
            frames,
            end,
        } = read_segment(bytes).expect("the header is whole");
        assert_eq!(first_index, self.first);
        assert_eq!(frames, self.frames[..frames.len()]);
        (frames.len(), end)
    }
}

fn cut(written: Written, mut choices: Choices<'_>) {
    let at = choices.below(written.bytes.len());
    let bytes = &written.bytes[..at];
    if at < HEADER_BYTES {
        assert!(read_segment(bytes).is_none());
        return;
    }
    let whole = written
        .spans
        .iter()
        .filter(|(_, end, _)| *end <= at)
        .count();
    let (read, end) = written.read(bytes);
    assert_eq!(read, whole);
    assert_ne!(end, SegmentEnd::Damaged);
}

fn flipped(written: Written, mut choices: Choices<'_>) {
    let at = choices.below(written.bytes.len());
    let change = choices.byte().max(1);
    let mut bytes = written.bytes.clone();
    bytes[at] ^= change;
    if at < HEADER_BYTES {
        assert!(read_segment(&bytes).is_none());
        return;
    }
    let (read, end) = written.read(&bytes);
    match written
        .spans
        .iter()
        .position(|(start, end, _)| (*start..*end).contains(&at))
    {
        Some(hit) => {
            assert_eq!(read, hit);
            let is_last = written.spans[hit].2 + 1 == written.groups;
            assert_eq!(
                end,
                if is_last {
                    SegmentEnd::Torn
                } else {
                    SegmentEnd::Damaged
                }
            );
        }
        None => assert_eq!(read, written.frames.len()),
    }
}

/// Changes of every kind, with the checksums put right again where the lengths still lead to frames.
fn forged(written: Written, mut choices: Choices<'_>) {
    let mut bytes = written.bytes;
    choices.mutate(&mut bytes);
    if bytes.len() >= HEADER_BYTES {
        let checksum = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    }
    let mut at = HEADER_BYTES;
    while let Some(length) = bytes.get(at..at + 4) {
        let length: [u8; 4] = length.try_into().unwrap();
        let end = at + 24 + u32::from_le_bytes(length) as usize;
        let Some(covered) = bytes.get(at + 8..end) else {
            break;
        };
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&length), covered);
        bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
        at = end.next_multiple_of(8);
    }
    in_order(&bytes);
}

fn in_order(bytes: &[u8]) {
    let Some(SegmentRead {
        first_index: first,
        frames,
        ..
    }) = read_segment(bytes)
    else {
        return;
    };
    let indexes: Vec<u64> = frames.iter().map(|(index, _)| *index).collect();
    assert!(
        indexes
            .iter()
            .copied()
            .eq((0..frames.len() as u64).map(|nth| first + nth))
    );
    let file = |name: u64| (format!("{name:020}.seg"), bytes.to_vec());
    if let Ok(replayed) = replay(&[file(first)]) {
        assert_eq!(replayed, indexes);
    }
    if let Some(other) = first.checked_add(1) {
        assert!(
            replay(&[file(other)]).is_err(),
            "a segment under another name"
        );
    }
}
