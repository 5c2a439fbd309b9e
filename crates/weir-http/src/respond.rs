//! Heads of responses: ids, timings, and what weir has to say about how the answer came to be.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use weir_core::{Answer, Dialect, Request, RequestId, Trail, names};

use crate::body::DoorBody;

#[cfg(test)]
mod tests;

/// The most headers that weir adds to an answer.
const OWN_HEADERS_MAX: usize = 12;
const ATTEMPTS: HeaderName = HeaderName::from_static("x-weir-attempts");
const ENDPOINT: HeaderName = HeaderName::from_static("x-weir-endpoint");
const CACHE: HeaderName = HeaderName::from_static("x-cache");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What of a request its response depends on.
pub(crate) struct Asked {
    id: RequestId,
    dialect: Dialect,
    trail: Arc<Trail>,
    /// Only the head is wanted.
    head_only: bool,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        let head_only = request.method == Method::HEAD;
        Self { id: request.id, dialect: request.dialect, trail: request.trail.clone(), head_only }
    }
}

/// An answer that has begun.
pub(crate) fn begun(
    mut answer: Answer,
    asked: &Asked,
    now: Instant,
    body: impl FnOnce(Answer) -> DoorBody,
) -> Response<DoorBody> {
    let trail = &asked.trail;
    if asked.head_only || matches!(answer.head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        // Nobody will ask for the body, so nobody would see its end.
        answer.finish();
    }
    let mut headers = std::mem::take(&mut answer.head.headers);
    // Weir's own below: growing in the middle of them would hash all of them anew.
    headers.reserve(OWN_HEADERS_MAX);
    name_request(&mut headers, asked.dialect, asked.id);
    headers.insert(CACHE, HeaderValue::from_static(trail.cache().header()));
    headers.insert(ATTEMPTS, HeaderValue::from(trail.attempts()));
    say_what_it_met(&mut headers, trail);
    let queued = trail.queue_wait(now).as_millis();
    if queued > 0 {
        headers.insert(names::QUEUE_MS.clone(), HeaderValue::from(u64::try_from(queued).unwrap_or(u64::MAX)));
    }
    if let Some(endpoint) = trail.via().and_then(|via| HeaderValue::from_str(&via.endpoint).ok()) {
        headers.insert(ENDPOINT, endpoint);
    }
    if let Ok(timing) = HeaderValue::try_from(server_timing(trail, now)) {
        headers.insert(SERVER_TIMING, timing);
    }
    // Answers belong to one caller: no cache on the way may keep them.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if answer.exact_len().is_none() {
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    let mut response = Response::new(());
    *response.status_mut() = answer.head.status;
    *response.headers_mut() = headers;
    response.map(|()| body(answer))
}

/// A stream opened before its answer has begun.
pub(crate) fn opened(asked: &Asked, body: DoorBody) -> Response<DoorBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    name_request(headers, asked.dialect, asked.id);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    say_what_it_met(headers, &asked.trail);
    response
}

/// The level of pressure, what the answer is less than was asked for, and what was granted where more was asked for: known
/// before the answer begins.
fn say_what_it_met(headers: &mut HeaderMap, trail: &Trail) {
    headers.insert(names::LEVEL.clone(), HeaderValue::from(u16::from(trail.level())));
    if let Some(degraded) = trail.degraded_how().and_then(|how| HeaderValue::from_str(how).ok()) {
        headers.insert(names::DEGRADED.clone(), degraded);
    }
    let capped = [
        (&names::PRIORITY, trail.capped_priority().map(|priority| u128::from(priority.level()))),
        (&names::DEADLINE_MS, trail.capped_deadline().map(|longest| longest.as_millis())),
    ];
    for (name, granted) in capped {
        let text = granted.map(|granted| format!("{granted};capped"));
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name.clone(), value);
        }
    }
}

/// A JSON document of weir's own.
pub(crate) fn json(body: &serde_json::Value, dialect: Dialect, id: RequestId) -> Response<DoorBody> {
    let mut response = Response::new(DoorBody::full(body.to_string().into()));
    name_request(response.headers_mut(), dialect, id);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The two families look for the id under different names.
fn name_request(headers: &mut HeaderMap, dialect: Dialect, id: RequestId) {
    let name = match dialect {
        Dialect::OpenAi => HeaderName::from_static("x-request-id"),
        Dialect::Anthropic => HeaderName::from_static("request-id"),
    };
    let value = HeaderValue::from_bytes(&id.text()).expect("an id is letters, digits and an underscore");
    headers.insert(name, value);
}

/// `queue`: waiting for a turn; `upstream`: from the first attempt to the first meaningful part; `weir`: the rest.
fn server_timing(trail: &Trail, now: Instant) -> String {
    let total = now.saturating_duration_since(trail.started());
    let (queue, upstream) = (trail.queue_wait(now), trail.upstream().unwrap_or(Duration::ZERO));
    let own = total.saturating_sub(queue).saturating_sub(upstream);
    let mut text = String::with_capacity(64);
    for (name, duration) in [("queue", queue), (", upstream", upstream), (", weir", own)] {
        text.push_str(name);
        text.push_str(";dur=");
        ms_to_hundredths(&mut text, duration);
    }
    text
}

/// In whole numbers: formatting a fraction costs more than a look-up.
fn ms_to_hundredths(out: &mut String, duration: Duration) {
    let hundredths = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) / 10;
    // Writing to a string cannot fail.
    let _infallible = write!(out, "{}.{:02}", hundredths / 100, hundredths % 100);
}
