//! The words the mock says: real public-domain text, cut into token-sized pieces.
//!
//! A prompt picks a place in the text and a length; nothing else does. So the same prompt always gets the same
//! answer, streamed or not, now or after a retry, and a cut answer can be continued exactly.
//! Invariant: the pieces of a text, joined, are that text.

use std::sync::LazyLock;

use crate::chance::{Chance, hash};

/// Longest answer the mock will give, whatever a header asks for.
pub const TOKENS_MAX: u32 = 32_768;

const LETTERS_PER_PIECE: u32 = 6;
/// Tokens that make 60 and 150 English words of this text (1.15 pieces a word).
const NATURAL_TOKENS: (u32, u32) = (70, 165);
/// How far past its drawn length an answer may run to end on a whole sentence.
const SENTENCE_SLACK: u32 = 40;

/// A text and where its pieces (the mock's tokens) end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    text: String,
    ends: Vec<usize>,
}

impl Pieces {
    /// Cuts `text` into pieces: a word with the space before it, long words in parts, Chinese by one or two
    /// characters.
    pub fn split(text: &str) -> Self {
        let mut ends = Vec::with_capacity(text.len() / 4 + 1);
        let mut piece = Shape::default();
        for (at, character) in text.char_indices() {
            let wide_max = if ends.len() % 2 == 0 { 2 } else { 1 };
            if piece.ends_before(character, wide_max) {
                ends.push(at);
                piece = Shape::default();
            }
            piece.add(character);
        }
        if !text.is_empty() {
            ends.push(text.len());
        }
        Pieces { text: text.to_owned(), ends }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many pieces.
    pub fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }

    /// Keeps the first `count` pieces; true when something was dropped.
    pub fn keep(&mut self, count: u32) -> bool {
        let count = count as usize;
        if count >= self.ends.len() {
            return false;
        }
        self.ends.truncate(count);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
        true
    }

    /// Drops everything from byte `at` on, cutting through a piece if need be.
    pub fn truncate(&mut self, at: usize) {
        self.text.truncate(at);
        self.ends.retain(|&end| end < at);
        if at > 0 {
            self.ends.push(at);
        }
    }

    /// What is left to say after the first `bytes` bytes; the cut need not fall between pieces.
    pub fn after(&self, bytes: usize) -> Pieces {
        let ends = self.ends.iter().filter(|&&end| end > bytes).map(|end| end - bytes).collect();
        Pieces { text: self.text[bytes..].to_owned(), ends }
    }

    fn piece(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.ends.push(self.text.len());
    }
}

/// What the piece being cut holds so far.
#[derive(Default)]
struct Shape {
    letters: u32,
    wide: u32,
}

impl Shape {
    fn ends_before(&self, next: char, wide_max: u32) -> bool {
        let begun = self.letters + self.wide > 0;
        if next.is_whitespace() {
            begun
        } else if is_wide(next) {
            self.letters > 0 || self.wide >= wide_max
        } else {
            self.wide > 0 || self.letters >= LETTERS_PER_PIECE
        }
    }

    fn add(&mut self, character: char) {
        if is_wide(character) {
            self.wide += 1;
        } else if !character.is_whitespace() {
            self.letters += 1;
        }
    }
}

/// A rough token count for text that is read, not spoken: 4 narrow or 1.5 wide characters to a token.
pub fn estimate_tokens(text: &str) -> u32 {
    let wide = text.chars().filter(|&character| is_wide(character)).count();
    let narrow = text.chars().count() - wide;
    (narrow as f64 / 4.0 + wide as f64 / 1.5).ceil() as u32
}

/// Chinese, Japanese and Korean characters and their punctuation, which tokenizers give 1.5 to a token.
fn is_wide(character: char) -> bool {
    matches!(u32::from(character), 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff00..=0xffef | 0x20000..=0x3ffff)
}

/// The passage that answers `topic`: Chinese for a Chinese topic, English otherwise. `tokens` asks for exactly
/// so many; without it the length is drawn from the topic and ends on a whole sentence.
pub fn passage(model: &str, topic: &str, tokens: Option<u32>) -> Pieces {
    let wide = topic.chars().filter(|&character| is_wide(character)).count();
    let corpus = if wide * 3 > topic.chars().count() { &*CHINESE } else { &*ENGLISH };
    let mut draw = Chance::new(hash(topic.as_bytes()) ^ hash(model.as_bytes()).rotate_left(17));
    let start = corpus.starts[draw.bits() as usize % corpus.starts.len()];
    let (low, high) = NATURAL_TOKENS;
    let natural = low + (draw.bits() % u64::from(high - low)) as u32;
    match tokens {
        Some(exact) => corpus.read(start, exact.min(TOKENS_MAX), 0),
        None => corpus.read(start, natural, SENTENCE_SLACK),
    }
}

/// Thoughts on `topic`: 24 to 72 tokens, never the same place as the passage.
pub fn thoughts(model: &str, topic: &str) -> Pieces {
    let length = 24 + (hash(topic.as_bytes()) % 48) as u32;
    passage(model, &format!("{topic}\u{0}thoughts"), Some(length))
}

struct Corpus {
    pieces: Pieces,
    /// Indices of the pieces that begin a sentence.
    starts: Vec<usize>,
}

static ENGLISH: LazyLock<Corpus> = LazyLock::new(|| Corpus::new(include_str!("corpus/alice.txt")));
static CHINESE: LazyLock<Corpus> = LazyLock::new(|| {
    Corpus::new(concat!(include_str!("corpus/daodejing.txt"), include_str!("corpus/lunyu.txt")))
});

impl Corpus {
    /// Each file begins with an empty line, so that wrapping from the end to the start keeps words apart.
    fn new(text: &str) -> Self {
        let pieces = Pieces::split(text.trim_end());
        let mut starts = vec![0];
        for index in 1..pieces.ends.len() {
            // A dash or a bracket after a full stop still belongs to the sentence before it.
            let begins = pieces.piece(index).chars().any(char::is_alphanumeric);
            if begins && ends_sentence(pieces.piece(index - 1)) {
                starts.push(index);
            }
        }
        Corpus { pieces, starts }
    }

    /// `tokens` pieces from piece `start`, then up to `slack` more until a sentence ends; wraps around.
    fn read(&self, start: usize, tokens: u32, slack: u32) -> Pieces {
        let total = self.pieces.ends.len();
        let mut passage = Pieces::default();
        for offset in 0..tokens + slack {
            let piece = self.pieces.piece((start + offset as usize) % total);
            let said = if offset == 0 { piece.trim_start() } else { piece };
            passage.push(said);
            if offset + 1 >= tokens && ends_sentence(said) {
                break;
            }
            if slack == 0 && offset + 1 >= tokens {
                break;
            }
        }
        passage
    }
}

fn ends_sentence(piece: &str) -> bool {
    let bare = piece.trim_end_matches(['"', ')', '\'', '”', '’']);
    bare.ends_with(['.', '!', '?', '。', '！', '？'])
}

#[cfg(test)]
mod tests;
