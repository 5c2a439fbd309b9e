//! Dialects: how each API asks for words and how it words the answer.
//!
//! One file each and one line in [`ALL`]. A dialect reads a body into an [`Ask`] and writes an [`Answer`] as
//! one JSON body or as a stream of frames; both say the same text. Frames know how many tokens they complete,
//! so that faults can cut a stream after exactly so many.

use bytes::Bytes;
use serde::Serialize;

use crate::answer::{Answer, Usage};
use crate::ask::Ask;
use crate::refusal::Refusal;

mod chat;
mod completions;
mod messages;
mod openai;
mod responses;

pub(crate) use messages::count_tokens;

/// Every dialect.
pub(crate) const ALL: &[&dyn Dialect] =
    &[&chat::Chat, &completions::Completions, &responses::Responses, &messages::Messages];

/// One API's wording.
pub(crate) trait Dialect: Send + Sync {
    /// Where it is served, without any prefix.
    fn path(&self) -> &'static str;
    /// Reads a request.
    fn parse(&self, body: &[u8], door: Door) -> Result<Ask, Refusal>;
    /// The answer as one body.
    fn plain(&self, spoken: &Spoken) -> Vec<u8>;
    /// The answer as server-sent events.
    fn stream(&self, spoken: &Spoken) -> Frames;
    /// An error inside a stream that has begun; `events` were sent before it.
    fn error_event(&self, refusal: &Refusal, events: usize) -> Vec<u8>;
}

/// What the place a request came in through allows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Door {
    /// It came in under `/beta`, where DeepSeek continues prefixes.
    pub beta: bool,
    /// A trailing assistant message is continued even without a flag that says so.
    pub continues_trailing: bool,
}

/// Everything a dialect needs to word an answer.
pub(crate) struct Spoken<'a> {
    pub ask: &'a Ask,
    pub answer: &'a Answer,
    pub usage: Usage,
    pub stamp: &'a Stamp,
}

/// What makes one answer different from the same answer given again.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    /// Hex digits; dialects put their own prefix before them.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// `system_fingerprint`: the mock's name.
    pub fingerprint: String,
}

/// What a frame is, for faults that leave some out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Comes before the first token: a role, an empty message.
    Opening,
    /// Completes a token.
    Token,
    /// Says why the answer ended, or closes a part of it.
    Finish,
    /// Usage on its own.
    Usage,
    /// `[DONE]`, `message_stop`, `response.completed`.
    Done,
    /// A whole answer in one.
    Whole,
    /// Says nothing: a keep-alive, an error, a broken event.
    Noise,
}

impl Part {
    /// Whether this comes after the last token.
    pub fn closes(self) -> bool {
        matches!(self, Part::Finish | Part::Usage | Part::Done)
    }
}

/// One event of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub bytes: Bytes,
    pub part: Part,
    /// Tokens said up to and including this frame.
    pub tokens: u32,
}

/// A stream being written: one buffer, cut into frames at the end.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    marks: Vec<(usize, Part, u32)>,
    tokens: u32,
}

impl Frames {
    /// An empty stream for about `tokens` tokens of `bytes_each`.
    pub fn with_room(tokens: u32, bytes_each: usize) -> Self {
        let marks = Vec::with_capacity(tokens as usize + 8);
        Frames { bytes: Vec::with_capacity((tokens as usize + 8) * bytes_each), marks, tokens: 0 }
    }

    /// Adds a frame; `write` appends its bytes. A `Token` frame completes one more token.
    pub fn push(&mut self, part: Part, write: impl FnOnce(&mut Vec<u8>)) {
        self.tokens += u32::from(part == Part::Token);
        write(&mut self.bytes);
        self.marks.push((self.bytes.len(), part, self.tokens));
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// The frames, sharing one buffer.
    pub fn finish(self) -> Vec<Frame> {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        let cut = |(end, part, tokens)| {
            let frame = Frame { bytes: bytes.slice(start..end), part, tokens };
            start = end;
            frame
        };
        self.marks.into_iter().map(cut).collect()
    }
}

/// Appends `value` as JSON.
pub(crate) fn write_json(bytes: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(bytes, value).expect("strings and trees of values always have a JSON form");
}

/// Appends `data: <value>` and the empty line.
pub(crate) fn write_data(bytes: &mut Vec<u8>, value: &impl Serialize) {
    bytes.extend_from_slice(b"data: ");
    write_json(bytes, value);
    bytes.extend_from_slice(b"\n\n");
}

/// Appends `event: <name>`, `data: <value>` and the empty line.
pub(crate) fn write_event(bytes: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    bytes.extend_from_slice(b"event: ");
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'\n');
    write_data(bytes, value);
}
