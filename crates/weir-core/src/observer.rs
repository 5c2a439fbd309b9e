//! Those who watch an answer pass: the record, the permit, the lease, the quota, the cache fill.
//!
//! What always holds: each observer sees `end` exactly once, whatever happens, because [`Watchers`] tells them
//! `Abandoned` when it is dropped without having been ended. So "settled exactly once" and "nothing leaks when the
//! caller leaves" need no bookkeeping anywhere else.

use std::time::Instant;

use crate::{Chunk, Class, Clock};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Whole, and delivered.
    Complete,
    /// The service broke off.
    Failed(Class),
    /// The caller left first.
    Abandoned,
}

/// Someone who watches an answer pass.
pub trait Observer: Send {
    /// A chunk is about to go to the caller.
    fn chunk(&mut self, now: Instant, chunk: &Chunk);
    /// The answer is over. Called exactly once.
    fn end(self: Box<Self>, now: Instant, end: End);
}

/// The observers of one answer, told in the order in which they joined.
pub struct Watchers {
    clock: Clock,
    observers: Vec<Box<dyn Observer>>,
}

impl Watchers {
    /// Nobody yet.
    pub const fn new(clock: Clock) -> Self {
        Self { clock, observers: Vec::new() }
    }

    /// One more observer.
    pub fn push(&mut self, observer: Box<dyn Observer>) {
        self.observers.push(observer);
    }

    /// Tells everyone of a chunk.
    pub fn chunk(&mut self, chunk: &Chunk) {
        let now = self.clock.now();
        for observer in &mut self.observers {
            observer.chunk(now, chunk);
        }
    }

    /// Tells everyone that it is over. Later calls find nobody left to tell.
    pub fn end(&mut self, end: End) {
        if self.observers.is_empty() {
            return;
        }
        let now = self.clock.now();
        for observer in self.observers.drain(..) {
            observer.end(now, end);
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.end(End::Abandoned);
    }
}

impl std::fmt::Debug for Watchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watchers({})", self.observers.len())
    }
}
