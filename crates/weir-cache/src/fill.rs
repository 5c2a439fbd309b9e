//! Watches an answer pass and keeps it if it turns out whole.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use weir_core::{Chunk, Clock, End, Finish, Observer, Operation, Usage};

use crate::Forms;
use crate::entry::{Entry, Labels, Moment};
use crate::key::Key;
use crate::semantic::Lesson;
use crate::tiers::Tiers;

/// An answer being kept, or nothing when this one may not be.
pub struct Fill(Option<Box<Filling>>);

pub(crate) struct Filling {
    pub(crate) clock: Clock,
    pub(crate) tiers: Arc<Tiers>,
    pub(crate) forms: Forms,
    pub(crate) key: Key,
    /// How many purges there had been when the answer was asked for: what was thrown out meanwhile is not put back.
    pub(crate) purges: u64,
    pub(crate) bytes_max: usize,
    pub(crate) fresh_ms: u64,
    pub(crate) revision: u64,
    pub(crate) labels: Labels,
    pub(crate) operation: Operation,
    /// It comes as a stream, and is kept as a whole answer.
    pub(crate) streamed: bool,
    /// What is learned from it.
    pub(crate) lesson: Option<Lesson>,
    /// The stream goes to the caller without its report of tokens.
    pub(crate) untold: bool,
    pub(crate) passed: Passed,
}

/// What has passed so far.
#[derive(Default)]
pub(crate) struct Passed {
    bytes: BytesMut,
    whole: bool,
    usage: Option<Usage>,
}

impl Fill {
    /// Nothing is kept.
    pub const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(filling: Filling) -> Self {
        Self(Some(Box::new(filling)))
    }

    /// The same, from which something is learned.
    pub(crate) fn teaching(mut self, lesson: Lesson) -> Self {
        if let Some(filling) = &mut self.0 {
            filling.lesson = Some(lesson);
        }
        self
    }

    /// The same, or nothing for an answer that is not the one that was asked for.
    #[must_use]
    pub fn only_if(self, in_full: bool) -> Self {
        if in_full { self } else { Self::none() }
    }
}

impl Observer for Fill {
    fn chunk(&mut self, _now: Instant, chunk: &Chunk) {
        let Some(filling) = &mut self.0 else { return };
        let passed = &mut filling.passed;
        if passed.bytes.len() + chunk.bytes.len() > filling.bytes_max {
            self.0 = None;
            return;
        }
        passed.bytes.extend_from_slice(&chunk.bytes);
        passed.whole |= chunk.finish == Some(Finish::Whole);
        passed.usage = match (passed.usage, chunk.usage) {
            (Some(known), Some(new)) => Some(known.merged(new)),
            (known, new) => new.or(known),
        };
    }

    fn end(self: Box<Self>, _now: Instant, end: End) {
        let Some(filling) = self.0 else { return };
        // Cut at a length or by a filter, or broken off: not an answer to give again.
        if end == End::Complete && filling.passed.whole {
            filling.keep();
        }
    }
}

impl Filling {
    fn keep(self) {
        let Self {
            clock,
            tiers,
            forms,
            key,
            purges,
            fresh_ms,
            revision,
            labels,
            streamed,
            operation,
            lesson,
            untold,
            passed,
            ..
        } = self;
        let bytes = passed.bytes.freeze();
        let missing = passed.usage.filter(|_| untold);
        let (body, cuts) = if streamed {
            let Some(whole) = (forms.assemble)(operation, &bytes, missing) else { return };
            whole
        } else {
            (bytes, Bytes::new())
        };
        // Of its own, so that it does not hold the larger buffer that it came in.
        let body = Bytes::copy_from_slice(&body);
        let made = Moment::of(clock.wall());
        let entry = Entry { body, cuts, made, fresh_ms, revision, labels };
        let is_kept = tiers.put(key, &entry, purges);
        if let Some(lesson) = lesson.filter(|_| is_kept) {
            lesson.learn(operation, key, &entry);
        }
    }
}
