//! A request as the stages see it: parsed at the door, trusted inside.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, Method};

use crate::{Chance, Dialect, Envelope, Operation, Trail};

/// A request's name in logs and headers: shown as `req_` and 128 random bits in hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// Draws a new id.
    pub fn draw(chance: &Chance) -> Self {
        Self(u128::from(chance.bits()) << 64 | u128::from(chance.bits()))
    }

    /// The id as text, without allocating: it goes into a header of every answer.
    pub fn text(self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = *b"req_00000000000000000000000000000000";
        for (pair, byte) in text[4..].chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
        }
        text
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not `{:032x}`: it costs several times as much, and every request has a line with its id in the access log.
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl std::fmt::Debug for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
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
    /// Whether an SDK has sent it before: its own retries must not multiply weir's.
    pub fn is_a_retry(&self) -> bool {
        self.header(&crate::names::SDK_RETRY_COUNT).is_some_and(|count| count != "0")
    }

    /// The same call once more, of the house's own: nobody waits for it.
    #[must_use]
    pub fn again(&self, now: Instant) -> Self {
        Self {
            id: self.id,
            received: now,
            operation: self.operation,
            dialect: self.dialect,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            model: self.model.clone(),
            headers: self.headers.clone(),
            envelope: self.envelope.clone(),
            trail: Arc::new(Trail::new(now)),
        }
    }

    /// A header's value as text; `None` when absent or not text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
