//! A request as the stages see it: parsed at the door, trusted inside.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method};

use crate::{Chance, Dialect, Envelope, Operation, Trail};

/// A request's name in logs and headers: `req_` and 128 random bits in hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Draws a new id.
    pub fn draw(chance: &Chance) -> Self {
        Self(format!("req_{:016x}{:016x}", chance.bits(), chance.bits()).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One call of an application.
#[derive(Debug)]
pub struct Request {
    /// Its name in logs and headers.
    pub id: RequestId,
    /// When its head had arrived.
    pub received: Instant,
    /// What it asks for.
    pub operation: Operation,
    /// The language it is answered in. Errors too.
    pub dialect: Dialect,
    /// The HTTP method: POST, but for passed-through paths.
    pub method: Method,
    /// Path below the API root, beginning with `/` (`/chat/completions`), without the `/v1` it may have been called with.
    pub path: String,
    /// Query string without `?`, when there is one.
    pub query: Option<String>,
    /// The model as the caller named it; empty when a passed-through path names none.
    pub model: Arc<str>,
    /// The caller's headers, as they came.
    pub headers: HeaderMap,
    /// The body.
    pub envelope: Envelope,
    /// What has happened to it so far.
    pub trail: Arc<Trail>,
}

impl Request {
    /// A header's value as text; `None` when absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
