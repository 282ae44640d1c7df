//! Inclusion and consistency proofs (RFC 6962 section 2.1), for whole trees and for subtrees
//! (draft-ietf-plants-merkle-tree-certs section 4). Proofs are built from hashes of *complete* subtrees, which the
//! caller looks up by level and index, and verified by the bit-walking algorithms of RFC 9162 section 2.1.

use crate::TlogError;
use crate::tree::{Hash, empty_root, fold_right, hash_node};

/// No proof in a tree of at most 2^64 - 1 leaves is longer.
pub const PROOF_HASHES_MAX: usize = 65;

/// Looks up the hash of the complete subtree at (level, index): the leaves `index << level .. (index + 1) << level`.
type Nodes<'a, E> = &'a mut dyn FnMut(u8, u64) -> Result<Hash, E>;

/// Proof that the leaf at `index` is in the tree of `size` leaves: sibling hashes from the leaf to the root.
///
/// `node` gives the hash of the complete subtree at (level, index); it is only asked for subtrees complete at `size`.
///
/// # Errors
/// [`TlogError::IndexBeyondTree`], or whatever `node` fails with.
pub fn inclusion_proof<E: From<TlogError>>(
    index: u64,
    size: u64,
    node: Nodes<'_, E>,
) -> Result<Vec<Hash>, E> {
    subtree_inclusion_proof(index, 0, size, node)
}

/// Proof that the leaf at `index` is in the subtree over the leaves `start..end`.
///
/// # Errors
/// [`TlogError::NotASubtree`], [`TlogError::IndexBeyondTree`], or whatever `node` fails with.
pub fn subtree_inclusion_proof<E: From<TlogError>>(
    index: u64,
    start: u64,
    end: u64,
    node: Nodes<'_, E>,
) -> Result<Vec<Hash>, E> {
    check_subtree(start, end)?;
    check_index(index, start, end)?;
    let (mut low, mut high) = (start, end);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = split(low, high);
        if index < middle {
            proof.push(range_root(middle, high, node)?);
            high = middle;
        } else {
            proof.push(range_root(low, middle, node)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of `new_size` leaves begins with the tree of `old_size` leaves.
///
/// # Errors
/// [`TlogError::EmptyOldTree`] if `old_size` is 0 (nothing to prove), [`TlogError::SizesReversed`], or whatever `node`
/// fails with.
pub fn consistency_proof<E: From<TlogError>>(
    old_size: u64,
    new_size: u64,
    node: Nodes<'_, E>,
) -> Result<Vec<Hash>, E> {
    check_sizes(old_size, new_size)?;
    subtree_consistency_proof(0, old_size, new_size, node)
}

/// Proof that the subtree over the leaves `start..end` is part of the tree of `size` leaves.
///
/// # Errors
/// [`TlogError::NotASubtree`], [`TlogError::SizesReversed`] if `end` lies beyond `size`, or whatever `node` fails with.
pub fn subtree_consistency_proof<E: From<TlogError>>(
    start: u64,
    end: u64,
    size: u64,
    node: Nodes<'_, E>,
) -> Result<Vec<Hash>, E> {
    if end > size {
        return Err(TlogError::SizesReversed {
            old: end,
            new: size,
        }
        .into());
    }
    if start == end {
        return Ok(Vec::new());
    }
    check_subtree(start, end)?;
    let (mut low, mut high) = (0, size);
    let mut start = start;
    // The verifier knows the root of the subtree, so it is left out unless the walk had to split the subtree itself.
    let mut known = true;
    let mut proof = Vec::new();
    while (low, high) != (start, end) {
        let middle = split(low, high);
        if end <= middle {
            proof.push(range_root(middle, high, node)?);
            high = middle;
        } else {
            proof.push(range_root(low, middle, node)?);
            low = middle;
            if start < middle {
                start = middle;
                known = false;
            }
        }
    }
    if !known {
        proof.push(range_root(low, high, node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Root of the subtree over the leaves `start..end`, from complete subtrees.
///
/// # Errors
/// [`TlogError::NotASubtree`], or whatever `node` fails with.
pub fn subtree_root<E: From<TlogError>>(
    start: u64,
    end: u64,
    node: Nodes<'_, E>,
) -> Result<Hash, E> {
    if start == end {
        return Ok(empty_root());
    }
    check_subtree(start, end)?;
    range_root(start, end, node)
}

/// Checks an inclusion proof against a root that the caller trusts.
///
/// # Errors
/// [`TlogError::IndexBeyondTree`], [`TlogError::ProofLength`] or [`TlogError::RootMismatch`].
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), TlogError> {
    check_index(index, 0, size)?;
    // RFC 9162 section 2.1.3.2, in its names.
    let (mut fnode, mut snode) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if snode == 0 {
            return Err(TlogError::ProofLength { given: proof.len() });
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = hash_node(sibling, &hash);
            // On the right edge some levels have no sibling: skip them.
            let skip = fnode.trailing_zeros();
            fnode >>= skip;
            snode >>= skip;
        } else {
            hash = hash_node(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(TlogError::ProofLength { given: proof.len() });
    }
    check_root(hash, *root)
}

/// Checks that a leaf is in the subtree over the leaves `start..end`, against the subtree's root.
///
/// # Errors
/// As [`verify_inclusion`], and [`TlogError::NotASubtree`].
pub fn verify_subtree_inclusion(
    index: u64,
    start: u64,
    end: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), TlogError> {
    check_subtree(start, end)?;
    check_index(index, start, end)?;
    verify_inclusion(index - start, end - start, leaf, proof, root)
}

/// Checks that the tree of `new_size` leaves begins with the tree of `old_size` leaves.
///
/// # Errors
/// [`TlogError::EmptyOldTree`] if `old_size` is 0: every tree begins with the empty one, so there is nothing to check,
/// and a caller that meets this case must decide it knowingly. Else [`TlogError::SizesReversed`],
/// [`TlogError::ProofLength`] or [`TlogError::RootMismatch`].
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), TlogError> {
    check_sizes(old_size, new_size)?;
    verify_subtree_consistency(0, old_size, new_size, old_root, new_root, proof)
}

/// Checks that the subtree over the leaves `start..end` is part of the tree of `size` leaves.
/// An empty subtree is part of every tree.
///
/// # Errors
/// [`TlogError::NotASubtree`], [`TlogError::SizesReversed`], [`TlogError::ProofLength`] or [`TlogError::RootMismatch`].
pub fn verify_subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    subtree_root: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), TlogError> {
    if end > size {
        return Err(TlogError::SizesReversed {
            old: end,
            new: size,
        });
    }
    if start == end {
        if !proof.is_empty() {
            return Err(TlogError::ProofLength { given: proof.len() });
        }
        return check_root(empty_root(), *subtree_root);
    }
    check_subtree(start, end)?;
    // draft-ietf-plants-merkle-tree-certs section 4.4.3: first, last and total walk up together, as node numbers.
    let (mut first, mut last, mut total) = (start, end - 1, size - 1);
    while first != last && (last == total || last & 1 == 1) {
        (first, last, total) = (first >> 1, last >> 1, total >> 1);
    }
    let wrong_length = TlogError::ProofLength { given: proof.len() };
    let (seed, siblings) = if first == last {
        (*subtree_root, proof)
    } else {
        let (seed, siblings) = proof.split_first().ok_or(wrong_length.clone())?;
        (*seed, siblings)
    };
    let (mut subtree_hash, mut tree_hash) = (seed, seed);
    for sibling in siblings {
        if total == 0 {
            return Err(wrong_length);
        }
        if last & 1 == 1 || last == total {
            // A left sibling: part of the subtree as well while the walk is still below the subtree's root.
            if first < last {
                subtree_hash = hash_node(sibling, &subtree_hash);
            }
            tree_hash = hash_node(sibling, &tree_hash);
            let skip = last.trailing_zeros();
            (first, last, total) = (first >> skip, last >> skip, total >> skip);
        } else {
            tree_hash = hash_node(&tree_hash, sibling);
        }
        (first, last, total) = (first >> 1, last >> 1, total >> 1);
    }
    if total != 0 {
        return Err(wrong_length);
    }
    check_root(subtree_hash, *subtree_root)?;
    check_root(tree_hash, *root)
}

/// Root over `start..end`, which must be a range met on a walk down from a valid subtree.
fn range_root<E: From<TlogError>>(start: u64, end: u64, node: Nodes<'_, E>) -> Result<Hash, E> {
    let mut hashes = Vec::new();
    let mut low = start;
    while low < end {
        let level = (end - low).ilog2();
        hashes.push(node(level as u8, low >> level)?);
        low += 1 << level;
    }
    fold_right(&hashes).ok_or_else(|| TlogError::NotASubtree { start, end }.into())
}

/// Where a tree over `low..high` (two leaves or more) splits: after the largest power of two below its size.
fn split(low: u64, high: u64) -> u64 {
    low + (1 << (high - low - 1).ilog2())
}

/// A subtree starts at a multiple of the smallest power of two that holds it.
pub(crate) fn check_subtree(start: u64, end: u64) -> Result<(), TlogError> {
    let aligned = match end
        .checked_sub(start)
        .filter(|size| *size > 0)
        .map(u64::checked_next_power_of_two)
    {
        None => false,
        Some(Some(span)) => start & (span - 1) == 0,
        Some(None) => start == 0,
    };
    if aligned {
        Ok(())
    } else {
        Err(TlogError::NotASubtree { start, end })
    }
}

fn check_index(index: u64, start: u64, end: u64) -> Result<(), TlogError> {
    if (start..end).contains(&index) {
        Ok(())
    } else {
        Err(TlogError::IndexBeyondTree { index, start, end })
    }
}

fn check_sizes(old: u64, new: u64) -> Result<(), TlogError> {
    match old {
        0 => Err(TlogError::EmptyOldTree),
        _ if old > new => Err(TlogError::SizesReversed { old, new }),
        _ => Ok(()),
    }
}

fn check_root(computed: Hash, expected: Hash) -> Result<(), TlogError> {
    if computed == expected {
        Ok(())
    } else {
        Err(TlogError::RootMismatch { computed, expected })
    }
}
