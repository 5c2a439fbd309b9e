//! Real questions, and prompts of a wanted length made of them.
//!
//! A trace knows how long a prompt was, not what it said. Real text keeps what random bytes lose: tokenisers,
//! semantic caches and small models see language. What always holds: at least one question, none of them empty.

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::chance::Chance;
use crate::input::{InputError, Table, read_file};

/// 400 questions over all 77 intents of BANKING77; source and licence in `data/README.md`.
const EXCERPT: &str = include_str!("../../../data/banking77_excerpt.csv");

const EXPECTED: &str = "a column `text`, like `text,category`";
const TEXT_REMEDY: &str = "write a question, or delete the row";

/// Questions to ask, at least one, none empty.
#[derive(Debug, Clone)]
pub struct Prompts(Vec<String>);

impl Prompts {
    /// The built-in excerpt: 400 real customer questions to a bank.
    pub fn excerpt() -> Self {
        Self::parse("the built-in prompts", EXCERPT.as_bytes()).expect("a test parses the built-in prompts")
    }

    /// Reads a prompts file of at most 256 MiB: CSV with a column `text`.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        Self::parse(&path.display().to_string(), &read_file(path)?)
    }

    /// Parses prompts; `file` names them in errors.
    pub fn parse(file: &str, content: &[u8]) -> Result<Self, InputError> {
        let table = Table::open(file, content)?;
        let Some(text) = table.column("text") else { return Err(table.unknown_columns(EXPECTED)) };
        let not_empty = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        table.rows(|row| row.parsed(text, TEXT_REMEDY, not_empty)).map(Self)
    }

    /// The questions.
    pub fn questions(&self) -> &[String] {
        &self.0
    }

    /// One question, followed by further ones, a line each, while they fit into `bytes`. The first is never cut, so a
    /// very short row of a trace still asks something whole.
    pub(crate) fn compose(&self, chance: &mut Chance, bytes: usize) -> String {
        let mut prompt = self.draw(chance).to_owned();
        loop {
            let next = self.draw(chance);
            if prompt.len() + 1 + next.len() > bytes {
                return prompt;
            }
            prompt.push('\n');
            prompt.push_str(next);
        }
    }

    fn draw(&self, chance: &mut Chance) -> &str {
        &self.0[chance.below(self.0.len())]
    }
}
