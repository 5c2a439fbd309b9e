//! Which choices of an answer have been seen, and which of them have ended.
//!
//! What always holds: an answer is whole only when every choice seen of it has ended; what is remembered of a choice
//! is one byte, of at most [`CHOICES_MAX`] of them.

use weir_core::Finish;

/// Choices told apart. OpenAI gives at most 128, for each of at most 2,048 prompts of which nobody streams that many; those
/// beyond share the last place, and end with the first of them.
const CHOICES_MAX: usize = 4096;

/// How far each choice has come.
#[derive(Debug, Default)]
pub(super) struct Ends {
    choices: Vec<State>,
    open: usize,
    ended: usize,
    /// The worst end so far: one choice that is cut short makes the answer no more than that.
    finish: Option<Finish>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unseen,
    Open,
    Ended,
}

impl Ends {
    /// Something was said of a choice; `finish`: also how it ended. What is said after that changes nothing.
    #[inline]
    pub(super) fn see(&mut self, choice: usize, finish: Option<Finish>) {
        if finish.is_some() || self.choices.get(choice).is_none_or(|state| *state == State::Unseen) {
            self.note(choice, finish);
        }
    }

    fn note(&mut self, choice: usize, finish: Option<Finish>) {
        let at = choice.min(CHOICES_MAX - 1);
        if at >= self.choices.len() {
            self.choices.resize(at + 1, State::Unseen);
        }
        let state = &mut self.choices[at];
        if *state == State::Unseen {
            *state = State::Open;
            self.open += 1;
        }
        if let (State::Open, Some(finish)) = (*state, finish) {
            *state = State::Ended;
            self.open -= 1;
            self.ended += 1;
            self.finish = Some(self.finish.map_or(finish, |known| worse(known, finish)));
        }
    }

    /// Whether any choice has ended.
    pub(super) const fn any(&self) -> bool {
        self.ended > 0
    }

    /// How the answer ended, once at least so many choices have, and none that was seen is still open.
    pub(super) fn finish(&self, wanted: usize) -> Option<Finish> {
        self.finish.filter(|_| self.open == 0 && self.ended >= wanted)
    }
}

/// Of two ends the one that says more against the answer.
pub(crate) const fn worse(one: Finish, other: Finish) -> Finish {
    match (one, other) {
        (Finish::Filtered, _) | (_, Finish::Filtered) => Finish::Filtered,
        (Finish::Length, _) | (_, Finish::Length) => Finish::Length,
        (Finish::Whole, Finish::Whole) => Finish::Whole,
    }
}
