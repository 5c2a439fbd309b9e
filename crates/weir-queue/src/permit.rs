//! The permission to be in flight.

use std::sync::Arc;
use std::time::Instant;

use weir_core::{Chunk, End, Observer};

use crate::Shared;

/// One of a pool's permits. Dropping it hands it to the next in line.
pub struct Permit {
    shared: Arc<Shared>,
    since: Instant,
}

impl Permit {
    pub(crate) fn new(shared: Arc<Shared>, since: Instant) -> Self {
        Self { shared, since }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let held = self.shared.clock.now().saturating_duration_since(self.since);
        self.shared.release(held);
    }
}

impl Observer for Permit {
    fn chunk(&mut self, _now: Instant, _chunk: &Chunk) {}

    fn end(self: Box<Self>, _now: Instant, _end: End) {}
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}
