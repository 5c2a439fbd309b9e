//! The usual piece of a streamed answer, read without parsing: a delta that says one string of text and
//! nothing else.
//!
//! What always holds: text cannot fake a delta, because the quotes inside a JSON string are escaped; whatever
//! is unusual in the least is left to a real parser.

use std::ops::Range;

use weir_core::Said;

use crate::dialect::Phase;
use crate::envelope::end_of_string;
use crate::gate::{DELTA, TEXT};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer itself.
    Content,
    /// What the model thinks before it answers.
    Reasoning,
}

impl From<Kind> for Phase {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Content => Self::Content,
            Kind::Reasoning => Self::Reasoning,
        }
    }
}

/// A usual delta: what its text is, and where it lies, as written, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    /// What the text is. Of an empty text, [`Kind::Content`].
    pub kind: Kind,
    /// Where the text lies.
    pub text: Range<usize>,
}

impl Usual {
    /// What it says, if it says anything.
    pub(crate) fn said(&self) -> Option<Said> {
        let place = |at| u32::try_from(at).ok();
        let (from, to) = (place(self.text.start)?, place(self.text.end)?);
        (from < to).then_some(Said { reasoning: self.kind == Kind::Reasoning, from, to })
    }
}

/// What the members of a delta are called in a dialect.
pub(crate) struct Names {
    content: &'static [&'static [u8]],
    reasoning: &'static [&'static [u8]],
    aside: &'static [u8],
    /// What the commonest deltas look like up to their text: comparing costs a third of reading the members.
    plain: &'static [(Kind, &'static [u8])],
}

/// Chat completions; some services say `reasoning`.
pub(crate) static CHAT: Names = Names {
    content: &[b"content"],
    reasoning: &[b"reasoning_content", b"reasoning"],
    aside: b"role",
    plain: &[
        (Kind::Content, b":{\"content\":\""),
        (Kind::Reasoning, b":{\"content\":null,\"reasoning_content\":\""),
        (Kind::Reasoning, b":{\"reasoning_content\":\""),
    ],
};
/// Anthropic messages.
pub(crate) static MESSAGES: Names = Names {
    content: &[b"text"],
    reasoning: &[b"thinking"],
    aside: b"type",
    plain: &[
        (Kind::Content, b":{\"type\":\"text_delta\",\"text\":\""),
        (Kind::Reasoning, b":{\"type\":\"thinking_delta\",\"thinking\":\""),
    ],
};

/// The deltas in a block of events: each is usual, or `None`.
pub(crate) fn deltas<'a>(block: &'a [u8], names: &'a Names) -> impl Iterator<Item = Option<Usual>> + 'a {
    DELTA.places(block).map(|at| usual(block, at + b"\"delta\"".len(), names))
}

/// The texts of legacy completions in a block of events.
pub(crate) fn texts(block: &[u8]) -> impl Iterator<Item = Option<Usual>> + '_ {
    TEXT.places(block).map(|at| {
        let at = past(block, at + b"\"text\"".len(), b':')?;
        let end = string_end(block, at)?;
        Some(Usual { kind: Kind::Content, text: at + 1..end })
    })
}

fn usual(bytes: &[u8], at: usize, names: &Names) -> Option<Usual> {
    plain(bytes, at, names).or_else(|| read(bytes, at, names))
}

fn plain(bytes: &[u8], at: usize, names: &Names) -> Option<Usual> {
    let (kind, start) = names.plain.iter().find(|(_, start)| bytes[at..].starts_with(start))?;
    let text = at + start.len();
    let end = end_of_string(bytes, text - 1)?;
    // An empty text says nothing, whatever it is called.
    let kind = if end == text { Kind::Content } else { *kind };
    (*bytes.get(end + 1)? == b'}').then_some(Usual { kind, text: text..end })
}

fn read(bytes: &[u8], at: usize, names: &Names) -> Option<Usual> {
    let mut at = past(bytes, past(bytes, at, b':')?, b'{')?;
    let mut said: Option<Usual> = None;
    loop {
        let key_end = key_end(bytes, at)?;
        let key = &bytes[at + 1..key_end];
        at = past(bytes, key_end + 1, b':')?;
        if bytes[at..].starts_with(b"null") {
            at = skip_space(bytes, at + 4);
        } else {
            let end = string_end(bytes, at)?;
            let text = at + 1..end;
            let kind = match key {
                key if names.content.contains(&key) => Some(Kind::Content),
                key if names.reasoning.contains(&key) => Some(Kind::Reasoning),
                key if key == names.aside => None,
                _ => return None,
            };
            match (kind, &said) {
                (None, _) => {}
                (Some(kind), None) if !text.is_empty() => said = Some(Usual { kind, text }),
                (Some(_), _) if text.is_empty() => {}
                (Some(_), _) => return None,
            }
            at = skip_space(bytes, end + 1);
        }
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return Some(said.unwrap_or(Usual { kind: Kind::Content, text: 0..0 })),
            _ => return None,
        }
    }
}

/// Past one byte that must be there, and the white space around it.
fn past(bytes: &[u8], at: usize, expected: u8) -> Option<usize> {
    let at = skip_space(bytes, at);
    (*bytes.get(at)? == expected).then(|| skip_space(bytes, at + 1))
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    // JSON has no other byte as low as a space outside of its strings.
    while bytes.get(at).is_some_and(|&byte| byte <= b' ') {
        at += 1;
    }
    at
}

/// The closing quote of the key that must open at `open`. Keys are too short for a vector search to pay.
fn key_end(bytes: &[u8], open: usize) -> Option<usize> {
    if *bytes.get(open)? != b'"' {
        return None;
    }
    let mut at = open + 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => return None,
            _ => at += 1,
        }
    }
}

/// The closing quote of the string that must open at `open`.
fn string_end(bytes: &[u8], open: usize) -> Option<usize> {
    if *bytes.get(open)? == b'"' { end_of_string(bytes, open) } else { None }
}
