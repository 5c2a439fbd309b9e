//! Builders for tests: requests, clocks and chunks with one line each. Never a dependency of anything but tests.

#![allow(clippy::disallowed_methods, reason = "a test's clock needs an origin")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// A folder of the test's own, gone when it ends.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("weir-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the test may write where temporary files go");
        Self(path)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind harms nobody.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}
