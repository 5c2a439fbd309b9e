//! A text as the tokens of a model: `tokenizer.json`, read with Hugging Face's own library.
//!
//! What always holds: of a text at most [`TEXT_BYTES_MAX`] bytes and then `tokens_max` tokens are read; a token's number
//! is below [`Tokens::count`]; padding and truncation that the file asks for are not heeded.

use serde::Deserialize;
use tokenizers::Tokenizer;

use crate::files::{File, LoadError};

/// How much of a text is read at all: a thousand tokens of English, twice as many as any model here takes the mean of. The
/// time that tokenizing takes must not be up to whoever sends a text.
pub const TEXT_BYTES_MAX: usize = 4 << 10;

/// Words that no vocabulary has: a tokenizer that fails on one of them fails here, once, and not on a caller's text.
const STRANGE: &[&str] =
    &["", " ", "a", "\u{0}", "\u{7e41}\u{1f30a}", "\u{202e}\u{fffd}", "é\u{301}", "x_9\n\t…"];

/// A tokenizer and what its file says of tokens that it does not know.
#[derive(Debug)]
pub struct Tokens {
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    tokens_max: usize,
}

/// The few parts of the file that the library keeps to itself.
#[derive(Deserialize)]
struct Parts {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    /// The unknown token, as most models name it …
    unk_token: Option<String>,
    /// … and as Unigram does.
    unk_id: Option<u32>,
}

const REMEDY: &str = "take tokenizer.json and the weights from the same model";

impl Tokens {
    /// The tokenizer that `file` describes, reading at most `tokens_max` tokens of a text.
    pub fn read(file: &File, tokens_max: usize) -> Result<Self, LoadError> {
        let refuse = |error| file.refuse(format!("not a tokenizer: {error}"), REMEDY);
        let parts: Parts = serde_json::from_slice(&file.bytes)
            .map_err(|error| file.refuse(format!("not a tokenizer: {error}"), REMEDY))?;
        let mut tokenizer = Tokenizer::from_bytes(&file.bytes).map_err(refuse)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(refuse)?;
        let unknown = parts.model.unk_token.and_then(|token| tokenizer.token_to_id(&token));
        let tokens = Self { tokenizer, unknown: unknown.or(parts.model.unk_id), tokens_max };
        for text in STRANGE {
            tokens.tokenizer.encode_fast(*text, false).map_err(refuse)?;
        }
        Ok(tokens)
    }

    /// One more than the highest number of a token.
    pub fn count(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The number of the token written `token`.
    #[cfg(feature = "minilm")]
    pub fn number(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The tokens of `text`, those that the model does not know included.
    pub fn all(&self, text: &str) -> Vec<u32> {
        // A text on which the tokenizer fails has nothing that the model knows.
        let mut numbers = self.numbers(head(text)).unwrap_or_default();
        numbers.truncate(self.tokens_max);
        numbers
    }

    /// The same, if that is all of `text`.
    pub fn whole(&self, text: &str) -> Option<Vec<u32>> {
        let numbers = if text.len() <= TEXT_BYTES_MAX { self.numbers(text) } else { None };
        numbers.filter(|numbers| numbers.len() <= self.tokens_max)
    }

    /// Whether the model knows a token.
    pub fn knows(&self, number: u32) -> bool {
        Some(number) != self.unknown
    }

    fn numbers(&self, text: &str) -> Option<Vec<u32>> {
        self.tokenizer.encode_fast(text, false).ok().map(|encoding| encoding.get_ids().to_vec())
    }
}

/// What is read of `text`: its first bytes, up to the end of a character.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
