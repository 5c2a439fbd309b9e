//! Joins the attempts at one streamed answer into one answer: what the caller was given is remembered, and
//! when a stream breaks, the next attempt's is joined on where the last one stopped.
//!
//! What always holds: as long as nothing breaks, the caller gets the service's own bytes. No byte of text is
//! given twice and none is left out; there is one id, one role and one end. What cannot be joined is an
//! error, never a guess.

mod attempt;
mod blocks;
mod choices;
mod closing;
mod hold;
mod join;
mod messages;
mod piece;
mod request;
mod seam;
mod story;
mod tally;
mod wire;

use bytes::Bytes;
use weir_core::{Chunk, Envelope, Failure, Finish, Operation, Rung, Usage};

use self::attempt::{Attempt, may_echo};
use self::closing::Why;
use self::hold::Hold;
use self::piece::{Piece, Said, are_all_of, chunk_of};
use self::request::Asked;
use self::story::Story;
use self::tally::{Before, Spent};
use self::wire::Wire;
use crate::delta::{Kind, Usual};
use crate::json::half_at_end;
use crate::sse::events;

/// What of a broken answer the caller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Nothing of it; at most that an answer begins.
    Nothing,
    /// Some of the reasoning before it.
    Reasoning,
    /// Some of its text.
    Content,
    /// Something that cannot be continued: a call of a tool that was not held back, signed thinking, a
    /// refusal, audio, more answers than one, or more text than is kept.
    Other,
    /// All of it but its closing: see [`Relay::closing`].
    Finished,
}

/// What is held back until it is whole, and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Calls of tools, until the service says how the answer ended.
    pub tool_calls: bool,
    /// The text of an answer that was asked for in a given shape, until then.
    pub structured: bool,
    /// The most text remembered, and the most bytes held back.
    pub text_bytes_max: usize,
}

/// One streamed answer, whatever the number of attempts at it.
///
/// Every chunk of the present attempt goes through [`push`](Self::push), and the end of its stream through
/// [`finish`](Self::finish). When the attempt breaks, or one of these refuses it: [`broke`](Self::broke) says what the
/// caller has, [`spent`](Self::spent) what it cost, [`can`](Self::can) which rungs are left, and
/// [`resume`](Self::resume) gives the request for the next attempt, before whose chunks it must be called.
pub struct Relay {
    wire: Wire,
    asked: Asked,
    story: Story,
    hold: Hold,
    /// The present attempt; `None` when nothing was given before it, so that it passes as it is.
    attempt: Option<Attempt>,
    spent: Spent,
    /// What the caller had when the present attempt began.
    before: Before,
    /// Some of the present attempt was held back when it broke, so that the caller has less than its service wrote.
    held_back: bool,
    /// An attempt that was given the beginning could not be told from one that says it again: none of its kind can.
    unclear: bool,
    /// What the first attempt told the caller of its prompt.
    prompt_told: Option<Usage>,
    state: State,
    /// Room for what [`Relay::passes`] finds, kept so that it is not allocated for every chunk.
    found: Vec<Usual>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The present attempt's chunks go to the caller.
    Running,
    /// The answer is over; the service's stream may not be.
    Over,
    /// The present attempt could not be joined.
    Failed,
}

impl Relay {
    /// A relay for a request. `None` for operations that are not relayed: their streams pass untouched.
    pub fn new(operation: Operation, envelope: &Envelope, holds: Holds) -> Option<Self> {
        let wire = match operation {
            Operation::Chat => Wire::Chat,
            Operation::Completions => Wire::Legacy,
            Operation::Messages => Wire::Messages,
            Operation::Embeddings | Operation::Responses | Operation::CountTokens | Operation::Other => {
                return None;
            }
        };
        let asked = Asked::new(operation, envelope);
        Some(Self {
            wire,
            story: Story::new(holds.text_bytes_max),
            hold: Hold::new(holds, asked.structured),
            attempt: None,
            spent: Spent::by(&envelope.body),
            before: Before::default(),
            held_back: false,
            unclear: false,
            prompt_told: None,
            state: State::Running,
            found: Vec::new(),
            asked,
        })
    }

    /// Takes a chunk of the present attempt. Gives what goes to the caller, if anything.
    ///
    /// # Errors
    /// [`weir_core::Class::Truncated`]: the attempt cannot be joined on. Nothing of it has been given out.
    pub fn push(&mut self, chunk: Chunk) -> Result<Option<Chunk>, Failure> {
        if self.passes(&chunk) { Ok(Some(chunk)) } else { self.take(chunk) }
    }

    /// The same for a chunk that does not [pass](Self::passes).
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn take(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>, Failure> {
        self.spent.report(chunk.usage);
        if let Some(attempt) = &self.attempt {
            chunk.usage = chunk.usage.map(|usage| attempt.join.tally.of(usage));
        } else if self.wire == Wire::Messages {
            self.prompt_told = self.prompt_told.or(chunk.usage);
        }
        match self.state {
            State::Running => {}
            State::Over => return Ok(worth_giving(Chunk { usage: chunk.usage, ..Chunk::default() })),
            State::Failed => return Err(not_joined()),
        }
        if self.asked.many {
            self.story.opened |= !chunk.bytes.is_empty();
            return Ok(Some(chunk));
        }
        if chunk.bytes.is_empty() {
            return Ok(worth_giving(chunk));
        }
        if chunk.usage.is_some() && self.only_says_text(&chunk) {
            return Ok(Some(chunk));
        }
        let given = self.take_events(&chunk.bytes).inspect_err(|_| self.state = State::Failed)?;
        if self.attempt.is_none() && are_all_of(&given, &chunk.bytes) {
            return Ok(Some(chunk));
        }
        let ended = if self.is_over() { Some(Finish::Whole) } else { chunk.finish };
        Ok(worth_giving(Chunk { usage: chunk.usage, ..chunk_of(&given, ended) }))
    }

    /// The attempt's stream ended well. Gives what was held back.
    ///
    /// # Errors
    /// The attempt ended before it had repeated what the caller has.
    pub fn finish(&mut self) -> Result<Option<Chunk>, Failure> {
        match self.state {
            State::Failed => return Err(not_joined()),
            State::Over => return Ok(None),
            State::Running => {}
        }
        let mut given = Vec::new();
        if let Some(attempt) = &mut self.attempt {
            let rest = attempt.end().inspect_err(|_| self.state = State::Failed)?;
            self.give_all(rest, &mut given);
        }
        let held = self.hold.release();
        self.record(held, &mut given);
        Ok(worth_giving(chunk_of(&given, None)))
    }

    /// Whether the answer is over although the service goes on: a stop sequence was completed of which an
    /// earlier attempt had said the beginning.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The attempt broke: what was held back is dropped. Says what the caller has.
    pub fn broke(&mut self) -> Delivered {
        self.held_back |= !self.hold.release().is_empty();
        self.unclear |= self.was_unclear();
        self.delivered()
    }

    /// Whether the present attempt could not be joined because what it repeats may be an echo or the answer's own words: its
    /// service has said nothing different.
    pub fn was_unclear(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.join.unclear)
    }

    /// What closes a [`Delivered::Finished`] answer; empty when the caller has that, too.
    pub const fn closing(&self) -> &'static [u8] {
        if self.story.closed { b"" } else { closing::mark(self.asked.operation) }
    }

    /// What ends an answer that broke off after as many tokens as the caller had asked for: no service is asked for none. To
    /// be asked after [`broke`](Self::broke), before [`resume`](Self::resume); the answer is over then.
    pub fn used_up(&self) -> Option<Chunk> {
        let tokens = self.tokens();
        if self.delivered() != Delivered::Content || !self.asked.is_used_up(tokens) {
            return None;
        }
        let bytes = closing::ended(&self.asked, &self.story, self.story.open(), Why::Length, tokens);
        Some(Chunk { bytes: bytes.into(), progress: true, finish: Some(Finish::Length), ..Chunk::default() })
    }

    /// Tokens of the present attempt, and whether they are an estimate: a stream that broke has not reported
    /// them.
    pub fn spent(&self) -> (Usage, bool) {
        self.spent.tokens()
    }

    /// Whether this rung can be used for what was delivered.
    pub fn can(&self, rung: Rung) -> bool {
        let joins = !self.asked.many || !self.story.opened;
        let clear = !self.unclear || !may_echo(self.wire, rung);
        joins && clear && self.asked.can(&self.story, self.tokens(), rung)
    }

    /// The request for the next attempt on this rung, whose chunks are joined accordingly. `envelope` is the
    /// request as it would be sent for the first time. A rung that does not fit is taken for
    /// [`Rung::Replay`], which needs no more than the request itself; where that does not fit either,
    /// whatever comes is refused.
    pub fn resume(&mut self, rung: Rung, envelope: &Envelope) -> Envelope {
        self.hold.release();
        let again = self.can(Rung::Fresh) || self.can(Rung::Replay);
        self.state = if again { State::Running } else { State::Failed };
        let tokens = self.tokens();
        let next = self.asked.next(&self.story, tokens, rung, envelope).filter(|_| self.can(rung));
        self.before = Before::of(&self.story, tokens);
        self.held_back = false;
        let (envelope, sent) =
            next.map_or_else(|| (envelope.clone(), None), |next| (next.envelope, next.sent));
        self.spent = Spent::by(&envelope.body);
        let (wire, story) = (self.wire, &self.story);
        self.attempt = story.opened.then(|| match sent {
            None => Attempt::again(wire, story),
            Some(sent) => {
                Attempt::further(wire, story, &self.asked, (rung, &sent)).counting(tokens, self.prompt_told)
            }
        });
        envelope
    }

    /// How many tokens the caller has.
    fn tokens(&self) -> u64 {
        // A message's first event reports one token, and the next report comes with its end.
        let reports = self.wire != Wire::Messages && !self.held_back;
        let reported = self.spent.written().filter(|_| reports);
        let goes_on = self.attempt.as_ref().is_some_and(|attempt| attempt.join.continues);
        self.before.and_now(&self.story, reported, goes_on)
    }

    fn delivered(&self) -> Delivered {
        if self.asked.many && self.story.opened { Delivered::Other } else { self.story.delivered() }
    }

    /// Whether the chunk goes to the caller as it is, seen at a glance: it only says text. Then it is recorded. To be asked
    /// once for each chunk.
    pub fn passes(&mut self, chunk: &Chunk) -> bool {
        // What it reports has to be counted first.
        chunk.usage.is_none() && self.only_says_text(chunk)
    }

    fn only_says_text(&mut self, chunk: &Chunk) -> bool {
        let bytes = &chunk.bytes[..];
        let open = self.hold.is_open() || (self.hold.is_empty() && self.story.lost);
        let begun = self.state == State::Running && self.attempt.is_none() && self.story.opened;
        if !begun || !open || chunk.finish.is_some() || self.asked.many {
            return false;
        }
        if let Some(said) = chunk.said {
            let text = said.of(bytes);
            let whole = half_at_end(text).is_none();
            if whole {
                self.story.say(if said.reasoning { Kind::Reasoning } else { Kind::Content }, text);
                self.spent.parts += 1;
            }
            return whole;
        }
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let understood = self.wire.glance(bytes, &mut found);
        let whole = |usual: &Usual| half_at_end(&bytes[usual.text.clone()]).is_none();
        let passes = understood && !found.is_empty() && found.iter().all(whole);
        if passes {
            for usual in found.iter().filter(|usual| !usual.text.is_empty()) {
                self.story.say(usual.kind, &bytes[usual.text.clone()]);
                self.spent.parts += 1;
            }
        }
        self.found = found;
        passes
    }

    /// Takes the events of a block one by one. Gives what goes to the caller.
    fn take_events(&mut self, block: &Bytes) -> Result<Vec<Piece>, Failure> {
        let mut given = Vec::new();
        let mut from = 0;
        let ends: Vec<usize> = events(block).map(|event| event.whole.end).collect();
        for (at, &end) in ends.iter().enumerate() {
            // Blank lines belong to the event before or after them, so that nothing is lost.
            let end = if at + 1 == ends.len() { block.len() } else { end };
            let event = block.slice(from..end);
            from = end;
            let said = self.wire.read(&event);
            self.spent.parts += said.parts();
            let Some(attempt) = &mut self.attempt else {
                self.give(Piece { bytes: event, said }, &mut given);
                continue;
            };
            let joined = attempt.take(&event)?;
            self.give_all(joined, &mut given);
            if self.stop_if_over(&mut given) {
                break;
            }
        }
        Ok(given)
    }

    /// Ends the answer when a stop sequence was completed.
    fn stop_if_over(&mut self, given: &mut Vec<Piece>) -> bool {
        let Some(attempt) = self.attempt.as_ref().filter(|attempt| attempt.join.is_over()) else {
            return false;
        };
        let stop = attempt.join.stopped_by.as_deref().unwrap_or_default();
        let (why, open, parts) = (Why::Stop(stop), attempt.open(), self.story.parts);
        let bytes = Bytes::from(closing::ended(&self.asked, &self.story, open, why, parts));
        self.state = State::Over;
        self.give(Piece { bytes, said: Said { finish: true, last: true, ..Said::default() } }, given);
        true
    }

    fn give_all(&mut self, events: Vec<Bytes>, given: &mut Vec<Piece>) {
        for bytes in events {
            let said = self.wire.read(&bytes);
            self.give(Piece { bytes, said }, given);
        }
    }

    /// Gives a piece to the caller, or holds it back.
    fn give(&mut self, piece: Piece, given: &mut Vec<Piece>) {
        if self.story.lost {
            // Holding back would only delay what no other attempt could give.
            let mut pieces = self.hold.release();
            pieces.push(piece);
            return self.record(pieces, given);
        }
        let pieces = self.hold.take(piece);
        self.story.lost |= self.hold.overflowed;
        self.record(pieces, given);
    }

    fn record(&mut self, pieces: Vec<Piece>, given: &mut Vec<Piece>) {
        for piece in pieces {
            if !self.story.opened && !piece.said.idle {
                self.story.names = self.wire.names(&piece.bytes);
            }
            self.story.record(&piece);
            given.push(piece);
        }
    }
}

fn not_joined() -> Failure {
    join::failure("the attempt does not go on where the answer broke off")
}

/// A chunk without bytes is still worth giving when it reports tokens.
fn worth_giving(chunk: Chunk) -> Option<Chunk> {
    (!chunk.bytes.is_empty() || chunk.usage.is_some()).then_some(chunk)
}
