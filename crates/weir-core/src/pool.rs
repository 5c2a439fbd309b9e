//! Which pool a request belongs to.

/// A pool's place in the config: an index into every stage's table of pools, made once at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolId(pub usize);
