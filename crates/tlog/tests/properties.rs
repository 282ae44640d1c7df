//! Random trees against the definition: roots, frontiers, proofs and tiles agree with a recursive reference, and no
//! proof survives a change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use causebook_tlog::{
    Frontier, Hash, TILE_WIDTH, TileKind, TilePath, TileReader, TlogError, consistency_proof,
    empty_root, entry_bundle, entry_bundles, hash_leaf, hash_tiles, inclusion_proof, new_tiles,
    root, subtree_consistency_proof, subtree_inclusion_proof, subtree_root, tile_bytes,
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use proptest::prelude::*;
use support::{Nodes, leaf, leaves, naive_consistency, naive_inclusion, naive_root};

/// Every size, index and pair of sizes up to here is tried; larger ones at random.
const SMALL: usize = 33;

#[test]
fn every_small_tree_has_the_root_and_frontier_of_the_definition() {
    let mut frontier = Frontier::new();
    for size in 0..=300 {
        let leaves = leaves(size);
        assert_eq!(frontier.root(), naive_root(&leaves), "size {size}");
        assert_eq!(root(&leaves), naive_root(&leaves));
        let resumed = Frontier::from_hashes(size as u64, frontier.hashes().to_vec()).unwrap();
        assert_eq!(resumed, frontier);
        frontier.push(leaf(size as u64));
    }
    println!("roots and frontiers: 301 sizes");
}

#[test]
fn every_small_inclusion_proof_is_the_one_of_the_definition_and_verifies() {
    let mut proofs = 0;
    for size in 1..=SMALL {
        let leaves = leaves(size);
        let (nodes, root) = (Nodes::of(&leaves), naive_root(&leaves));
        for index in 0..size {
            let proof =
                inclusion_proof(index as u64, size as u64, &mut |l, i| nodes.get(l, i)).unwrap();
            assert_eq!(
                proof,
                naive_inclusion(index, &leaves),
                "leaf {index} of {size}"
            );
            verify_inclusion(index as u64, size as u64, &leaves[index], &proof, &root).unwrap();
            proofs += 1;
        }
        assert!(inclusion_proof(size as u64, size as u64, &mut |l, i| nodes.get(l, i)).is_err());
    }
    println!("inclusion: {proofs} proofs");
}

#[test]
fn every_small_consistency_proof_is_the_one_of_the_definition_and_verifies() {
    let mut proofs = 0;
    for new in 1..=SMALL {
        let leaves = leaves(new);
        let (nodes, new_root) = (Nodes::of(&leaves), naive_root(&leaves));
        for old in 1..=new {
            let proof =
                consistency_proof(old as u64, new as u64, &mut |l, i| nodes.get(l, i)).unwrap();
            assert_eq!(
                proof,
                naive_consistency(0, old, &leaves, true),
                "{old} in {new}"
            );
            let old_root = naive_root(&leaves[..old]);
            verify_consistency(old as u64, new as u64, &old_root, &new_root, &proof).unwrap();
            proofs += 1;
        }
    }
    println!("consistency: {proofs} proofs");
}

#[test]
fn every_small_subtree_is_proved_as_the_definition_says() {
    let (mut consistency, mut inclusion) = (0, 0);
    for size in 1..=SMALL {
        let leaves = leaves(size);
        let (nodes, tree_root) = (Nodes::of(&leaves), naive_root(&leaves));
        for start in 0..=size {
            for end in start..=size {
                let (first, last) = (start as u64, end as u64);
                let valid = start == end || start % (end - start).next_power_of_two() == 0;
                let subtree = subtree_root(first, last, &mut |l, i| nodes.get(l, i));
                let proof = subtree_consistency_proof(first, last, size as u64, &mut |l, i| {
                    nodes.get(l, i)
                });
                if !valid {
                    assert_eq!(
                        subtree,
                        Err(TlogError::NotASubtree {
                            start: first,
                            end: last
                        })
                    );
                    assert_eq!(
                        proof,
                        Err(TlogError::NotASubtree {
                            start: first,
                            end: last
                        })
                    );
                    continue;
                }
                let (subtree, proof) = (subtree.unwrap(), proof.unwrap());
                assert_eq!(subtree, naive_root(&leaves[start..end]));
                verify_subtree_consistency(first, last, size as u64, &subtree, &tree_root, &proof)
                    .unwrap();
                consistency += 1;
                if start == end {
                    continue;
                }
                assert_eq!(
                    proof,
                    naive_consistency(start, end, &leaves, true),
                    "{start}..{end} of {size}"
                );
                for (index, leaf) in (first..last).zip(&leaves[start..end]) {
                    let proof =
                        subtree_inclusion_proof(index, first, last, &mut |l, i| nodes.get(l, i))
                            .unwrap();
                    assert_eq!(
                        proof,
                        naive_inclusion(index as usize - start, &leaves[start..end])
                    );
                    verify_subtree_inclusion(index, first, last, leaf, &proof, &subtree).unwrap();
                    inclusion += 1;
                }
            }
        }
    }
    println!("subtrees: {consistency} consistency proofs, {inclusion} inclusion proofs");
}

#[test]
fn sizes_near_the_end_of_u64_neither_panic_nor_loop() {
    let hash = leaf(0);
    for size in [
        u64::MAX,
        u64::MAX - 1,
        1 << 63,
        (1 << 63) - 1,
        (1 << 63) + 1,
    ] {
        for index in [0, 1, size / 2, size - 1] {
            let proof = inclusion_proof(index, size, &mut |_, _| Ok::<_, TlogError>(hash)).unwrap();
            assert!(proof.len() <= 64);
            assert!(verify_inclusion(index, size, &hash, &proof, &hash).is_err());
        }
        for old in [1, 2, size / 2, size - 1, size] {
            let proof = consistency_proof(old, size, &mut |_, _| Ok::<_, TlogError>(hash)).unwrap();
            assert!(proof.len() <= 65);
            assert_eq!(
                verify_consistency(old, size, &hash, &hash, &proof).is_ok(),
                old == size
            );
        }
        assert!(hash_tiles(size).next().is_some() && new_tiles(size - 1, size).count() <= 9);
        assert!(verify_subtree_inclusion(size - 1, 1, size, &hash, &[], &hash).is_err());
    }
}

#[test]
fn a_writer_that_follows_new_tiles_has_every_tile_after_every_step() {
    let mut written = BTreeSet::new();
    let mut old = 0;
    for size in [
        1, 2, 255, 256, 257, 300, 511, 512, 513, 65_535, 65_536, 65_537, 70_000,
    ] {
        for path in new_tiles(old, size).chain(entry_bundles(old, size)) {
            assert!(written.insert(path), "{path} written twice");
        }
        for path in hash_tiles(size).chain(entry_bundles(0, size)) {
            assert!(written.contains(&path), "{path} missing at {size}");
        }
        old = size;
    }
    // The example of the specification.
    let count = |level, partial| {
        hash_tiles(70_000)
            .filter(|p| p.kind() == TileKind::Hashes(level) && p.is_partial() == partial)
            .count()
    };
    assert_eq!((count(0, false), count(0, true)), (273, 1));
    assert_eq!((count(1, false), count(1, true)), (1, 1));
    assert_eq!((count(2, false), count(2, true)), (0, 1));
    let widths: Vec<u16> = hash_tiles(70_000)
        .filter(TilePath::is_partial)
        .map(|path| path.width())
        .collect();
    assert_eq!(widths, [112, 17, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proofs_read_from_tiles_are_those_of_the_definition(size in 1_usize..1400, seed: u64) {
        let leaves = leaves(size);
        let log = Tiles::of(&leaves);
        let tree_root = root(&leaves);
        let mut reader = TileReader::open(size as u64, &tree_root, |path: &TilePath| log.fetch(path)).unwrap();
        for step in 0..8_u64 {
            let index = seed.rotate_left(step as u32 * 7) % size as u64;
            let proof = reader.inclusion_proof(index).unwrap();
            prop_assert_eq!(&proof, &naive_inclusion(index as usize, &leaves));
            let old = index + 1;
            let proof = reader.consistency_proof(old).unwrap();
            prop_assert_eq!(&proof, &naive_consistency(0, old as usize, &leaves, true));
            let bundle = index / u64::from(TILE_WIDTH);
            let entries = reader.entries(bundle).unwrap();
            prop_assert_eq!(hash_leaf(&entries[(index % u64::from(TILE_WIDTH)) as usize]), leaves[index as usize]);
        }
    }

    #[test]
    fn a_changed_tile_is_noticed_wherever_it_is(size in 1_usize..1400, which: prop::sample::Index, at: prop::sample::Index, bit in 0_u32..8) {
        let leaves = leaves(size);
        let mut log = Tiles::of(&leaves);
        let paths: Vec<String> = log.0.keys().cloned().collect();
        let path = which.get(&paths).clone();
        let bytes = log.0.get_mut(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(read_everything(&log, &leaves).is_err(), "{} byte {}", path, at);
    }

    #[test]
    fn a_tile_of_another_length_is_noticed(size in 1_usize..700, which: prop::sample::Index, shorter: bool) {
        let leaves = leaves(size);
        let mut log = Tiles::of(&leaves);
        let paths: Vec<String> = log.0.keys().cloned().collect();
        let bytes = log.0.get_mut(which.get(&paths)).unwrap();
        if shorter { bytes.pop(); } else { bytes.push(0); }
        prop_assert!(read_everything(&log, &leaves).is_err());
    }

    #[test]
    fn no_inclusion_proof_survives_a_change(size in 1_usize..600, at: prop::sample::Index, change: Change) {
        let leaves = leaves(size);
        let index = at.index(size);
        let (proof, tree_root) = (naive_inclusion(index, &leaves), naive_root(&leaves));
        let verify = |index, size, leaf: &Hash, proof: &[Hash], root: &Hash| verify_inclusion(index, size, leaf, proof, root).is_ok();
        let (index, size) = (index as u64, size as u64);
        let leaf = leaves[index as usize];
        prop_assert!(verify(index, size, &leaf, &proof, &tree_root));
        if let Some(changed) = change.apply(&proof) {
            prop_assert!(!verify(index, size, &leaf, &changed, &tree_root));
        }
        prop_assert!(!verify(index, size, &change.flip(leaf), &proof, &tree_root));
        prop_assert!(!verify(index, size, &leaf, &proof, &change.flip(tree_root)));
        for other in (0..size).filter(|other| *other != index) {
            prop_assert!(!verify(other, size, &leaf, &proof, &tree_root), "leaf {} as {}", index, other);
        }
    }

    #[test]
    fn no_consistency_proof_survives_a_change(new in 2_usize..600, at: prop::sample::Index, change: Change) {
        let leaves = leaves(new);
        let old = 1 + at.index(new - 1);
        let proof = naive_consistency(0, old, &leaves, true);
        let (old_root, new_root) = (naive_root(&leaves[..old]), naive_root(&leaves));
        let (old, new) = (old as u64, new as u64);
        prop_assert!(verify_consistency(old, new, &old_root, &new_root, &proof).is_ok());
        if let Some(changed) = change.apply(&proof) {
            prop_assert!(verify_consistency(old, new, &old_root, &new_root, &changed).is_err());
        }
        prop_assert!(verify_consistency(old, new, &change.flip(old_root), &new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, new, &old_root, &change.flip(new_root), &proof).is_err());
        for other in (1..new).filter(|other| *other != old) {
            prop_assert!(verify_consistency(other, new, &old_root, &new_root, &proof).is_err(), "{} as {}", old, other);
        }
    }

    #[test]
    fn a_fork_is_never_consistent(size in 2_usize..200, at: prop::sample::Index, change: Change) {
        let honest = leaves(size);
        let mut forked = honest.clone();
        let changed = at.index(size - 1);
        forked[changed] = change.flip(forked[changed]);
        for old in changed + 1..size {
            let proof = naive_consistency(0, old, &forked, true);
            let (old_root, new_root) = (naive_root(&honest[..old]), naive_root(&forked));
            prop_assert!(verify_consistency(old as u64, size as u64, &old_root, &new_root, &proof).is_err());
        }
    }
}

/// A change to a list of hashes.
#[derive(Clone, Debug)]
struct Change {
    at: usize,
    bit: usize,
    kind: u8,
}

impl Change {
    fn flip(&self, hash: Hash) -> Hash {
        let mut bytes = hash.0;
        bytes[self.bit / 8] ^= 1 << (self.bit % 8);
        Hash(bytes)
    }

    /// None if the change would leave the list as it is.
    fn apply(&self, proof: &[Hash]) -> Option<Vec<Hash>> {
        let mut changed = proof.to_vec();
        let extra = self.flip(leaf(self.at as u64));
        match self.kind {
            0 if !proof.is_empty() => {
                let at = self.at % proof.len();
                changed[at] = self.flip(changed[at]);
            }
            1 => drop(changed.pop()?),
            2 if !proof.is_empty() => drop(changed.remove(0)),
            3 => changed.push(extra),
            4 => changed.insert(0, extra),
            5 => changed.insert(self.at % (proof.len() + 1), empty_root()),
            _ => changed.reverse(),
        }
        (changed != proof).then_some(changed)
    }
}

impl Arbitrary for Change {
    type Parameters = ();
    type Strategy = BoxedStrategy<Change>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Change> {
        let fields = (0..64_usize, 0..256_usize, 0..7_u8);
        fields
            .prop_map(|(at, bit, kind)| Change { at, bit, kind })
            .boxed()
    }
}

/// The tiles and bundles of a log, by path.
struct Tiles(BTreeMap<String, Vec<u8>>);

impl Tiles {
    fn of(leaves: &[Hash]) -> Tiles {
        let nodes = Nodes::of(leaves);
        let size = leaves.len() as u64;
        let mut files = BTreeMap::new();
        for path in hash_tiles(size).chain(entry_bundles(0, size)) {
            let first = path.index() * u64::from(TILE_WIDTH);
            let range = first..first + u64::from(path.width());
            let bytes = match path.kind() {
                TileKind::Hashes(level) => {
                    let hashes: Vec<Hash> = range
                        .map(|index| nodes.get(level * 8, index).unwrap())
                        .collect();
                    tile_bytes(&hashes)
                }
                TileKind::Entries => {
                    let entries: Vec<String> = range.map(|index| format!("leaf {index}")).collect();
                    entry_bundle(entries.iter().map(String::as_bytes)).unwrap()
                }
            };
            files.insert(path.to_string(), bytes);
        }
        Tiles(files)
    }

    fn fetch(&self, path: &TilePath) -> Result<Vec<u8>, TlogError> {
        let bytes = self.0.get(&path.to_string()).cloned();
        bytes.ok_or(TlogError::TilePath {
            path: path.to_string(),
        })
    }
}

/// Opens a log with the right root and reads all its leaves and entries.
fn read_everything(log: &Tiles, leaves: &[Hash]) -> Result<(), TlogError> {
    let size = leaves.len() as u64;
    let mut reader = TileReader::open(size, &root(leaves), |path: &TilePath| log.fetch(path))?;
    for index in 0..size {
        assert_eq!(
            reader.node(0, index)?,
            leaves[index as usize],
            "a false leaf hash was believed"
        );
    }
    for bundle in 0..size.div_ceil(u64::from(TILE_WIDTH)) {
        reader.entries(bundle)?;
    }
    Ok(())
}
