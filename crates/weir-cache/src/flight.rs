//! Requests that ask for the same at the same time share one call: who comes first has it made, by a task that belongs to
//! nobody, and all of them read what it brings, each at its own pace, from the first byte.
//!
//! What always holds: of identical requests one call is under way; it goes on while anybody listens and is over as soon as
//! nobody does; a caller that reads slowly holds up nobody else; what is buffered is bounded, and one that lags behind by
//! more than that is cut.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use weir_core::{Chunk, ChunkStream, Class, Failure, Head, Priority, Rejection};

use crate::key::Key;

/// Which requests share a call: those that ask the same of the same answers, in the same form, as urgently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlightKey {
    pub(crate) key: Key,
    pub(crate) stream: bool,
    pub(crate) usage: bool,
    pub(crate) priority: Priority,
    pub(crate) may_degrade: bool,
    round: Round,
}

/// Which of the calls for one request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Round {
    First,
    /// The one more that is made when the first came to nothing.
    Again,
    /// The one that nobody waits for: they have been given an old answer.
    Refresh,
}

impl FlightKey {
    pub(crate) const fn new(
        key: Key,
        (stream, usage): (bool, bool),
        (priority, may_degrade): (Priority, bool),
    ) -> Self {
        Self { key, stream, usage, priority, may_degrade, round: Round::First }
    }

    /// The call for a new answer that nobody waits for: one for all who are given the old one, in whatever form.
    pub(crate) const fn refresh(key: Key) -> Self {
        let (stream, usage, priority, may_degrade) = (false, false, Priority::LAST, true);
        Self { key, stream, usage, priority, may_degrade, round: Round::Refresh }
    }

    /// The one more call that is made when the first came to nothing.
    #[must_use]
    pub const fn again(self) -> Self {
        Self { round: Round::Again, ..self }
    }
}

/// What is buffered of one answer for those who read it slowly, in bytes.
const BYTES_MAX: usize = 16 << 20;

/// All calls that are shared.
#[derive(Default)]
pub struct Flights {
    /// Guards a look-up. Taken before a flight's own lock where both are.
    flights: Mutex<HashMap<FlightKey, Arc<Flight>>>,
}

struct Flight {
    /// Guards a few moves of pointers.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: Option<Result<Begun, Unanswered>>,
    chunks: Vec<Chunk>,
    /// Chunks that are gone from the front: those who have not read them by now never will.
    gone: usize,
    bytes: usize,
    end: Option<Result<(), Failure>>,
    listeners: usize,
    /// Listeners that ever were, which gives each its number.
    numbered: u64,
    /// Those who wait for something new, by number.
    waiting: HashMap<u64, Waker>,
    leader: Option<Waker>,
}

/// How the answer to a shared call began.
#[derive(Clone)]
pub struct Begun {
    /// Its head.
    pub head: Head,
    /// All of it, when it comes in one piece; else chunks follow.
    pub whole: Option<Chunk>,
    /// What it is less than was asked for.
    pub degraded: Option<String>,
}

/// Why a shared call brought no answer.
#[derive(Clone, Debug)]
pub enum Unanswered {
    /// Whoever made it was told so.
    Rejected(Rejection),
    /// It was given up: nobody had listened when this one came.
    GivenUp,
}

/// Whoever makes the call. Dropping it tells the listeners that nothing more comes.
pub struct Lead {
    flights: Arc<Flights>,
    key: FlightKey,
    flight: Arc<Flight>,
}

/// Whoever wants the answer. When the last one is dropped, the call is over.
pub struct Listener {
    flight: Arc<Flight>,
    number: u64,
    /// Chunks read so far.
    read: usize,
    /// Somebody else pays: what the answer used is not told.
    free: bool,
}

impl Flights {
    /// Joins the call of this key. With a [`Lead`] for whoever comes first: it has to be made.
    pub fn board(self: &Arc<Self>, key: FlightKey) -> (Option<Lead>, Listener) {
        let mut flights = self.lock();
        let (lead, flight) = match flights.entry(key) {
            Entry::Occupied(entry) => (None, entry.get().clone()),
            Entry::Vacant(entry) => {
                let flight = Arc::new(Flight { state: Mutex::default() });
                entry.insert(flight.clone());
                (Some(Lead { flights: self.clone(), key, flight: flight.clone() }), flight)
            }
        };
        let number = flight.lock().listen();
        (lead, Listener { flight, number, read: 0, free: false })
    }

    /// Whether such a call is under way.
    pub fn is_under_way(&self, key: &FlightKey) -> bool {
        self.lock().contains_key(key)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }
}

impl Flight {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes those who wait for it.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.lock();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }
}

impl State {
    fn listen(&mut self) -> u64 {
        self.listeners += 1;
        self.numbered += 1;
        self.numbered
    }
}

impl Lead {
    /// The answer begins.
    pub fn begun(&self, begun: Begun) {
        self.flight.change(|state| state.begun = Some(Ok(begun)));
    }

    /// There is none.
    pub fn rejected(self, rejection: Rejection) {
        self.flight.change(|state| state.begun = Some(Err(Unanswered::Rejected(rejection))));
    }

    /// A piece of it.
    pub fn chunk(&self, chunk: Chunk) {
        self.flight.change(|state| {
            state.bytes += chunk.bytes.len();
            state.chunks.push(chunk);
            let mut late = 0;
            while state.bytes > BYTES_MAX && late + 1 < state.chunks.len() {
                state.bytes -= state.chunks[late].bytes.len();
                late += 1;
            }
            state.chunks.drain(..late);
            state.gone += late;
        });
    }

    /// It is over.
    pub fn ended(self, end: Result<(), Failure>) {
        self.flight.change(|state| state.end = Some(end));
    }

    /// Ready once nobody listens any more.
    pub fn poll_deserted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.flight.lock();
        if state.listeners == 0 {
            return Poll::Ready(());
        }
        state.leader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
        self.flight.change(|state| {
            let lost = || Failure::new(Class::Hard, "the call that was shared was given up");
            state.end.get_or_insert_with(|| Err(lost()));
        });
    }
}

impl Listener {
    /// The same for one who does not pay for the call.
    #[must_use]
    pub const fn free(mut self) -> Self {
        self.free = true;
        self
    }

    /// Waits until the answer begins.
    ///
    /// # Errors
    /// It will not.
    pub async fn begun(&mut self) -> Result<Begun, Unanswered> {
        let begun = std::future::poll_fn(|cx| {
            let mut state = self.flight.lock();
            match (&state.begun, &state.end) {
                (Some(begun), _) => Poll::Ready(begun.clone()),
                (None, Some(_)) => Poll::Ready(Err(Unanswered::GivenUp)),
                (None, None) => {
                    state.waiting.insert(self.number, cx.waker().clone());
                    Poll::Pending
                }
            }
        });
        let begun = begun.await?;
        Ok(Begun { whole: begun.whole.map(|chunk| self.told(chunk)), ..begun })
    }

    /// A chunk as this one gets it.
    fn told(&self, chunk: Chunk) -> Chunk {
        if self.free { Chunk { usage: None, ..chunk } } else { chunk }
    }
}

impl ChunkStream for Listener {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        let flight = self.flight.clone();
        let mut state = flight.lock();
        let Some(at) = self.read.checked_sub(state.gone) else {
            let message = format!("the answer was read too slowly: more than {BYTES_MAX} bytes behind");
            return Poll::Ready(Some(Err(Failure::new(Class::Hard, message))));
        };
        if let Some(chunk) = state.chunks.get(at).cloned() {
            self.read += 1;
            return Poll::Ready(Some(Ok(self.told(chunk))));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(failure)) => Poll::Ready(Some(Err(failure.clone()))),
            None => {
                state.waiting.insert(self.number, cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let leader = {
            let mut state = self.flight.lock();
            state.listeners -= 1;
            state.waiting.remove(&self.number);
            if state.listeners > 0 { None } else { state.leader.take() }
        };
        leader.into_iter().for_each(Waker::wake);
    }
}
