//! Chance that can be had again: a small generator seeded by the run's seed and the request's row.
//!
//! Each request draws from its own generator, so what it is does not depend on how the others fared, and two arms of
//! a comparison send the same bytes. SplitMix64 (Steele, Lea, Flood 2014) is ten lines and good enough for weights
//! and jitter; nothing here is a secret.

/// A stream of numbers that one request draws from.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of row `row` in a run seeded with `seed`.
    pub(crate) fn of_request(seed: u64, row: usize) -> Self {
        // One step between the two, so that (seed 1, row 2) and (seed 2, row 1) are strangers.
        let mut mixed = Self(seed);
        Self(mixed.next() ^ row as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        debug_assert!(bound > 0, "nothing is below zero");
        // The product keeps the high bits; its bias is below bound / 2^64.
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
