//! Chance as an input: a seeded source that many tasks draw from without a lock.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). Its state is one
//! counter, so an atomic add is all the synchronisation it needs. Good for jitter, balancing and ids; never for keys.

use std::sync::atomic::{AtomicU64, Ordering};

/// A seeded source of random numbers, shared by reference.
#[derive(Debug)]
pub struct Chance(AtomicU64);

impl Chance {
    /// A source that draws the same numbers for the same seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 uniform bits.
    pub fn bits(&self) -> u64 {
        const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(GOLDEN_GAMMA, Ordering::Relaxed).wrapping_add(GOLDEN_GAMMA);
        Self::mixed(state)
    }

    /// The generator's mixing by itself: each bit that goes in changes half of those that come out. A hash of a number.
    pub const fn mixed(bits: u64) -> u64 {
        let mixed = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A uniform number in `0.0 ..= 1.0` (exclusive at the top).
    pub fn unit(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A uniform index below `len`. `len` must not be 0; 0 gives 0.
    pub fn below(&self, len: usize) -> usize {
        // Lemire's multiply-shift: the bias is below 2^-32 for any pool size that fits a config file.
        ((u128::from(self.bits()) * len as u128) >> 64) as usize
    }
}
