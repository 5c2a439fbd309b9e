//! What stands around the text of a usual event, remembered: a service changes nothing but the text from one event to the
//! next, so the next one is read by comparing it, at a tenth of the cost of reading.
//!
//! What always holds: an event that fits is, byte for byte, the remembered one with another text between the same two
//! quotes. So it is as whole as that one, and says the same of everything else.

use std::ops::Range;

/// The longest event remembered. Those of known services take 200 to 500 bytes.
const BYTES_MAX: usize = 4096;

/// The frame of the last usual event, and what such an event says.
#[derive(Debug)]
pub(crate) struct Frame<T> {
    /// The event without its text; empty when none is remembered.
    bytes: Vec<u8>,
    /// Where its text belongs.
    text_at: usize,
    says: Option<T>,
}

/// An event that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fit<T> {
    /// What it says.
    pub says: T,
    /// Where its text lies, as written, without quotes. Never empty.
    pub text: Range<usize>,
    /// Where the event ends.
    pub end: usize,
}

impl<T> Default for Frame<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), text_at: 0, says: None }
    }
}

impl<T: Copy> Frame<T> {
    /// Remembers an event that was read, with its closing blank line: its text, and what every such event says.
    pub(crate) fn learn(&mut self, event: &[u8], text: &Range<usize>, says: T) {
        self.bytes.clear();
        self.says = None;
        let quoted = event[..text.start].ends_with(b"\"") && event[text.end..].starts_with(b"\"");
        if quoted && event.len() - text.len() <= BYTES_MAX {
            self.bytes.extend_from_slice(&event[..text.start]);
            self.bytes.extend_from_slice(&event[text.end..]);
            self.text_at = text.start;
            self.says = Some(says);
        }
    }

    /// The event at the beginning of a block, if it is the remembered one but for its text.
    #[inline]
    pub(crate) fn fit(&self, block: &[u8]) -> Option<Fit<T>> {
        let says = self.says?;
        let (before, after) = self.bytes.split_at(self.text_at);
        let from = before.len();
        let text = block.strip_prefix(before)?;
        let length = end_of_text(text)?;
        let fits = length > 0 && text[length..].starts_with(after);
        fits.then(|| Fit { says, text: from..from + length, end: from + length + after.len() })
    }
}

/// The quote that closes the text. A line that ends inside of it ends the event's data.
fn end_of_text(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at),
            b'\n' => return None,
            _ if text.get(at + 1) == Some(&b'\n') => return None,
            _ => at += 2,
        }
    }
}
