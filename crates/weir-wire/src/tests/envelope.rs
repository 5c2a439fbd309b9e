//! Request bodies: what is read, and that every bad one is refused with its place.

use bytes::Bytes;
use weir_core::{Operation, Rejection};

use crate::envelope::{DEPTH_MAX, read};

fn refuse(body: &str) -> Rejection {
    read(Operation::Chat, Bytes::from(body.to_owned())).expect_err("the body is bad")
}

#[test]
fn reads_what_weir_acts_on_and_nothing_else() {
    let body = r#" {"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true,"x":1},
        "temperature":0.0,"seed":null,"max_completion_tokens":7,"service_tier":"flex","new_field":{"model":"other"}}"#;
    let (model, envelope) = read(Operation::Chat, Bytes::from(body)).unwrap();
    assert_eq!(model, "m");
    assert!(envelope.stream && envelope.wants_usage && envelope.temperature_zero && !envelope.seeded);
    assert_eq!(envelope.max_tokens, Some(7));
    assert_eq!(envelope.service_tier.as_deref(), Some("flex"));
    assert_eq!(envelope.get("new_field"), Some(r#"{"model":"other"}"#.as_bytes()));
    assert_eq!(envelope.members.len(), 9);
}

#[test]
fn an_absent_temperature_is_not_zero() {
    let (_, envelope) = read(Operation::Chat, Bytes::from(r#"{"model":"m","messages":[]}"#)).unwrap();
    assert!(!envelope.temperature_zero && !envelope.seeded && envelope.max_tokens.is_none());
}

#[test]
fn a_bad_body_is_refused_with_its_place() {
    let check = |body: &str, param: Option<&str>, words: &str| {
        let rejection = refuse(body);
        assert_eq!(rejection.param.as_deref(), param, "{body}: {}", rejection.message);
        assert!(rejection.message.contains(words), "{body}: {}", rejection.message);
    };
    check("", None, "empty");
    check("[1]", None, "a JSON object");
    check(r#"{"model":"m","#, None, "line 1 column");
    check(r#"{"model":"m"} x"#, None, "trailing");
    check(r#"{"messages":[]}"#, Some("model"), "no `model`");
    check(r#"{"model":7,"messages":[]}"#, Some("model"), "`7`, which is not a string");
    check(r#"{"model":"m"}"#, Some("messages"), "no `messages`");
    check(r#"{"model":"m","messages":{}}"#, Some("messages"), "an array");
    check(r#"{"model":"m","messages":[],"stream":"yes"}"#, Some("stream"), "true or false");
    let long = format!(r#"{{"model":"{}","messages":[]}}"#, "m".repeat(300));
    check(&long, Some("model"), "302 bytes");
    check(r#"{"model":"m","messages":[],"model":"n"}"#, Some("model"), "twice");
    check(r#"{"model":"m","messages":[],"mo\u0064el":"n"}"#, Some("model"), "with escapes");
    check(r#"{"model":"m","messages":[],"us\u0065r":"n"}"#, Some("user"), "with escapes");
    check(r#"{"model":"m","messages":[],"\u006detadata":{}}"#, Some("metadata"), "with escapes");
}

#[test]
fn a_passed_through_object_may_not_hide_its_model_and_an_upload_is_not_read() {
    let read = |body: &str| crate::envelope::read_passing(Bytes::from(body.to_owned()));
    assert_eq!(read(r#"{"model":"m","stream":"x","messages":7}"#).unwrap().0, "m");
    assert!(read(r#"{"model":"m","model":"n"}"#).is_err());
    assert!(read(r#"{"mo\u0064el":"n"}"#).is_err());
    assert_eq!(read("--boundary\r\n").unwrap().0, "");
    assert_eq!(read("").unwrap().0, "");
}

#[test]
fn nesting_is_bounded_and_brackets_in_strings_do_not_count() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"model":"m","messages":[],"x":{open}{close}}}"#)
    };
    assert!(read(Operation::Chat, nested(DEPTH_MAX - 1).into()).is_ok());
    assert!(refuse(&nested(DEPTH_MAX)).message.contains("deeper than 128"));
    let quoted = format!(r#"{{"model":"m","messages":[],"x":"\"{}"}}"#, "[".repeat(500));
    assert!(read(Operation::Chat, quoted.into()).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_body_makes_it_panic(body: Vec<u8>) {
        let _either = read(Operation::Chat, Bytes::from(body));
    }
}

#[test]
fn a_request_says_how_many_choices_it_asks_for() {
    use crate::envelope::choices;
    let check = |operation, rest: &str, expected: Option<usize>| {
        let body = format!("{{\"model\":\"m\",\"messages\":[]{rest}}}");
        let (_, envelope) = read(operation, Bytes::from(body)).unwrap();
        assert_eq!(choices(operation, &envelope), expected, "{rest}");
    };
    check(Operation::Chat, "", Some(1));
    check(Operation::Chat, ",\"n\":null", Some(1));
    check(Operation::Chat, ",\"n\":3", Some(3));
    check(Operation::Chat, ",\"n\":\"3\"", None);
    check(Operation::Messages, ",\"n\":3", Some(1));
    check(Operation::Completions, ",\"prompt\":\"a\"", Some(1));
    check(Operation::Completions, ",\"prompt\":[\"a\",\"b\"],\"n\":2", Some(4));
    check(Operation::Completions, ",\"prompt\":[[1,2],[3]]", Some(2));
    check(Operation::Completions, ",\"prompt\":[1,2,3]", Some(1));
}
