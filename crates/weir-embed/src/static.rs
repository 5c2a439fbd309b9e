//! Static models: a vector for each token, and a text is the mean of its tokens'.
//!
//! Read are folders as model2vec writes them (`model.safetensors`, `tokenizer.json`), so any of its models will do, and
//! the `wordllama` folder of the Python package of that name as it is, which ships a table of 256 dimensions.

use std::path::{Path, PathBuf};

use crate::files::{self, File, LoadError};
use crate::table::Table;
use crate::tokens::Tokens;

/// How many tokens of a text are read. model2vec reads as many.
const TOKENS_MAX: usize = 512;

/// Changed whenever the same files give other vectors.
const KIND: &str = "weir-embed 1: static, mean of known tokens, unit length";

/// Where the weights and the tokenizer are in a folder: as model2vec has them, and as WordLlama's package has.
const LAYOUTS: &[(&str, &str)] = &[
    ("model.safetensors", "tokenizer.json"),
    ("weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"),
];

/// A static model, held in memory. Looking a text up changes nothing, so one serves all threads.
#[derive(Debug)]
pub struct Static {
    tokens: Tokens,
    table: Table,
    id: [u8; 32],
}

impl Static {
    /// Reads the model in the folder `dir`. Takes some hundred milliseconds and as much memory as the weights are large:
    /// call it at start, off the path of requests.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let (weights, tokenizer) = layout(dir);
        let tokenizer = File::read(tokenizer)?;
        let weights = File::read(weights)?;
        let tokens = Tokens::read(&tokenizer, TOKENS_MAX)?;
        let table = Table::read(&weights, tokens.count())?;
        Ok(Self { tokens, table, id: files::id(KIND, &[&tokenizer, &weights]) })
    }

    /// The vector of `text`: of unit length, or zeros when no token of it is known. Of a long text the beginning counts.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        self.read(self.tokens.all(text))
    }

    /// The same, if all of `text` is read. Where it is not, texts that differ behind have the same vector.
    pub fn embed_whole(&self, text: &str) -> Option<Vec<f32>> {
        self.tokens.whole(text).map(|tokens| self.read(tokens))
    }

    fn read(&self, mut tokens: Vec<u32>) -> Vec<f32> {
        tokens.retain(|token| self.tokens.knows(*token));
        self.table.mean(&tokens)
    }

    /// How many numbers a vector has.
    pub fn dimensions(&self) -> usize {
        self.table.dimensions()
    }

    /// What the model is: vectors of models with different ids have nothing to do with each other.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }
}

/// The paths of the weights and the tokenizer in `dir`; model2vec's when there are none, so that its names are missed.
fn layout(dir: &Path) -> (PathBuf, PathBuf) {
    let (weights, tokenizer) =
        LAYOUTS.iter().find(|(weights, _)| dir.join(weights).is_file()).unwrap_or(&LAYOUTS[0]);
    (dir.join(weights), dir.join(tokenizer))
}
