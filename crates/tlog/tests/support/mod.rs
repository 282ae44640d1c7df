//! What the suites share: where the public vectors are, and a tree written the slow way, straight from RFC 6962.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part")]

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use causebook_tlog::{Hash, TlogError, empty_root, hash_leaf, hash_node};

/// Folder of the public vectors, or None after saying loudly what is not run. Never silent in CI.
pub fn vectors(suite: &str, cases: usize) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("CAUSEBOOK_VECTORS")
        .map_or_else(|| root.join("../shared/vectors"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{suite}: no vectors at {}",
        folder.display()
    );
    // Written past the test harness, which would swallow it.
    let notice = format!(
        "!!! {suite}: {cases} CASES NOT RUN, no vectors at {} !!!\n",
        folder.display()
    );
    std::io::stderr().write_all(notice.as_bytes()).unwrap();
    None
}

pub fn json(path: &Path) -> serde_json::Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Merkle tree hash by the definition of RFC 6962 section 2.1.
pub fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            hash_node(&naive_root(left), &naive_root(right))
        }
    }
}

/// `PATH(m, D[n])` of RFC 6962 section 2.1.1.
pub fn naive_inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = naive_split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (naive_inclusion(index, left), naive_root(right))
    } else {
        (naive_inclusion(index - middle, right), naive_root(left))
    };
    path.push(sibling);
    path
}

/// `SUBTREE_SUBPROOF(start, end, D[n], known)` of draft-ietf-plants-merkle-tree-certs section 4.4.1; with `start` 0 it
/// is `SUBPROOF` of RFC 6962 section 2.1.2.
pub fn naive_consistency(start: usize, end: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if (start, end) == (0, leaves.len()) {
        return if known {
            Vec::new()
        } else {
            vec![naive_root(leaves)]
        };
    }
    let middle = naive_split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if end <= middle {
        (
            naive_consistency(start, end, left, known),
            naive_root(right),
        )
    } else if start >= middle {
        (
            naive_consistency(start - middle, end - middle, right, known),
            naive_root(left),
        )
    } else {
        (
            naive_consistency(0, end - middle, right, false),
            naive_root(left),
        )
    };
    path.push(sibling);
    path
}

fn naive_split(size: usize) -> usize {
    let mut split = 1;
    while split * 2 < size {
        split *= 2;
    }
    split
}

pub fn leaf(number: u64) -> Hash {
    hash_leaf(format!("leaf {number}").as_bytes())
}

pub fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(leaf).collect()
}

/// Every complete subtree of a tree, as a frontier reports them.
pub struct Nodes(pub HashMap<(u8, u64), Hash>);

impl Nodes {
    pub fn of(leaves: &[Hash]) -> Nodes {
        let mut nodes = HashMap::new();
        let mut frontier = causebook_tlog::Frontier::new();
        for leaf in leaves {
            frontier.push_with(*leaf, |level, index, hash| {
                assert!(
                    nodes.insert((level, index), hash).is_none(),
                    "({level}, {index}) reported twice"
                );
            });
        }
        Nodes(nodes)
    }

    pub fn get(&self, level: u8, index: u64) -> Result<Hash, TlogError> {
        self.0
            .get(&(level, index))
            .copied()
            .ok_or(TlogError::NodeMissing { level, index })
    }
}
