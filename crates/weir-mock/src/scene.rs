//! Scenes: a request that will be answered, with everything its answer is made of.
//!
//! `Scene::reply` is the ordinary answer at this profile's pace; faults start from it or change the scene.

use std::time::Duration;

use bytes::Bytes;

use crate::answer::{Answer, Usage};
use crate::ask::{Ask, Role};
use crate::chance::Chance;
use crate::dialect::{Dialect, Part, Spoken, Stamp};
use crate::refusal::{Refusal, Shape};
use crate::reply::{BLANK_LINE, KEEP_ALIVE, Reply, Step};

/// How fast an answer comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Until the first token, queueing included.
    pub first: Duration,
    /// Between two tokens.
    pub between: Duration,
    /// Each gap is up to this share longer or shorter.
    pub unevenness: f64,
    /// Longest silence before the first token: longer waits are filled with one keep-alive each period.
    pub keep_alive: Duration,
}

/// A request that will be answered.
#[derive(Clone)]
pub(crate) struct Scene<'a> {
    /// Whose errors the caller understands.
    pub shape: Shape,
    pub stamp: Stamp,
    pub pace: Pace,
    /// Draws for this request alone.
    pub chance: Chance,
    pub matter: Matter<'a>,
}

/// What the answer consists of.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "one to a request, and the large one is the usual one")]
pub(crate) enum Matter<'a> {
    /// Words.
    Talk(Talk<'a>),
    /// A body that is ready: embeddings, a list of models, a token count.
    Document(Bytes),
}

/// Words, asked for in a dialect.
#[derive(Clone)]
pub(crate) struct Talk<'a> {
    pub dialect: &'static dyn Dialect,
    pub ask: &'a Ask,
    pub answer: Answer,
    /// Tokens of the prompt that were read before.
    pub cache_hit: u32,
    /// All tokens of the prompt.
    pub prompt: u32,
}

impl Scene<'_> {
    /// Whether the answer is streamed.
    pub fn streams(&self) -> bool {
        matches!(&self.matter, Matter::Talk(talk) if talk.ask.stream)
    }

    /// Whether the conversation ends with something the assistant said.
    pub fn ends_with_assistant(&self) -> bool {
        matches!(&self.matter, Matter::Talk(talk) if talk.ask.last_role() == Some(Role::Assistant))
    }

    /// The ordinary reply.
    pub fn reply(&self) -> Reply {
        match &self.matter {
            Matter::Talk(talk) if talk.ask.stream => self.streamed(talk),
            Matter::Talk(talk) => self.plain(talk),
            Matter::Document(body) => {
                let mut reply = Reply::json();
                if reply.wait(self.pace.first, self.pace.keep_alive, BLANK_LINE) {
                    reply.send_noise(body.clone());
                } else {
                    reply.send_whole(body.clone(), 0);
                }
                reply
            }
        }
    }

    /// An error inside a stream that has begun, or, if the answer is not streamed, the whole error body.
    pub fn error_in_band(&self, refusal: &Refusal, events: usize) -> Bytes {
        match &self.matter {
            Matter::Talk(talk) if talk.ask.stream => talk.dialect.error_event(refusal, events).into(),
            _ => refusal.body(self.shape, &self.stamp.id).into(),
        }
    }

    fn streamed(&self, talk: &Talk) -> Reply {
        let mut reply = Reply::events();
        reply.wait(self.pace.first, self.pace.keep_alive, KEEP_ALIVE);
        let frames = talk.dialect.stream(&self.spoken(talk)).finish();
        reply.steps.reserve(2 * frames.len());
        let mut chance = self.chance.fork(GAPS);
        for frame in frames {
            if frame.part == Part::Token && frame.tokens > 1 && !self.pace.between.is_zero() {
                reply.steps.push(Step::Wait(self.gap(&mut chance)));
            }
            reply.steps.push(Step::Send(frame));
        }
        reply
    }

    fn plain(&self, talk: &Talk) -> Reply {
        let mut reply = Reply::json();
        let filled = reply.wait(self.pace.first, self.pace.keep_alive, BLANK_LINE);
        let tokens = talk.answer.tokens();
        let speaking = self.pace.between * tokens.saturating_sub(1);
        if !speaking.is_zero() {
            reply.steps.push(Step::Wait(speaking));
        }
        reply.send_whole(talk.dialect.plain(&self.spoken(talk)).into(), tokens);
        if filled {
            // The blank lines before the body are not in the length declared for it.
            reply.headers.remove(http::header::CONTENT_LENGTH);
        }
        reply
    }

    fn gap(&self, chance: &mut Chance) -> Duration {
        let uneven = self.pace.unevenness;
        if uneven == 0.0 {
            self.pace.between
        } else {
            self.pace.between.mul_f64(chance.between(1.0 - uneven, 1.0 + uneven))
        }
    }

    fn spoken<'s>(&'s self, talk: &'s Talk) -> Spoken<'s> {
        let usage = Usage {
            cache_miss: talk.prompt - talk.cache_hit,
            cache_hit: talk.cache_hit,
            reasoning: talk.answer.reasoning.len(),
            completion: talk.answer.tokens(),
        };
        Spoken { ask: talk.ask, answer: &talk.answer, usage, stamp: &self.stamp }
    }
}

/// The stream of draws that makes gaps uneven.
const GAPS: u64 = 7;
