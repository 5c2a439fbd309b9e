//! Which answers are good, and what the others are called.

use http::{HeaderMap, HeaderValue};

use super::{StreamJudge, announces_stream, is_shed, judge_whole};
use crate::record::Outcome;
use crate::sse::Splitter;

const TEXT: &str = r#"data: {"choices":[{"delta":{"content":"hi"}}]}"#;
const STOP: &str = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"data: {"choices":[],"usage":{"total_tokens":3}}"#;
const DONE: &str = "data: [DONE]";

fn judged(events: &[&str]) -> StreamJudge {
    let mut judge = StreamJudge::default();
    let stream = events.join("\n\n") + "\n\n";
    Splitter::default().push(stream.as_bytes(), |event| judge.event(&event)).unwrap();
    judge
}

#[track_caller]
fn check(events: &[&str], expected: Outcome) {
    assert_eq!(judged(events).verdict(), expected, "{events:?}");
}

#[test]
fn a_stream_is_good_when_it_says_why_it_finished_and_is_done() {
    check(&[TEXT, STOP, USAGE, DONE], Outcome::Good);
    for reason in ["length", "tool_calls"] {
        check(&[TEXT, &STOP.replace("stop", reason), DONE], Outcome::Good);
    }
}

#[test]
fn a_stream_that_just_ends_is_truncated() {
    check(&[], Outcome::Truncated);
    check(&[": keep-alive"], Outcome::Truncated);
    check(&[TEXT], Outcome::Truncated);
    check(&[TEXT, STOP], Outcome::Truncated);
    check(&[TEXT, DONE], Outcome::Truncated);
    check(&[TEXT, &STOP.replace("stop", "insufficient_system_resource"), DONE], Outcome::Truncated);
}

#[test]
fn an_error_in_the_stream_is_an_error_even_after_content() {
    let error = r#"data: {"error":{"message":"busy","code":503}}"#;
    check(&[error], Outcome::ErrorEvent);
    check(&[TEXT, error, STOP, DONE], Outcome::ErrorEvent);
    check(&["event: error\ndata: anything"], Outcome::ErrorEvent);
    check(&[r#"data: {"error":null,"choices":[{"finish_reason":"stop"}]}"#, DONE], Outcome::Good);
}

#[test]
fn data_that_is_no_json_is_invalid() {
    check(&[TEXT, "data: {\"choices\":[{\"del", STOP, DONE], Outcome::Invalid);
    check(&["data: "], Outcome::Invalid);
}

#[test]
fn only_what_a_reader_would_see_is_content() {
    let has_content = |delta: &str| {
        judged(&[&format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":null}}]}}")])
            .has_content()
    };
    assert!(has_content(r#"{"content":"a"}"#));
    assert!(has_content(r#"{"content":null,"reasoning_content":"a"}"#));
    assert!(has_content(r#"{"tool_calls":[{"index":0}]}"#));
    assert!(!has_content(r#"{"role":"assistant","content":""}"#));
    assert!(!has_content(r#"{"content":null,"tool_calls":[]}"#));
    assert!(!judged(&[": keep-alive", USAGE, STOP, DONE]).has_content());
}

#[test]
fn a_whole_answer_is_judged_alike() {
    for (body, expected) in [
        (r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#, Outcome::Good),
        (r#"{"choices":[{"message":{"content":"hi"},"finish_reason":null}]}"#, Outcome::Truncated),
        (r#"{"choices":[]}"#, Outcome::Truncated),
        ("\n\n\n", Outcome::Truncated),
        (r#"{"error":{"message":"busy"}}"#, Outcome::ErrorEvent),
        ("<html>", Outcome::Invalid),
    ] {
        assert_eq!(judge_whole(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn a_stream_announces_itself_or_nothing() {
    let announces = |value: &'static str| {
        announces_stream(&HeaderMap::from_iter([(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(value),
        )]))
    };
    assert!(announces("text/event-stream; charset=utf-8") && announces("Text/Event-Stream"));
    assert!(!announces("application/json") && !announces("text/html"));
    assert!(announces_stream(&HeaderMap::new()));
}

#[test]
fn shed_is_an_overload_status_with_the_mark_of_weir() {
    let marked = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-weir-level"),
        HeaderValue::from_static("3"),
    )]);
    let plain = HeaderMap::new();
    let weir_body = br#"{"error":{"message":"busy","type":"overloaded","code":"weir_overloaded"}}"#;
    for status in [429, 503, 529] {
        assert!(is_shed(status, &marked, b""));
        assert!(is_shed(status, &plain, weir_body));
        assert!(!is_shed(status, &plain, br#"{"error":{"code":503,"message":"weir_"}}"#));
        assert!(!is_shed(status, &plain, b"weir_"));
        assert!(!is_shed(status, &plain, br#"{"error":{"message":"x","code":"weir_all_upstreams_down"}}"#));
    }
    assert!(!is_shed(500, &marked, weir_body));
}
