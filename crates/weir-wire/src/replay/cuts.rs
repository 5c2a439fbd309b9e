//! Where the texts of an answer were cut into events: written down with about a byte an event, and made up between words
//! for an answer that came plain.
//!
//! What always holds: texts are the insides of JSON strings as written, and a piece of one is one again, so nothing is
//! ever decoded, and a pair of surrogates that a service tore apart stays as it was. Any bytes are cuts; of another
//! answer they give `None` or another way to cut, never other text.

use std::ops::Range;

/// The most pieces that a text without known cuts is cut into, so that a huge one does not become a hundred times as long.
const PIECES_MAX: usize = 16_384;

/// The most that is said in one made-up piece, in bytes: a long word, or four characters that have no spaces between words.
const WORD_BYTES_MAX: usize = 12;

/// One event of a section: which of the section's texts it says, and how many bytes of it. Some texts are said whole; their
/// length is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) track: usize,
    pub(super) length: usize,
    /// How many elements of each list that goes along with the texts come with it; none beyond the end.
    pub(super) along: Vec<usize>,
}

impl Step {
    pub(super) const fn new(track: usize, length: usize) -> Self {
        Self { track, length, along: Vec::new() }
    }
}

/// Cuts being written, a section for each part of an answer that has texts of its own.
#[derive(Default)]
pub(super) struct Sections(Vec<u8>);

impl Sections {
    /// Writes a section, in runs of one text: how many runs; of each its text and how many steps; of each step its length and
    /// the counts of `along` lists.
    pub(super) fn push(&mut self, steps: &[Step], along: usize) {
        let runs = || steps.chunk_by(|one, next| one.track == next.track);
        self.number(runs().count());
        for run in runs() {
            self.number(run[0].track);
            self.number(run.len());
            for step in run {
                self.number(step.length);
                for list in 0..along {
                    self.number(step.along.get(list).copied().unwrap_or(0));
                }
            }
        }
    }

    /// Writes tracks that stand before a section.
    pub(super) fn tracks(&mut self, tracks: &[usize]) {
        self.number(tracks.len());
        tracks.iter().for_each(|track| self.number(*track));
    }

    /// Writes a number: seven bits a byte, the lowest first; the last byte has its highest bit clear.
    pub(super) fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Cuts being read.
pub(super) struct Cuts<'a> {
    known: bool,
    rest: &'a [u8],
}

impl<'a> Cuts<'a> {
    pub(super) const fn read(bytes: &'a [u8]) -> Self {
        Self { known: !bytes.is_empty(), rest: bytes }
    }

    /// The steps of the next section; `otherwise` those of an answer that came plain.
    pub(super) fn section(
        &mut self,
        along: usize,
        otherwise: impl FnOnce() -> Vec<Step>,
    ) -> Option<Vec<Step>> {
        if !self.known {
            return Some(otherwise());
        }
        let mut steps = Vec::new();
        for _ in 0..self.number()? {
            let track = self.number()?;
            // Each step takes a byte at least, so this ends with the bytes.
            for _ in 0..self.number()? {
                let length = self.number()?;
                let along = (0..along).map(|_| self.number()).collect::<Option<_>>()?;
                steps.push(Step { track, length, along });
            }
        }
        Some(steps)
    }

    /// A number that stands before the sections; 0 of an answer that came plain.
    pub(super) fn before(&mut self) -> Option<usize> {
        if self.known { self.number() } else { Some(0) }
    }

    /// Tracks that stand before a section; `otherwise` those of an answer that came plain.
    pub(super) fn tracks(&mut self, otherwise: impl FnOnce() -> Vec<usize>) -> Option<Vec<usize>> {
        if !self.known {
            return Some(otherwise());
        }
        (0..self.number()?).map(|_| self.number()).collect()
    }

    /// Whether all has been read.
    pub(super) const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in [0, 7, 14, 21] {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// A text being said piece by piece.
pub(super) struct Text<'a> {
    whole: &'a str,
    at: usize,
}

impl<'a> Text<'a> {
    pub(super) const fn new(whole: &'a str) -> Self {
        Self { whole, at: 0 }
    }

    /// The next piece; `None` when there is not as much left, or it would end inside a character.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a str> {
        let piece = self.whole.get(self.at..self.at + length).filter(|piece| is_whole(piece))?;
        self.at += length;
        Some(piece)
    }

    pub(super) fn is_over(&self) -> bool {
        self.at == self.whole.len()
    }
}

/// A list of which elements are said along with texts.
pub(super) struct Queue<'a> {
    elements: Vec<&'a str>,
    at: usize,
}

impl<'a> Queue<'a> {
    pub(super) const fn new(elements: Vec<&'a str>) -> Self {
        Self { elements, at: 0 }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&[&'a str]> {
        let elements = self.elements.get(self.at..self.at + count)?;
        self.at += count;
        Some(elements)
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.take(1).map(|one| one[0])
    }

    pub(super) const fn len(&self) -> usize {
        self.elements.len()
    }

    /// How many have been taken.
    pub(super) const fn said(&self) -> usize {
        self.at
    }

    pub(super) const fn is_over(&self) -> bool {
        self.at == self.elements.len()
    }
}

/// Whether no escape is cut short at the end.
fn is_whole(piece: &str) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &piece.as_bytes()[at..]) {
        at += found;
        at += escape_length(&piece.as_bytes()[at..]);
        if at > piece.len() {
            return false;
        }
    }
    true
}

const fn escape_length(escape: &[u8]) -> usize {
    if escape.len() > 1 && escape[1] == b'u' { 6 } else { 2 }
}

/// Steps that say a text in pieces like words. `of`: how long the whole answer is, which bounds how many pieces there are.
pub(super) fn words(track: usize, text: &str, of: usize) -> Vec<Step> {
    let least = of / PIECES_MAX;
    let (mut steps, mut start, mut in_word) = (Vec::new(), 0, false);
    for unit in units(text) {
        let is_space = matches!(&text[unit.clone()], " " | "\\n" | "\\t");
        let length = unit.start - start;
        let ends = (is_space && in_word) || unit.end - start > WORD_BYTES_MAX;
        if ends && length > least {
            steps.push(Step::new(track, length));
            (start, in_word) = (unit.start, false);
        }
        in_word |= !is_space;
    }
    if start < text.len() {
        steps.push(Step::new(track, text.len() - start));
    }
    steps
}

/// The characters of a text as written: escapes, pairs of surrogates and all else.
fn units(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        let mut length = first.len_utf8();
        if first == '\\' {
            length = escape_length(rest.as_bytes());
            let low = rest.get(6..).is_some_and(|next| is_half(next, ['c', 'd', 'e', 'f']));
            length += if low && is_half(rest, ['8', '9', 'a', 'b']) { 6 } else { 0 };
        }
        let unit = at..(at + length).min(text.len());
        at = unit.end;
        Some(unit)
    })
}

/// Whether the text begins with a half of a surrogate pair, whose third digit is one of these.
fn is_half(text: &str, third: [char; 4]) -> bool {
    let mut digits =
        text.strip_prefix("\\u").into_iter().flat_map(str::chars).map(|c| c.to_ascii_lowercase());
    digits.next() == Some('d') && digits.next().is_some_and(|digit| third.contains(&digit))
}
