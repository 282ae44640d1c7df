//! RFC 6962 section 2.1 as it is written: recursive, over lists of leaves. Proofs are checked by undoing the recursion
//! that makes them.

use causebook_tlog::{Hash, empty_root, hash_node};

/// MTH(D\[n\]).
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            hash_node(&root(left), &root(right))
        }
    }
}

/// PATH(m, D\[n\]).
pub fn inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len() as u64) as usize;
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) = if index < k {
        (inclusion(index, left), root(right))
    } else {
        (inclusion(index - k, right), root(left))
    };
    path.push(sibling);
    path
}

/// PROOF(m, D\[n\]); `old` is from 1 to the number of leaves.
pub fn consistency(old: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let k = split(leaves.len() as u64) as usize;
    let (left, right) = leaves.split_at(k);
    let (mut proof, last) = if old <= k {
        (subproof(old, left, whole), root(right))
    } else {
        (subproof(old - k, right, false), root(left))
    };
    proof.push(last);
    proof
}

/// Whether PATH leads from the leaf to the root.
pub fn includes(index: u64, size: u64, leaf: Hash, path: &[Hash], expected: Hash) -> bool {
    index < size && root_from_path(index, size, leaf, path) == Some(expected)
}

fn root_from_path(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    if size == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (sibling, below) = path.split_last()?;
    let k = split(size);
    if index < k {
        Some(hash_node(&root_from_path(index, k, leaf, below)?, sibling))
    } else {
        Some(hash_node(
            sibling,
            &root_from_path(index - k, size - k, leaf, below)?,
        ))
    }
}

/// Whether PROOF leads from the old root to the new one.
pub fn continues(old: u64, new: u64, old_root: Hash, new_root: Hash, proof: &[Hash]) -> bool {
    (1..=new).contains(&old)
        && roots_from_proof(old, new, true, old_root, proof) == Some((old_root, new_root))
}

fn roots_from_proof(
    old: u64,
    new: u64,
    whole: bool,
    old_root: Hash,
    proof: &[Hash],
) -> Option<(Hash, Hash)> {
    if old == new {
        return match proof {
            [] if whole => Some((old_root, old_root)),
            [hash] if !whole => Some((*hash, *hash)),
            _ => None,
        };
    }
    let (last, below) = proof.split_last()?;
    let k = split(new);
    if old <= k {
        let (left_old, left_new) = roots_from_proof(old, k, whole, old_root, below)?;
        Some((left_old, hash_node(&left_new, last)))
    } else {
        let (right_old, right_new) = roots_from_proof(old - k, new - k, false, old_root, below)?;
        Some((hash_node(last, &right_old), hash_node(last, &right_new)))
    }
}

/// The largest power of two below `size`, which is 2 or more.
fn split(size: u64) -> u64 {
    let mut k = 1;
    while k < size - k {
        k *= 2;
    }
    k
}
