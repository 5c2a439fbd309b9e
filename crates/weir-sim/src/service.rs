//! One modelled service: who is being answered, what is wrong, how often it was called.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weir_core::{Chance, Clock};

use crate::draw;
use crate::speech::Speech;
use crate::tally::Seconds;
use crate::text::Question;
use crate::trouble::{First, Model, Mood, Refusal};

/// From a call to its refusal, or to the head of its answer, in seconds.
const ROUND_TRIP_S: (f64, f64) = (0.02, 0.06);

/// A modelled service.
pub(crate) struct Service {
    clock: Clock,
    start: Instant,
    first: First,
    /// Guards plain numbers for a few lines.
    state: Mutex<State>,
}

struct State {
    mood: Mood,
    chance: Chance,
    in_flight: u32,
    called: Seconds,
}

/// One call being answered. Dropping it frees its slot.
pub(crate) struct Slot(Arc<Service>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl Service {
    pub(crate) fn new(clock: Clock, start: Instant, model: Model, seed: u64) -> Arc<Self> {
        let mood = Mood::new(model.trouble, seed);
        let state = State { mood, chance: draw::fork(seed, 2), in_flight: 0, called: Seconds::default() };
        Arc::new(Self { clock, start, first: model.first, state: Mutex::new(state) })
    }

    /// Takes a call until the head of its answer, or until it is refused.
    pub(crate) async fn call(self: &Arc<Self>, question: Question, usage: bool) -> Result<Speech, Refusal> {
        let (decision, round_trip, first, telling) = {
            let mut state = self.lock();
            let s = self.seconds();
            state.called.count(s);
            let in_flight = state.in_flight;
            let decision = state.mood.decide(s, in_flight);
            state.in_flight += u32::from(decision.is_ok());
            let (low, high) = ROUND_TRIP_S;
            let round_trip = Duration::from_secs_f64(draw::between(&state.chance, low, high));
            let first = self.first.draw(&state.chance) + question.prefill;
            let telling = if question.fixed { 0 } else { state.chance.bits() as u16 };
            (decision, round_trip, first, telling)
        };
        let decision = decision.map(|broken| (broken, Slot(self.clone())));
        tokio::time::sleep(round_trip).await;
        let (broken, slot) = decision?;
        let begins = self.clock.now() + first.saturating_sub(round_trip);
        Ok(Speech::new(question, telling, usage, begins, broken, slot))
    }

    /// The share of its slots that is in use; `None` for one that takes any number.
    pub(crate) fn in_use(&self) -> Option<f64> {
        let state = self.lock();
        let slots = state.mood.slots(self.seconds())?;
        Some((f64::from(state.in_flight) / f64::from(slots.max(1))).min(1.0))
    }

    /// Calls being answered.
    pub(crate) fn in_flight(&self) -> u32 {
        self.lock().in_flight
    }

    /// Calls that came, second by second.
    pub(crate) fn called(&self) -> Seconds {
        self.lock().called.clone()
    }

    fn is_down(&self) -> bool {
        self.lock().mood.is_down(self.seconds())
    }

    fn seconds(&self) -> f64 {
        self.clock.now().saturating_duration_since(self.start).as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Whether the service has gone down meanwhile.
    pub(crate) fn is_down(&self) -> bool {
        self.0.is_down()
    }
}
