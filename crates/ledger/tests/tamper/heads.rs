//! Heads: checkpoints that are false, and those that somebody saw earlier.

use causebook_ledger::sim::SimDisk;
use causebook_ledger::{Depth, Fault, HeadMemory, LedgerError, VerifyReport, VerifyRequest};

use crate::common::{Media, append, fill, verify};
use crate::{first, ledger_of_50};

#[test]
fn a_changed_checkpoint_or_one_by_another_key_is_named() {
    let media = ledger_of_50();
    media
        .disk
        .tamper("log/checkpoint", |bytes| {
            let text = String::from_utf8(bytes.clone())
                .unwrap()
                .replacen("\n50\n", "\n49\n", 1);
            *bytes = text.into_bytes();
        })
        .unwrap();
    assert_eq!(first(&media.verify()).0, Fault::WrongKey);

    let (media, other) = (ledger_of_50(), ledger_of_50());
    let foreign = causebook_ledger::Disk::read(&other.disk, "log/checkpoint").unwrap();
    media
        .disk
        .tamper("log/checkpoint", |bytes| *bytes = foreign)
        .unwrap();
    assert_eq!(first(&media.verify()).0, Fault::WrongKey);
    assert!(matches!(media.open(), Err(LedgerError::Tampered(_))));
}

#[test]
fn a_rolled_back_ledger_is_named_by_whoever_saw_the_later_head() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.close().unwrap();
    let earlier = media.copy();
    let ledger = media.open().unwrap();
    append(&ledger, "later", 1).unwrap();
    ledger.close().unwrap();
    let heads = heads_seen(&media);
    let memory = HeadMemory::new(&heads);

    let report = quick(&earlier, &memory);
    assert_eq!(first(&report).0, Fault::RolledBack);
    assert_eq!(quick(&media, &memory).continues, Some(21));
}

#[test]
fn a_fork_signed_with_the_true_key_is_named_by_whoever_saw_the_other_branch() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.close().unwrap();
    let branch = media.copy();
    let grow = |media: &Media, id: &str| {
        let ledger = media.open().unwrap();
        append(&ledger, id, 1).unwrap();
        append(&ledger, &format!("{id}-2"), 1).unwrap();
        ledger.close().unwrap();
    };
    grow(&media, "here");
    grow(&branch, "there");
    let heads = heads_seen(&media);
    let memory = HeadMemory::new(&heads);
    assert_eq!(first(&quick(&branch, &memory)).0, Fault::Forked);
    assert!(verify(&branch.reader()).is_intact(), "nobody else can know");
}

#[test]
fn a_ledger_put_in_the_place_of_another_is_named() {
    let (media, other) = (ledger_of_50(), ledger_of_50());
    let heads = SimDisk::new();
    let memory = HeadMemory::new(&heads);
    memory.remember(media.reader().identity(), None).unwrap();
    assert_eq!(first(&quick(&other, &memory)).0, Fault::WrongKey);
}

fn quick(media: &Media, memory: &HeadMemory<'_>) -> VerifyReport {
    let reader = media.reader();
    let remembered = memory.recall(&reader.identity().origin).unwrap();
    let request = VerifyRequest {
        depth: Depth::Quick,
        remembered: remembered.as_ref(),
        threads: 1,
    };
    reader.verify(&request, &mut |_, _| {}).unwrap()
}

/// What somebody remembers who sees a ledger now.
fn heads_seen(media: &Media) -> SimDisk {
    let heads = SimDisk::new();
    let reader = media.reader();
    HeadMemory::new(&heads)
        .remember(reader.identity(), reader.checkpoint().as_ref())
        .unwrap();
    heads
}
