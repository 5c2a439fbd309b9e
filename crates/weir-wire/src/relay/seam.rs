//! Where the new text joins on to the delivered text: which of its beginning the caller already has.
//!
//! What always holds: the same text cut in any other way gives the same result; text is given out only once
//! it is clear that it is new; when a replay differs, or nobody can tell what is new, nothing of it has been given out.

use std::collections::VecDeque;

/// How much of a repetition is looked for at the end of the delivered text, in characters.
pub(super) const OVERLAP_CHARS_MAX: usize = 200;

/// A shorter overlap is more often chance than repetition, in bytes that are not white space.
const OVERLAP_BYTES_MIN: usize = 8;

/// A shorter text may come again by chance, and is not taken for an echo, in characters.
const ECHO_CHARS_MIN: usize = 16;

/// How many stop sequences are looked for across a seam. OpenAI takes 4 and most others 16 at most.
const STOPS_MAX: usize = 16;
/// How long a stop sequence may be to be looked for there, in bytes. They are marks of a few words.
const STOP_BYTES_MAX: usize = 256;

/// What is to be done with the text that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not clear yet: it waits.
    Hold,
    /// The caller has its first so many bytes; the rest is new.
    Cut(usize),
    /// A stop sequence that began in the delivered text is complete: nothing of it may be said.
    Over(String),
    /// It does not repeat what was delivered.
    Differs,
    /// It begins as what was delivered does: an echo, or an answer that repeats itself.
    Unclear,
}

/// Tells new text from delivered text. The default lets all text through.
#[derive(Debug, Default)]
pub(super) struct Seam {
    stages: VecDeque<Stage>,
    /// Text that has come and is not decided.
    held: String,
    /// How much of it is known to be delivered.
    cut: usize,
}

/// One question about the beginning of the new text; the next is asked of what follows.
#[derive(Debug)]
enum Stage {
    /// It repeats this whole text, of which the first so many bytes have come.
    Same(String, usize),
    /// It may begin with this whole text, of which the first so many bytes have come: then it is an echo, or an answer
    /// that repeats itself, and nobody can tell which.
    Echo(String, usize),
    /// It may begin with some of this white space.
    Space(String),
    /// It may repeat the end of this text.
    Overlap(String),
    /// It may complete one of these stop sequences, of which so many bytes were delivered: which one, and how many.
    Stops(Vec<String>, Vec<(usize, usize)>),
}

/// What a stage says of the new text.
enum Look {
    Wait,
    /// So many bytes are delivered; `true`: the next stage sees the rest.
    Took(usize, bool),
    Over(String),
    Differs,
    Unclear,
}

impl Seam {
    /// The new text repeats all of `delivered` before it goes on.
    pub(super) fn replayed(delivered: String) -> Self {
        Self::of([Stage::Same(delivered, 0)])
    }

    /// The service goes on after the delivered text without the white space at its end.
    pub(super) fn prefilled(delivered: &str, stops: &[String]) -> Self {
        let space = &delivered[delivered.trim_end().len()..];
        Self::of([Stage::Space(space.to_owned()), spanning(delivered, stops)])
    }

    /// The same for a service that may say again what it was given, `sent`, before it goes on.
    pub(super) fn echoing(mut self, sent: &str) -> Self {
        if sent.chars().nth(ECHO_CHARS_MIN - 1).is_some() {
            self.stages.push_front(Stage::Echo(sent.to_owned(), 0));
        }
        self
    }

    /// The model was asked in words to go on after `delivered`.
    pub(super) fn instructed(delivered: &str, stops: &[String]) -> Self {
        Self::of([Stage::Overlap(tail(delivered).to_owned()), spanning(delivered, stops)])
    }

    fn of(stages: impl IntoIterator<Item = Stage>) -> Self {
        Self { stages: stages.into_iter().collect(), ..Self::default() }
    }

    /// Whether all that comes now is new.
    pub(super) fn is_clear(&self) -> bool {
        self.stages.is_empty()
    }

    /// Takes new text.
    pub(super) fn feed(&mut self, text: &str) -> Verdict {
        if self.stages.is_empty() {
            return Verdict::Cut(0);
        }
        self.held.push_str(text);
        self.decide(false)
    }

    /// No more text comes.
    pub(super) fn end(&mut self) -> Verdict {
        self.decide(true)
    }

    fn decide(&mut self, ended: bool) -> Verdict {
        while let Some(stage) = self.stages.front_mut() {
            match stage.look(&self.held[self.cut..], ended) {
                Look::Wait => return Verdict::Hold,
                Look::Over(stop) => return Verdict::Over(stop),
                Look::Differs => return Verdict::Differs,
                Look::Unclear => return Verdict::Unclear,
                Look::Took(bytes, decided) => {
                    self.cut += bytes;
                    if !decided {
                        break;
                    }
                    self.stages.pop_front();
                }
            }
        }
        self.held.clear();
        Verdict::Cut(std::mem::take(&mut self.cut))
    }
}

impl Stage {
    fn look(&mut self, new: &str, ended: bool) -> Look {
        match self {
            Self::Same(text, come) => {
                let rest = &text[*come..];
                if new.starts_with(rest) {
                    Look::Took(rest.len(), true)
                } else if ended || !rest.starts_with(new) {
                    Look::Differs
                } else {
                    *come += new.len();
                    Look::Took(new.len(), false)
                }
            }
            Self::Echo(text, come) => {
                let (rest, new) = (&text[*come..], &new[*come..]);
                if new.starts_with(rest) {
                    Look::Unclear
                } else if ended || !rest.starts_with(new) {
                    Look::Took(0, true)
                } else {
                    *come += new.len();
                    Look::Wait
                }
            }
            Self::Space(space) => {
                let pairs = space.chars().zip(new.chars());
                let same: usize =
                    pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum();
                space.drain(..same);
                let decided = ended || space.is_empty() || same < new.len();
                Look::Took(same, decided)
            }
            Self::Overlap(tail) => overlap(tail, new, ended),
            Self::Stops(stops, begun) => {
                let rests = || begun.iter().map(|&(stop, at)| (&stops[stop], &stops[stop][at..]));
                if let Some((stop, _)) = rests().find(|(_, rest)| new.starts_with(rest)) {
                    Look::Over(stop.clone())
                } else if !ended && rests().any(|(_, rest)| rest.starts_with(new)) {
                    Look::Wait
                } else {
                    Look::Took(0, true)
                }
            }
        }
    }
}

/// The longest beginning of `new` that is the end of `tail`, once no longer one can come.
fn overlap(tail: &str, new: &str, ended: bool) -> Look {
    let ends = || tail.char_indices().map(|(at, _)| &tail[at..]);
    let may_grow = ends().any(|end| end.len() > new.len() && end.starts_with(new));
    if may_grow && !ended {
        return Look::Wait;
    }
    let is_long =
        |end: &&str| end.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() >= OVERLAP_BYTES_MIN;
    let longest = ends().filter(is_long).find(|end| new.starts_with(end));
    Look::Took(longest.map_or(0, str::len), true)
}

/// The last characters of a text.
pub(super) fn tail(text: &str) -> &str {
    text.char_indices().rev().nth(OVERLAP_CHARS_MAX - 1).map_or(text, |(at, _)| &text[at..])
}

/// The stop sequences of which `delivered` ends with a beginning. Those beyond the bounds are not looked for.
fn spanning(delivered: &str, stops: &[String]) -> Stage {
    let fit = stops.iter().take(STOPS_MAX).filter(|stop| stop.len() <= STOP_BYTES_MAX);
    let stops: Vec<String> = fit.cloned().collect();
    let borders = |stop: &str| stop.char_indices().map(|(at, _)| at).skip(1).collect::<Vec<_>>();
    let begun = stops.iter().enumerate().flat_map(|(at, stop)| {
        borders(stop).into_iter().filter(|&end| delivered.ends_with(&stop[..end])).map(move |end| (at, end))
    });
    let begun = begun.collect();
    Stage::Stops(stops, begun)
}
