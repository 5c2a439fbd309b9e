//! Which of several HTTP/2 connections to a service a call takes.
//!
//! One connection carries many calls, with all of them in its fate: a single GOAWAY or a lost packet strikes every one. So
//! calls are spread over lanes, each with a connection of its own per service. What always holds: a seat is taken for as
//! long as its answer's body lives, and given back when it is dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::uri::Authority;

/// Streams on one connection before another lane is opened. Common servers take 100 or 128 at a time and let the rest wait
/// unseen.
const STREAMS_SOFT_MAX: usize = 64;
/// The most connections to one service; beyond them the least loaded takes more.
pub(crate) const LANES_MAX: usize = 64;

/// How many calls run in each lane, service by service.
pub(crate) struct Lanes {
    /// How many lanes are used from the start.
    usual: usize,
    /// One entry a service in config, made when it is first called. Guards the map, not the counts.
    services: Mutex<HashMap<Authority, Arc<Counts>>>,
}

struct Counts {
    in_flight: [AtomicUsize; LANES_MAX],
    /// Where the next look begins, so that equals take turns.
    turn: AtomicUsize,
}

/// A place in a lane.
pub(crate) struct Seat {
    counts: Arc<Counts>,
    lane: usize,
}

impl Lanes {
    /// At least one lane, at most [`LANES_MAX`].
    pub(crate) fn new(usual: usize) -> Self {
        Self { usual: usual.clamp(1, LANES_MAX), services: Mutex::default() }
    }

    /// Takes a place in the emptiest lane.
    pub(crate) fn seat(&self, service: &Authority) -> Seat {
        let counts = self.counts(service);
        let turn = counts.turn.fetch_add(1, Ordering::Relaxed);
        // Two callers may choose the same lane at once: the counts stay right, and the balance is off by one.
        let lane = choose(|lane| counts.in_flight[lane].load(Ordering::Relaxed), self.usual, turn);
        counts.in_flight[lane].fetch_add(1, Ordering::Relaxed);
        Seat { counts, lane }
    }

    fn counts(&self, service: &Authority) -> Arc<Counts> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = services.get(service) {
            return Arc::clone(counts);
        }
        let counts = Arc::new(Counts {
            in_flight: [const { AtomicUsize::new(0) }; LANES_MAX],
            turn: AtomicUsize::new(0),
        });
        services.insert(service.clone(), Arc::clone(&counts));
        counts
    }
}

impl Seat {
    pub(crate) const fn lane(&self) -> usize {
        self.lane
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counts.in_flight[self.lane].fetch_sub(1, Ordering::Relaxed);
    }
}

/// The emptiest of the usual lanes, equals in turn; once all of these are full, the first other with room; once there is
/// none, the emptiest of all.
fn choose(in_flight: impl Fn(usize) -> usize, usual: usize, turn: usize) -> usize {
    let emptiest = |lanes: usize| {
        let in_turn = (0..lanes).map(|step| turn.wrapping_add(step) % lanes);
        in_turn.min_by_key(|&lane| in_flight(lane)).unwrap_or(0)
    };
    let lane = emptiest(usual);
    if in_flight(lane) < STREAMS_SOFT_MAX {
        return lane;
    }
    let with_room = (usual..LANES_MAX).find(|&lane| in_flight(lane) < STREAMS_SOFT_MAX);
    with_room.unwrap_or_else(|| emptiest(LANES_MAX))
}

#[cfg(test)]
mod tests;
