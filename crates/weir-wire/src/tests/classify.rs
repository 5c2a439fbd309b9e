//! The table of failures, row by row.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use weir_core::{Class, Dialect};

use crate::classify::{in_band, refuses_prefill, reply, retry_after};

#[test]
fn statuses_and_bodies_have_their_class() {
    let check = |status: u16, body: &'static str, expected: Class| {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = reply(status, &HeaderMap::new(), Bytes::from_static(body.as_bytes()), UNIX_EPOCH);
        assert_eq!(failure.class, expected, "{status} {body}");
    };
    check(429, "{\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}", Class::Overload);
    check(
        429,
        "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"credit_balance_exhausted\"}}",
        Class::Quota,
    );
    check(
        429,
        "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
        Class::Quota,
    );
    check(503, "", Class::Overload);
    check(529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", Class::Overload);
    check(503, "{\"error\":\"server busy, please try again\"}", Class::Overload);
    check(500, "{\"error\":{\"message\":\"oops\"}}", Class::Hard);
    check(502, "<html></html>", Class::Hard);
    check(504, "", Class::Hard);
    check(302, "", Class::Hard);
    check(401, "", Class::Auth);
    check(402, "", Class::Quota);
    check(400, "{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\"}}", Class::Client);
    check(422, "{\"error\":{\"message\":\"bad\"}}", Class::Client);
    check(400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", Class::ContextLength);
    check(
        400,
        "{\"error\":{\"message\":\"This model's maximum context length is 8\"}}",
        Class::ContextLength,
    );
    check(400, "{\"error\":{\"code\":\"content_filter\"}}", Class::ContentFilter);
    check(400, "{\"error\":{\"message\":\"Content Exists Risk\"}}", Class::ContentFilter);
}

#[test]
fn an_error_inside_a_200_is_never_the_callers_fault_by_default() {
    assert_eq!(in_band(Dialect::OpenAi, "{\"message\":\"engine died\"}").class, Class::Hard);
    assert_eq!(
        in_band(Dialect::OpenAi, "{\"message\":\"queue is full\",\"code\":503}").class,
        Class::Overload
    );
    assert_eq!(in_band(Dialect::OpenAi, "garbage").class, Class::Hard);
}

#[test]
fn what_an_answer_says_of_the_callers_mistake_is_a_reply_in_its_dialect() {
    let check = |dialect, error: &str, expected: Option<(u16, &str)>| {
        let failure = in_band(dialect, error);
        let reply = failure.reply.map(|reply| (reply.status.as_u16(), reply.body));
        let expected = expected.map(|(status, body)| (status, Bytes::from(body.to_owned())));
        assert_eq!(reply, expected, "{:?} {error}", failure.class);
    };
    let long = r#"{"message":"too long","code":"context_length_exceeded"}"#;
    check(Dialect::OpenAi, long, Some((400, &format!("{{\"error\":{long}}}"))));
    check(Dialect::Anthropic, long, Some((400, &format!("{{\"type\":\"error\",\"error\":{long}}}"))));
    let bad = r#"{"message":"bad","code":422}"#;
    check(Dialect::OpenAi, bad, Some((422, &format!("{{\"error\":{bad}}}"))));
    let filter = r#"{"message":"Content Exists Risk","code":999}"#;
    check(Dialect::OpenAi, filter, Some((400, &format!("{{\"error\":{filter}}}"))));
    check(
        Dialect::OpenAi,
        r#""content exists risk""#,
        Some((400, r#"{"error":{"message":"content exists risk"}}"#)),
    );
    check(Dialect::OpenAi, r#"{"message":"full","code":503}"#, None);
    check(Dialect::OpenAi, r#"{"message":"whose key?","code":401}"#, None);
    check(Dialect::OpenAi, r#"{"message":"engine died"}"#, None);
}

#[test]
fn waits_are_read_in_every_form() {
    let check = |name: &'static str, value: &'static str, expected: Option<f64>| {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        assert_eq!(
            retry_after(&headers, UNIX_EPOCH + Duration::from_secs(60)),
            expected.map(Duration::from_secs_f64)
        );
    };
    check("retry-after", "2", Some(2.0));
    check("retry-after", "1.5", Some(1.5));
    check("retry-after-ms", "250", Some(0.25));
    check("retry-after", "Thu, 01 Jan 1970 00:01:10 GMT", Some(10.0));
    check("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", Some(0.0));
    check("retry-after", "9999999999999999999", Some(3600.0));
    check("retry-after", "-1", None);
    check("retry-after", "soon", None);
}

#[test]
fn a_refused_beginning_is_told_from_other_refusals() {
    let check = |status: u16, body: &str, expected: bool| {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = reply(status, &HeaderMap::new(), Bytes::from(body.to_owned()), UNIX_EPOCH);
        assert_eq!(refuses_prefill(&failure), expected, "{status} {body}");
    };
    let said = |message: &str| {
        format!("{{\"error\":{{\"type\":\"invalid_request_error\",\"message\":\"{message}\"}}}}")
    };
    check(400, &said("This model does not support assistant message prefill."), true);
    check(400, &said("The conversation must end with a user message."), true);
    check(400, &said("Assistant response prefill is incompatible with enable_thinking."), true);
    check(400, &said("The prefix is only available when using beta"), true);
    check(400, &said("Cannot set both `add_generation_prompt` and `continue_final_message`"), true);
    check(
        422,
        "{\"detail\":[{\"loc\":[\"body\",\"continue_final_message\"],\"msg\":\"extra fields\"}]}",
        true,
    );
    check(400, "{\"error\":{\"code\":\"invalid_prefill\",\"message\":\"no\"}}", true);
    check(400, &said("max_tokens is too large"), false);
    check(500, &said("prefill is not supported"), false);
    check(400, "", false);
    assert!(!refuses_prefill(&in_band(Dialect::OpenAi, "{\"code\":\"invalid_prefill\"}")));
}
