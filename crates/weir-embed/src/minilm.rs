//! all-MiniLM-L6-v2 and models of its shape: a transformer reads the text, the mean of what it says of each token is the
//! vector.
//!
//! What always holds: at most [`TOKENS_MAX`] tokens are read, as the model was trained to; a text in which the model
//! knows no token has a vector of zeros, as with a static model.

mod bert;

use std::path::Path;

use bert::{Bert, Shape};

use crate::files::{self, File, LoadError};
use crate::tokens::Tokens;
use crate::vector::Mean;

/// How many tokens of a text are read, with the two that begin and end it: `max_seq_length` of the model.
const TOKENS_MAX: usize = 256;

/// Changed whenever the same files give other vectors.
const KIND: &str = "weir-embed 1: BERT, mean of all tokens, unit length";

const REMEDY: &str =
    "give the folder of all-MiniLM-L6-v2, with config.json, tokenizer.json and model.safetensors";

/// The model, held in memory: its weights as 32-bit numbers, 90 MB.
#[derive(Debug)]
pub struct MiniLm {
    tokens: Tokens,
    bert: Bert,
    begin: u32,
    end: u32,
    id: [u8; 32],
}

impl MiniLm {
    /// Reads the model in the folder `dir`, once, off the path of requests.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let config = File::read(dir.join("config.json"))?;
        let tokenizer = File::read(dir.join("tokenizer.json"))?;
        let weights = File::read(dir.join("model.safetensors"))?;
        let shape = Shape::read(&config)?;
        let tokens = Tokens::read(&tokenizer, TOKENS_MAX.min(shape.positions()) - 2)?;
        if tokens.count() > shape.vocabulary() {
            let what = format!("has {} tokens, and the model {}", tokens.count(), shape.vocabulary());
            return Err(tokenizer.refuse(what, REMEDY));
        }
        let number =
            |token| tokens.number(token).ok_or_else(|| tokenizer.refuse(format!("has no {token}"), REMEDY));
        let (begin, end) = (number("[CLS]")?, number("[SEP]")?);
        let id = files::id(KIND, &[&config, &tokenizer, &weights]);
        let bert = Bert::read(&weights, &shape)?;
        Ok(Self { tokens, bert, begin, end, id })
    }

    /// The vector of `text`: of unit length, or zeros when no token of it is known. Some milliseconds for a question, a
    /// hundred for a page, on the threads of rayon's global pool: call it where blocking is allowed.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        self.read(self.tokens.all(text))
    }

    /// The same, if all of `text` is read. Where it is not, texts that differ behind have the same vector.
    pub fn embed_whole(&self, text: &str) -> Option<Vec<f32>> {
        self.tokens.whole(text).map(|tokens| self.read(tokens))
    }

    fn read(&self, mut tokens: Vec<u32>) -> Vec<f32> {
        let mut mean = Mean::new(self.dimensions());
        if tokens.iter().any(|token| self.tokens.knows(*token)) {
            tokens.insert(0, self.begin);
            tokens.push(self.end);
            // All shapes were checked at loading: nothing is left that could fail but memory.
            let said = self.bert.read_text(&tokens).inspect_err(|error| debug_assert!(false, "{error}"));
            for vector in said.unwrap_or_default() {
                mean.add(vector, 1.0);
            }
        }
        mean.direction()
    }

    /// How many numbers a vector has.
    pub fn dimensions(&self) -> usize {
        self.bert.dimensions()
    }

    /// What the model is: vectors of models with different ids have nothing to do with each other.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }
}
