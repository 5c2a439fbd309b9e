//! Errors in the caller's own dialect: as a whole answer before the first byte, or in band after it.
//!
//! What always holds: every error has a stable `code`, and says whether an SDK's own retry could help.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use weir_core::{Chunk, Dialect, Failure, Head, Kind, Operation, Rejection};

/// The largest `Retry-After` sent: older SDKs ignore values above 60 s and come back in half a second.
const RETRY_AFTER_MAX_S: u64 = 30;

/// A rejection as head and body.
pub fn whole(dialect: Dialect, rejection: &Rejection) -> (Head, Chunk) {
    let (status, content_type, body) = match passed_on(rejection) {
        Some(passed) => passed,
        None => (status(dialect, rejection.kind), json_type(), own_words(dialect, rejection)),
    };
    let mut headers = rejection.headers.as_deref().cloned().unwrap_or_default();
    headers.insert(header::CONTENT_TYPE, content_type);
    say_when_to_retry(&mut headers, rejection, status);
    let chunk = Chunk { bytes: body, progress: true, ..Chunk::default() };
    (Head { status, headers }, chunk)
}

/// The endpoint's own error, when it is one a caller of this dialect can read.
fn passed_on(rejection: &Rejection) -> Option<(StatusCode, HeaderValue, Bytes)> {
    let reply = rejection.reply.as_ref()?;
    let readable = reply.status.as_u16() >= 400 && reply.body.trim_ascii_start().first() == Some(&b'{');
    readable.then(|| (reply.status, reply.content_type.clone().unwrap_or_else(json_type), reply.body.clone()))
}

fn json_type() -> HeaderValue {
    HeaderValue::from_static("application/json")
}

/// Anthropic has a status of its own for overload.
fn status(dialect: Dialect, kind: Kind) -> StatusCode {
    let overloaded = kind.anthropic_type() == "overloaded_error";
    match dialect {
        Dialect::Anthropic if overloaded => StatusCode::from_u16(529).expect("529 is a valid status"),
        _ => kind.status(),
    }
}

fn own_words(dialect: Dialect, rejection: &Rejection) -> Bytes {
    let Rejection { kind, message, param, .. } = rejection;
    let body = match dialect {
        Dialect::OpenAi => json!({"error": {
            "message": message, "type": kind.openai_type(), "param": param, "code": kind.code(),
        }}),
        Dialect::Anthropic => json!({"type": "error", "error": {
            "type": kind.anthropic_type(), "message": message, "code": kind.code(), "param": param,
        }}),
    };
    body.to_string().into()
}

fn say_when_to_retry(headers: &mut HeaderMap, rejection: &Rejection, status: StatusCode) {
    const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
    const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
    let may_retry = rejection.kind.client_may_retry();
    if let Some(wait) = rejection.retry_after {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, RETRY_AFTER_MAX_S * 1000);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        headers.insert(RETRY_AFTER_MS, HeaderValue::from(ms));
    }
    // SDKs retry 408, 409, 429 and 5xx by themselves; weir has already done what could be done.
    let sdk_would_retry = status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 429);
    if sdk_would_retry && !may_retry {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}

/// How an answer that had begun is told to have broken off: a code by its class, the service's own where its words are the
/// caller's to read, and no word of the operator's key. `said_last` is the chunk before it.
pub fn broke_off(operation: Operation, failure: &Failure, said_last: &[u8]) -> Bytes {
    let own = failure.reply.as_ref().filter(|_| failure.class.is_the_callers());
    let own: Option<serde_json::Value> = own.and_then(|reply| serde_json::from_slice(&reply.body).ok());
    let code = own.as_ref().and_then(|body| body["error"]["code"].as_str());
    let code = code.unwrap_or_else(|| failure.class.code());
    in_band(operation, code, &format!("the answer broke off: {}", failure.words()), said_last)
}

/// An error after the stream has begun: one event, after which the connection is cut. `said_last` is the chunk before it,
/// empty when there was none: events of a response are numbered.
pub fn in_band(operation: Operation, code: &str, message: &str, said_last: &[u8]) -> Bytes {
    let text = match operation {
        Operation::Messages | Operation::CountTokens => {
            let own = Kind::ALL.into_iter().find(|kind| kind.code() == code).map(Kind::anthropic_type);
            let kind = own.unwrap_or(match code {
                "content_filter" | "context_length_exceeded" | "invalid_request_error" => {
                    "invalid_request_error"
                }
                _ => "api_error",
            });
            let error = json!({"type": "error", "error": {"type": kind, "message": message, "code": code}});
            format!("event: error\ndata: {error}\n\n")
        }
        // Flat and nested: the spec has the flat form, some SDKs only read the nested one.
        Operation::Responses => {
            let nested = json!({"message": message, "type": "server_error", "param": null, "code": code});
            let error = json!({
                "type": "error", "code": code, "message": message, "param": null, "error": nested,
                "sequence_number": next_in_sequence(said_last),
            });
            format!("event: error\ndata: {error}\n\n")
        }
        _ => {
            let error = json!({"message": message, "type": "upstream_stream_interrupted", "param": null, "code": code});
            format!("data: {}\n\n", json!({"error": error}))
        }
    };
    text.into()
}

/// The number after that of the last event said; 0 when none was.
fn next_in_sequence(said_last: &[u8]) -> u64 {
    const NUMBER: &[u8] = b"\"sequence_number\":";
    let Some(at) = memchr::memmem::rfind(said_last, NUMBER) else { return 0 };
    let digits = said_last[at + NUMBER.len()..].trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let number = std::str::from_utf8(&digits[..end]).ok().and_then(|digits| digits.parse::<u64>().ok());
    number.map_or(0, |number| number.saturating_add(1))
}
