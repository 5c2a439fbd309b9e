//! Errors in the caller's dialect, with a stable code and an honest word on retrying.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use weir_core::{Class, Dialect, Failure, Kind, Operation, Rejection, Reply};

use crate::classify;
use crate::error::{broke_off, in_band, whole};

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
        let event = in_band(operation, "stream_interrupted", "cut", b"");
        assert!(event.ends_with(b"\n\n") && !event.windows(4).any(|window| window == b"DONE"));
    }
    assert!(in_band(Operation::Messages, "x", "y", b"").starts_with(b"event: error\n"));
}

#[test]
fn an_answer_that_broke_off_is_told_by_its_class_and_without_a_word_of_the_key() {
    let check = |failure: &Failure, code: &str, words: &str| {
        for operation in [Operation::Chat, Operation::Completions, Operation::Messages, Operation::Responses]
        {
            let event = broke_off(operation, failure, b"");
            let event = std::str::from_utf8(&event).unwrap();
            assert!(event.contains(&format!("\"code\":\"{code}\"")) && event.contains(words), "{event}");
            assert!(!event.contains("sk-operator"), "{event}");
        }
    };
    let of = |class| Failure::new(class, "the service said: sk-operator has no money");
    check(&of(Class::Auth), "upstream_error", "gateway's own key");
    check(&of(Class::Quota), "upstream_error", "gateway's own quota");
    check(&Failure::new(Class::Hard, "reset"), "stream_interrupted", "the answer broke off: reset");
    check(&Failure::new(Class::Deadline, "late"), "weir_deadline_exceeded", "late");
    check(&Failure::new(Class::ContentFilter, "no"), "content_filter", "no");
    let own = r#"{"message":"unsafe","code":"content_policy_violation"}"#;
    check(&classify::in_band(Dialect::OpenAi, own), "content_policy_violation", "unsafe");
    check(
        &classify::in_band(Dialect::OpenAi, r#"{"message":"Content Exists Risk"}"#),
        "content_filter",
        "Risk",
    );
}

#[test]
fn an_error_in_a_response_continues_its_numbers() {
    let check = |said_last: &str, expected: u64| {
        let event = in_band(Operation::Responses, "x", "y", said_last.as_bytes());
        let data = event.strip_prefix(b"event: error\ndata: ").unwrap();
        let data: serde_json::Value = serde_json::from_slice(data).unwrap();
        assert_eq!(data["sequence_number"], expected, "{said_last}");
    };
    check("", 0);
    check(
        "data: {\"type\":\"a\",\"sequence_number\":6}\n\ndata: {\"sequence_number\": 7 ,\"delta\":\"\"}\n\n",
        8,
    );
    check("data: {\"sequence_number\":7,\"delta\":\"\\\"sequence_number\\\":9\"}\n\n", 8);
    check("data: {\"sequence_number\":\"x\"}\n\n", 0);
}
