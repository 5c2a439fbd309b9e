//! How many calls a pool's endpoints take at one time.

use std::iter::Sum;
use std::time::Instant;

/// The room at one moment: of one endpoint, or of several together.
///
/// An endpoint rests while nobody should call it: it asked for a pause, its key is of no use, its circuit is open. Then
/// it has room for the calls it has, and no more; with a circuit that is half-open, for its probes besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Calls at one time, now.
    pub now: usize,
    /// The same if nobody rested.
    pub whole: usize,
    /// Nobody serves: each rests, or has yet to show that it is back.
    pub rests: bool,
    /// When the first rest is over; `None` while there is none, or none whose end is known.
    pub until: Option<Instant>,
}

impl Room {
    /// So many calls, at endpoints that serve.
    pub const fn of(calls: usize) -> Self {
        Self { now: calls, whole: calls, rests: false, until: None }
    }
}

impl Sum for Room {
    fn sum<I: Iterator<Item = Self>>(rooms: I) -> Self {
        let none = Self { now: 0, whole: 0, rests: true, until: None };
        rooms.fold(none, |sum, one| Self {
            now: sum.now + one.now,
            whole: sum.whole + one.whole,
            rests: sum.rests && one.rests,
            until: [sum.until, one.until].into_iter().flatten().min(),
        })
    }
}
