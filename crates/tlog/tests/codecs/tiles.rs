//! Tiles and entry bundles: their paths, their bytes, and a full one in the place of a partial one.

use causebook_tlog::{
    TilePath, TileReader, TlogError, entry_bundle, parse_entry_bundle, root, tile_bytes,
};
use proptest::prelude::*;

use crate::support::{leaves, naive_inclusion};

#[test]
fn entry_bundles_hold_exactly_their_entries() {
    let long = vec![7; 65_536];
    let entries: [&[u8]; 3] = [b"one", b"", &long[1..]];
    let bundle = entry_bundle(entries).unwrap();
    assert_eq!(parse_entry_bundle(&bundle, 3).unwrap(), entries);
    assert_eq!(&bundle[..7], b"\0\x03one\0\0");
    for count in [0, 2, 4, u16::MAX] {
        assert!(parse_entry_bundle(&bundle, count).is_err());
    }
    for cut in [1, 4, 6, bundle.len() - 1] {
        assert!(parse_entry_bundle(&bundle[..cut], 3).is_err());
    }
    assert_eq!(
        entry_bundle([long.as_slice()]),
        Err(TlogError::EntryTooLong { given: 65_536 })
    );
    assert!(parse_entry_bundle(b"", 0).unwrap().is_empty());
}

#[test]
fn a_full_tile_may_stand_in_for_a_partial_one() {
    let all = leaves(256);
    let fetch = |path: &TilePath| {
        let full = path.full();
        Ok::<_, TlogError>(match full.to_string().as_str() {
            "tile/0/000" => tile_bytes(&all),
            "tile/entries/000" => {
                let entries: Vec<String> = (0..256).map(|i| format!("leaf {i}")).collect();
                entry_bundle(entries.iter().map(String::as_bytes))?
            }
            other => panic!("{other} asked for"),
        })
    };
    let mut reader = TileReader::open(200, &root(&all[..200]), fetch).unwrap();
    assert_eq!(
        reader.inclusion_proof(199).unwrap(),
        naive_inclusion(199, &all[..200])
    );
    assert_eq!(reader.entries(0).unwrap().len(), 200);
    assert!(reader.entries(1).is_err() && reader.entries(u64::MAX).is_err());
    assert_eq!(
        reader.node(8, 0),
        Err(TlogError::NodeMissing { level: 8, index: 0 })
    );
    assert!(reader.node(255, 0).is_err() && reader.node(0, 200).is_err());
    assert!(TileReader::open(200, &root(&all), fetch).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tile_paths_print_and_read_alike(level in 0_u8..64, index: u64, shift in 0_u32..64, width in 1_u16..=256) {
        for path in [TilePath::hashes(level, index >> shift, width).unwrap(), TilePath::entries(index >> shift, width).unwrap()] {
            prop_assert_eq!(path.to_string().parse::<TilePath>().unwrap(), path);
        }
    }
}
