//! Errors in the caller's dialect, with a stable code and an honest word on retrying.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use weir_core::{Dialect, Kind, Operation, Rejection, Reply};

use crate::error::{in_band, whole};

fn check(dialect: Dialect, rejection: &Rejection, status: u16, words: &[&str]) -> http::HeaderMap {
    let (head, chunk) = whole(dialect, rejection);
    let body = std::str::from_utf8(&chunk.bytes).unwrap();
    assert_eq!(head.status.as_u16(), status, "{body}");
    for word in words {
        assert!(body.contains(word), "{word} is missing in {body}");
    }
    head.headers
}

#[test]
fn each_dialect_has_its_shape_and_its_overload_status() {
    let shed = Rejection::new(Kind::Overloaded, "the queue is full").after(Duration::from_millis(1500));
    let headers = check(Dialect::OpenAi, &shed, 503, &["\"code\":\"weir_overloaded\"", "\"param\":null"]);
    assert_eq!(
        (headers["retry-after"].as_bytes(), headers["retry-after-ms"].as_bytes()),
        (&b"2"[..], &b"1500"[..])
    );
    assert!(!headers.contains_key("x-should-retry"));
    check(Dialect::Anthropic, &shed, 529, &["\"type\":\"error\"", "\"overloaded_error\""]);
    let late = Rejection::new(Kind::Overloaded, "x").after(Duration::from_secs(600));
    assert_eq!(check(Dialect::OpenAi, &late, 503, &[])["retry-after"].as_bytes(), b"30");
}

#[test]
fn a_client_is_told_not_to_retry_what_weir_has_retried() {
    let down = Rejection::new(Kind::UpstreamsDown, "4 attempts failed");
    assert_eq!(check(Dialect::OpenAi, &down, 503, &[])["x-should-retry"].as_bytes(), b"false");
    let bad = Rejection::new(Kind::BadRequest, "no").at("messages");
    let headers = check(Dialect::OpenAi, &bad, 400, &["\"param\":\"messages\""]);
    assert!(!headers.contains_key("x-should-retry"));
}

#[test]
fn an_endpoints_own_error_passes_when_it_can_be_read() {
    let reply = |body: &'static str| {
        let body = Bytes::from_static(body.as_bytes());
        let mut rejection = Rejection::new(Kind::Upstream, "the service answered 400");
        rejection.reply = Some(Box::new(Reply { status: StatusCode::BAD_REQUEST, content_type: None, body }));
        rejection
    };
    check(Dialect::OpenAi, &reply("{\"error\":{\"message\":\"as it came\"}}"), 400, &["as it came"]);
    check(Dialect::OpenAi, &reply("<html>"), 502, &["the service answered 400", "upstream_error"]);
}

#[test]
fn in_band_errors_are_one_event_without_a_closing_mark() {
    for operation in [Operation::Chat, Operation::Messages, Operation::Responses] {
        let event = in_band(operation, "stream_interrupted", "cut");
        assert!(event.ends_with(b"\n\n") && !event.windows(4).any(|window| window == b"DONE"));
    }
    assert!(in_band(Operation::Messages, "x", "y").starts_with(b"event: error\n"));
}
