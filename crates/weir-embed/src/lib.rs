//! Sentences as vectors, in process: texts that mean nearly the same point nearly the same way.
//!
//! Two kinds of model. [`Static`] looks each token up in a table and takes the mean: some tens of microseconds a question, and
//! blind to the order of words. `MiniLm` (feature `minilm`) reads the sentence: some milliseconds. Both are read from a
//! folder, and each has an [id](Static::id) that changes with any byte of its files, so that vectors of two models are
//! never compared.
//!
//! What always holds: loading bad files is a [`LoadError`] that names the file and the remedy; a vector has unit length
//! or, for a text in which the model knows nothing, only zeros, which are like nothing; the same text gives the same
//! vector; no text makes anything panic, and what is read of one is bounded.
//!
//! A cosine near one is no proof of one meaning: "turn it on" and "turn it off" are close in every such model, and the
//! cosine of two texts with the same words in another order is exactly one in a static one. Who serves answers by
//! vectors compares numbers, names and negations as well.

#[cfg(feature = "minilm")]
mod minilm;
mod r#static;

mod files;
mod table;
mod tokens;
mod vector;

pub use files::LoadError;
pub use r#static::Static;
pub use tokens::TEXT_BYTES_MAX;

#[cfg(feature = "minilm")]
pub use minilm::MiniLm;

#[cfg(test)]
mod tests;
