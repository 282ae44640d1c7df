//! Tiles and entry bundles: what is read is printed again byte for byte, and a log read through tiles of which some were
//! changed gives an error or the truth.
#![no_main]

use std::sync::LazyLock;

use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::tree;
use causebook_tlog::{
    Hash, TileKind, TilePath, TileReader, TlogError, entry_bundle, hash_leaf, parse_entry_bundle,
    parse_tile, tile_bytes,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    if choices.byte().is_multiple_of(2) {
        codec(choices);
    } else {
        reader(choices);
    }
});

fn codec(mut choices: Choices<'_>) {
    let count = u16::from_le_bytes(choices.array());
    let data = choices.rest();
    if let Ok(entries) = parse_entry_bundle(data, count) {
        assert_eq!(entries.len(), usize::from(count));
        assert_eq!(entry_bundle(entries).as_deref(), Ok(data));
    }
    if let Ok(path) = TilePath::hashes(0, 0, count)
        && let Ok(hashes) = parse_tile(&path, data)
    {
        assert_eq!(hashes.len(), usize::from(count));
        assert_eq!(tile_bytes(&hashes), data);
    }
}

/// A log: its leaves, the hashes of its full tiles, its root.
struct Log {
    leaves: Vec<Hash>,
    full: Vec<Hash>,
    root: Hash,
}

/// Logs on both sides of every edge of a tile.
static LOGS: LazyLock<[Log; 7]> = LazyLock::new(|| {
    [1, 2, 255, 256, 257, 512, 515].map(|size| {
        let leaves: Vec<Hash> = (0..size).map(|index| hash_leaf(&entry(index))).collect();
        let full = leaves.chunks_exact(256).map(tree::root).collect();
        let root = tree::root(&leaves);
        Log { leaves, full, root }
    })
});

fn entry(index: usize) -> [u8; 2] {
    (index as u16).to_be_bytes()
}

fn reader(mut choices: Choices<'_>) {
    let log = &LOGS[choices.below(LOGS.len())];
    let size = log.leaves.len();
    let index = choices.below(size);
    // Which of the tiles asked for is changed.
    let mut untouched = choices.byte() % 8;
    let fetch = |path: &TilePath| -> Result<Vec<u8>, TlogError> {
        let (first, width) = (path.index() as usize * 256, usize::from(path.width()));
        let mut bytes = match path.kind() {
            TileKind::Entries => {
                let entries: Vec<[u8; 2]> = (first..first + width).map(entry).collect();
                entry_bundle(entries.iter().map(<[u8; 2]>::as_slice))?
            }
            TileKind::Hashes(0) => tile_bytes(&log.leaves[first..first + width]),
            TileKind::Hashes(_) => tile_bytes(&log.full[first..first + width]),
        };
        if untouched == 0 {
            choices.mutate(&mut bytes);
        } else {
            untouched -= 1;
        }
        Ok(bytes)
    };
    let Ok(mut reader) = TileReader::open(size as u64, &log.root, fetch) else {
        return;
    };
    let first = index / 256 * 256;
    if let Ok(entries) = reader.entries((index / 256) as u64) {
        assert!(
            (first..size.min(first + 256))
                .map(|index| entry(index).to_vec())
                .eq(entries)
        );
    }
    let (index, size) = (index as u64, size as u64);
    if let Ok(proof) = reader.inclusion_proof(index) {
        let leaf = log.leaves[index as usize];
        assert!(tree::includes(index, size, leaf, &proof, log.root));
    }
    if let Ok(proof) = reader.consistency_proof(index + 1) {
        let old = tree::root(&log.leaves[..=index as usize]);
        assert!(tree::continues(index + 1, size, old, log.root, &proof));
    }
}
