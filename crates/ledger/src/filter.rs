//! A split-block Bloom filter, as Apache Parquet specifies it (BloomFilter.md): 256-bit blocks, eight bits set a key,
//! one cache line touched a look-up. Keys are hashes already.

pub(crate) const BLOCK_BYTES: usize = 32;
const BITS_PER_KEY: u64 = 16;
const SALTS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A set of hashes that may say "maybe" for one that is not in it, never "no" for one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    bytes: Vec<u8>,
    inserted: u64,
}

impl Filter {
    pub(crate) fn with_capacity(keys: u64) -> Self {
        let blocks = (keys * BITS_PER_KEY)
            .div_ceil(8 * BLOCK_BYTES as u64)
            .max(1);
        Self {
            bytes: vec![0; blocks as usize * BLOCK_BYTES],
            inserted: 0,
        }
    }

    /// A filter whose bytes were read back. `bytes` is a whole number of blocks.
    pub(crate) fn from_bytes(bytes: Vec<u8>, inserted: u64) -> Self {
        debug_assert_eq!(bytes.len() % BLOCK_BYTES, 0);
        Self { bytes, inserted }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn blocks(&self) -> u64 {
        (self.bytes.len() / BLOCK_BYTES) as u64
    }

    pub(crate) fn inserted(&self) -> u64 {
        self.inserted
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        self.inserted += 1;
        let start = self.block_start(hash);
        for (word, mask) in masks(hash).enumerate() {
            let at = start + 4 * word;
            if let Some(bytes) = self.bytes.get_mut(at..at + 4) {
                for (byte, bits) in bytes.iter_mut().zip(mask.to_le_bytes()) {
                    *byte |= bits;
                }
            }
        }
    }

    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let start = self.block_start(hash);
        let Some(block) = self.bytes.get(start..start + BLOCK_BYTES) else {
            return false;
        };
        block.chunks_exact(4).zip(masks(hash)).all(|(bytes, mask)| {
            bytes
                .iter()
                .zip(mask.to_le_bytes())
                .all(|(byte, bits)| byte & bits == bits)
        })
    }

    /// The upper half of the hash picks the block, by multiplication instead of division.
    fn block_start(&self, hash: u64) -> usize {
        (((hash >> 32) * self.blocks()) >> 32) as usize * BLOCK_BYTES
    }
}

/// The lower half of the hash picks one bit in each of the block's eight words.
fn masks(hash: u64) -> impl Iterator<Item = u32> {
    let low = hash as u32;
    SALTS
        .iter()
        .map(move |salt| 1 << (low.wrapping_mul(*salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any spread-out sequence will do for hashes.
    fn hash(number: u64) -> u64 {
        let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn what_was_inserted_is_always_found_and_little_else() {
        let mut filter = Filter::with_capacity(50_000);
        (0..50_000).for_each(|number| filter.insert(hash(number)));
        assert!((0..50_000).all(|number| filter.may_contain(hash(number))));
        let wrong = (50_000..550_000)
            .filter(|number| filter.may_contain(hash(*number)))
            .count();
        assert!(wrong < 1_500, "{wrong} false positives in 500,000");
    }

    #[test]
    fn it_takes_two_bytes_a_key() {
        assert_eq!(Filter::with_capacity(100_000).bytes().len(), 200_000);
    }
}
