//! One kept answer, and what its age allows.
//!
//! An answer outlives the process, so its age is told by the wall clock. What always holds: a clock that went back makes an
//! answer look new, never older than it is, and nobody's life is longer than the config says.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// A kept answer: the whole of it, as the service gives it to whoever asks for no stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The body.
    pub body: Bytes,
    /// Where its texts were cut into pieces, when it came as a stream, in the form of whoever knows the dialects.
    pub cuts: Bytes,
    /// When it was made.
    pub made: Moment,
    /// How long it is fresh.
    pub fresh_ms: u64,
    /// Of which services and models it is the answer: under another config it is none.
    pub revision: u64,
    /// What it can be thrown out by.
    pub labels: Labels,
}

/// What a kept answer can be thrown out by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The key whose request it answered.
    pub tenant: Arc<str>,
    /// The model that was asked for.
    pub model: Arc<str>,
    /// What the caller called it (`x-weir-cache-tag`); empty without.
    pub tag: Arc<str>,
}

/// A moment of the wall clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// A wall time.
    pub fn of(wall: SystemTime) -> Self {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Milliseconds since an earlier moment; 0 when it lies in the future.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Entry {
    /// How old it is, in milliseconds.
    pub const fn age_ms(&self, now: Moment) -> u64 {
        now.since_ms(self.made)
    }

    /// For how many more milliseconds it is fresh; `None` when it is not.
    pub fn fresh_left_ms(&self, now: Moment) -> Option<u64> {
        self.fresh_ms.checked_sub(self.age_ms(now)).filter(|left| *left > 0)
    }

    /// For how many milliseconds it has been stale; 0 while it is fresh.
    pub const fn stale_ms(&self, now: Moment) -> u64 {
        self.age_ms(now).saturating_sub(self.fresh_ms)
    }

    /// What it takes in memory, in bytes, with the table's own part.
    pub fn weight(&self) -> u64 {
        const TABLE_BYTES: usize = 200;
        let Labels { tenant, model, tag } = &self.labels;
        let labels = tenant.len() + model.len() + tag.len();
        (TABLE_BYTES + self.body.len() + self.cuts.len() + labels) as u64
    }
}
