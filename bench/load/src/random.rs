//! Numbers that are the same for the same seed, so that every run and every system sees the same records.

/// A generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator seeded by the clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "a seed is not a time that anything is measured by"
    )]
    pub fn from_time() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_nanos() as u64))
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

/// Spreads numbers over the whole range, as random ids would be: an index then has no order to profit from.
pub fn scatter(number: u64) -> u64 {
    Random::new(number).below(u64::MAX)
}
