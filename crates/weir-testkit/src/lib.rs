//! Builders for tests: requests, clocks and chunks with one line each. Never a dependency of anything but tests.

#![allow(clippy::disallowed_methods, reason = "a test's clock needs an origin")]

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use weir_core::{Chance, Chunk, Clock, Envelope, Operation, Request, RequestId, Trail, Usage};

/// A fixed moment: time stands still unless a test passes another.
pub fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// A moment `ms` milliseconds after [`start`].
pub fn at(ms: u64) -> Instant {
    start() + Duration::from_millis(ms)
}

/// A clock that stands still at [`start`].
pub fn still_clock() -> Clock {
    Clock::new(start, || UNIX_EPOCH)
}

/// A chat request for `model`, received at [`start`].
pub fn chat(model: &str) -> Request {
    Request {
        id: RequestId::draw(&Chance::seeded(1)),
        received: start(),
        operation: Operation::Chat,
        dialect: Operation::Chat.dialect(),
        method: Method::POST,
        path: "/chat/completions".into(),
        query: None,
        model: model.into(),
        headers: HeaderMap::new(),
        envelope: Envelope { body: Bytes::from_static(b"{}"), ..Envelope::default() },
        trail: Arc::new(Trail::new(start())),
    }
}

/// The same request with one header more.
pub fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    let name: HeaderName = name.parse().expect("the test gives a header name");
    request.headers.insert(name, HeaderValue::from_str(value).expect("the test gives a header value"));
    request
}

/// A chunk that reports usage.
pub fn usage_chunk(prompt: u64, completion: u64) -> Chunk {
    let usage = Usage { prompt, completion, ..Usage::default() };
    Chunk { bytes: Bytes::from_static(b"x"), progress: true, usage: Some(usage), ..Chunk::default() }
}
