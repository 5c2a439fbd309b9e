//! Draws from the distributions that the models need, all from a seeded [`Chance`].

use weir_core::Chance;

/// An independent source for one purpose: what one part of a world draws never shifts what another draws.
pub(crate) fn fork(seed: u64, purpose: u64) -> Chance {
    Chance::seeded(hash(seed, purpose))
}

/// A fixed, well mixed number for a pair of numbers.
pub(crate) fn hash(one: u64, other: u64) -> u64 {
    const APART: u64 = 0xd134_2543_de82_ef95;
    Chance::seeded(one ^ other.wrapping_add(1).wrapping_mul(APART)).bits()
}

/// Uniform in `[low, high)`.
pub(crate) fn between(chance: &Chance, low: f64, high: f64) -> f64 {
    low + (high - low) * chance.unit()
}

/// True with probability `share`.
pub(crate) fn happens(chance: &Chance, share: f64) -> bool {
    chance.unit() < share
}

/// Exponential with this mean.
pub(crate) fn exponential(chance: &Chance, mean: f64) -> f64 {
    -mean * (1.0 - chance.unit()).ln()
}

/// Lognormal with this median; `sigma` is the standard deviation of its logarithm.
pub(crate) fn lognormal(chance: &Chance, median: f64, sigma: f64) -> f64 {
    median * (sigma * normal(chance)).exp()
}

/// Standard normal (Box and Muller, 1958).
fn normal(chance: &Chance) -> f64 {
    let radius = (-2.0 * (1.0 - chance.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * chance.unit()).cos()
}
