//! Inclusion and consistency proofs: made as RFC 6962 defines them, judged as it defines them, and not malleable.
#![no_main]

use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::tree;
use causebook_tlog::{
    Hash, TlogError, consistency_proof, hash_leaf, inclusion_proof, verify_consistency,
    verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let mode = choices.byte() % 3;
    let size = 1 + choices.below(130);
    let leaves: Vec<Hash> = (0..size)
        .map(|index| hash_leaf(&index.to_le_bytes()))
        .collect();
    match mode {
        0 => inclusion(choices, &leaves),
        1 => consistency(choices, &leaves),
        _ => anything(choices),
    }
});

fn inclusion(mut choices: Choices<'_>, leaves: &[Hash]) {
    let (index, size, root) = (
        choices.below(leaves.len()),
        leaves.len() as u64,
        tree::root(leaves),
    );
    let right = tree::inclusion(index, leaves);
    let made = inclusion_proof(index as u64, size, &mut |level, at| {
        Ok::<_, TlogError>(node(leaves, level, at))
    });
    assert_eq!(made.as_ref(), Ok(&right));
    assert_eq!(
        verify_inclusion(index as u64, size, &leaves[index], &right, &root),
        Ok(())
    );
    assert_eq!(
        verify_subtree_inclusion(index as u64, 0, size, &leaves[index], &right, &root),
        Ok(())
    );

    let (mut proof, mut leaf, mut other_root) = (right.clone(), leaves[index], root);
    let (mut other_index, mut other_size) = (index as u64, size);
    for _ in 0..1 + choices.byte() % 3 {
        match choices.byte() % 5 {
            0 => leaf = change(&mut choices, leaf, leaves),
            1 => other_root = change(&mut choices, other_root, leaves),
            2 => other_index = choices.below(2 * leaves.len()) as u64,
            3 => other_size = choices.below(2 * leaves.len()) as u64,
            _ => change_list(&mut choices, &mut proof, leaves),
        }
    }
    let holds = verify_inclusion(other_index, other_size, &leaf, &proof, &other_root).is_ok();
    assert_eq!(
        holds,
        tree::includes(other_index, other_size, leaf, &proof, other_root)
    );
    // The size is bound by the checkpoint, not by the proof: with the right one nothing else can be changed.
    if holds && other_size == size && other_root == root {
        assert_eq!(
            (other_index as usize, leaf),
            (leaves.iter().position(|one| *one == leaf).unwrap(), leaf)
        );
        assert_eq!(proof, tree::inclusion(other_index as usize, leaves));
    }
}

fn consistency(mut choices: Choices<'_>, leaves: &[Hash]) {
    let (old, new) = (1 + choices.below(leaves.len()), leaves.len() as u64);
    let (old_root, new_root) = (tree::root(&leaves[..old]), tree::root(leaves));
    let right = tree::consistency(old, leaves);
    let made = consistency_proof(old as u64, new, &mut |level, at| {
        Ok::<_, TlogError>(node(leaves, level, at))
    });
    assert_eq!(made.as_ref(), Ok(&right));
    assert_eq!(
        verify_consistency(old as u64, new, &old_root, &new_root, &right),
        Ok(())
    );

    let (mut proof, mut one, mut other) = (right.clone(), old_root, new_root);
    let (mut other_old, mut other_new) = (old as u64, new);
    for _ in 0..1 + choices.byte() % 3 {
        match choices.byte() % 5 {
            0 => one = change(&mut choices, one, leaves),
            1 => other = change(&mut choices, other, leaves),
            2 => other_old = choices.below(2 * leaves.len()) as u64,
            3 => other_new = choices.below(2 * leaves.len()) as u64,
            _ => change_list(&mut choices, &mut proof, leaves),
        }
    }
    let holds = verify_consistency(other_old, other_new, &one, &other, &proof).is_ok();
    assert_eq!(
        holds,
        tree::continues(other_old, other_new, one, other, &proof)
    );
    if holds && (other_new, other) == (new, new_root) && other_old != 0 {
        assert_eq!(one, tree::root(&leaves[..other_old as usize]));
        assert_eq!(proof, tree::consistency(other_old as usize, leaves));
    }
}

/// Sizes of every magnitude, hashes that are not of any tree: the same verdict as the definition, and no panic.
fn anything(mut choices: Choices<'_>) {
    let (low, high, size) = (choices.number(), choices.number(), choices.number());
    let count = usize::from(choices.byte() % 70);
    let proof: Vec<Hash> = (0..count).map(|_| Hash([choices.byte(); 32])).collect();
    let (leaf, root) = (Hash([choices.byte(); 32]), Hash([choices.byte(); 32]));
    let included = verify_inclusion(low, size, &leaf, &proof, &root).is_ok();
    assert_eq!(included, tree::includes(low, size, leaf, &proof, root));
    let continued = verify_consistency(low, size, &leaf, &root, &proof).is_ok();
    assert_eq!(continued, tree::continues(low, size, leaf, root, &proof));
    let _ = verify_subtree_inclusion(low, high, size, &leaf, &proof, &root);
    let _ = verify_subtree_consistency(low, high, size, &leaf, &root, &proof);
}

/// Root over the complete subtree at a level and index.
fn node(leaves: &[Hash], level: u8, index: u64) -> Hash {
    let (start, length) = ((index as usize) << level, 1_usize << level);
    tree::root(&leaves[start..start + length])
}

fn change(choices: &mut Choices<'_>, hash: Hash, leaves: &[Hash]) -> Hash {
    if choices.byte().is_multiple_of(2) {
        let mut bytes = hash.0;
        bytes[usize::from(choices.byte() % 32)] ^= choices.byte();
        Hash(bytes)
    } else {
        let end = 1 + choices.below(leaves.len());
        tree::root(&leaves[choices.below(end)..end])
    }
}

fn change_list(choices: &mut Choices<'_>, proof: &mut Vec<Hash>, leaves: &[Hash]) {
    let at = choices.below(proof.len() + 1);
    match choices.byte() % 4 {
        0 => {
            let hash = change(choices, Hash([0; 32]), leaves);
            proof.insert(at, hash);
        }
        1 if at < proof.len() => {
            proof.remove(at);
        }
        2 if at < proof.len() => {
            let other = choices.below(proof.len());
            proof.swap(at, other);
        }
        _ => {
            if let Some(hash) = proof.get_mut(at) {
                *hash = change(choices, *hash, leaves);
            }
        }
    }
}
