//! What turns a question into a vector, so that questions that mean about the same point in about the same direction.

use crate::tiers::Boxed;

/// It could not be done: why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotEmbedded(pub String);

/// Turns texts into vectors of length 1.
pub trait Embedder: Send + Sync {
    /// Which one it is: vectors of another one are never compared with its own.
    fn id(&self) -> [u8; 32];
    /// The vector of a text.
    fn embed<'a>(&'a self, text: &'a str) -> Boxed<'a, Result<Vec<f32>, NotEmbedded>>;
}
