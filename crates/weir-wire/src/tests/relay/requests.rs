//! The next attempt's request, on each rung.

use bytes::Bytes;
use serde_json::{Value, json};
use weir_core::{Finish, Operation, Prefill, Rung};

use super::service::{Block, Writes};
use super::{Call, HOLDS};
use crate::relay::Relay;

const REPLAY: Rung = Rung::Replay;
const PREFIX: Rung = Rung::Prefill(Prefill::Prefix);
const PARTIAL: Rung = Rung::Prefill(Prefill::Partial);
const CONTINUE: Rung = Rung::Prefill(Prefill::ContinueFinalMessage);
const TRAILING: Rung = Rung::Prefill(Prefill::Trailing);

/// A chat call of which `reasoning` and `text` were delivered.
fn broken(body: &Value, reasoning: &str, text: &str) -> Call {
    let mut call = Call::chat(&body.to_string());
    let writes = Writes::plainly(1);
    call.cut(&[vec![writes.role()], writes.think(reasoning), writes.say(text)].concat());
    call
}

fn broken_message(body: &Value, blocks: &[Block<'_>]) -> Call {
    let mut call = Call::new(Operation::Messages, &body.to_string(), HOLDS);
    let mut events = Writes::plainly(1).message(blocks);
    events.truncate(events.len() - 3);
    call.cut(&events);
    call
}

fn asked(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "stream": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn a_beginning_is_given_in_each_services_way() {
    let check = |rung: Rung, reasoning: &str, answer: Value, more: Value| {
        let mut call = broken(&asked(&json!({"max_tokens": 100})), reasoning, "a \"quoted\" 中\n");
        let request = call.resume(rung);
        let parts = 4 + u64::from(!reasoning.is_empty());
        let mut expected = asked(&json!({"max_tokens": 100 - parts}));
        expected["messages"] = json!([{"role": "user", "content": "go"}, answer]);
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(request, expected, "{rung:?}");
    };
    let text = "a \"quoted\" 中";
    let plain = json!({"role": "assistant", "content": text});
    check(PREFIX, "", json!({"role": "assistant", "content": text, "prefix": true}), json!({}));
    let thought = json!({"role": "assistant", "content": text, "prefix": true, "reasoning_content": "so"});
    check(PREFIX, "so", thought, json!({}));
    check(PARTIAL, "", json!({"role": "assistant", "content": text, "partial": true}), json!({}));
    check(TRAILING, "", plain.clone(), json!({}));
    check(CONTINUE, "so", plain, json!({"continue_final_message": true, "add_generation_prompt": false}));
}

#[test]
fn what_weir_does_not_act_on_survives_byte_for_byte() {
    let body = r#"{"model":"m" ,"zz":{"b":1.50,"a":[ ]},"messages":[ {"content":"a\u4e2d","role":"user"} ],"stream":true}"#;
    let mut call = Call::chat(body);
    call.cut(&Writes::plainly(1).say("Hi"));
    let envelope = call.relay.resume(PREFIX, &call.envelope);
    assert_eq!(envelope.get("zz"), Some(&br#"{"b":1.50,"a":[ ]}"#[..]));
    let messages =
        r#"[{"content":"a\u4e2d","role":"user"},{"role":"assistant","content":"Hi","prefix":true}]"#;
    assert_eq!(envelope.get("messages"), Some(messages.as_bytes()));
    // It can be edited on.
    let edited: Bytes = envelope.edited(&[("model", Some(b"\"other\""))]);
    assert!(edited.starts_with(br#"{"model":"other","zz""#));
    assert!(envelope.stream);
}

#[test]
fn a_replay_is_the_request_itself() {
    let mut call = broken(&asked(&json!({"max_tokens": 3})), "", "Hello");
    let envelope = call.relay.resume(REPLAY, &call.envelope);
    assert_eq!(envelope.body, call.envelope.body);
}

#[test]
fn no_service_is_asked_for_no_tokens() {
    let body = asked(&json!({"max_completion_tokens": 2}));
    let mut call = broken(&body, "", "a long answer of many tokens");
    assert!(!call.relay.can(PREFIX) && !call.relay.can(Rung::Instructed) && call.relay.can(REPLAY));
    let chunk = call.relay.used_up().expect("all that was asked for has come");
    call.caller.take(&chunk);
    call.caller.has_whole("a long answer of many tokens");
    assert_eq!((call.caller.finish, call.caller.finishes[0].as_str()), (Some(Finish::Length), "length"));

    let body = asked(&json!({"max_tokens": 2}));
    let mut call = broken_message(&body, &[Block::Text("1234567")]);
    let chunk = call.relay.used_up().expect("all that was asked for has come");
    call.caller.take(&chunk);
    call.caller.has_whole("1234567");
    assert_eq!(call.caller.finishes, ["max_tokens"]);

    let check = |limit: Value, expected: bool| {
        let call = broken(&asked(&json!({"max_tokens": limit})), "", "1234567");
        assert_eq!(call.relay.used_up().is_some(), expected, "{limit}");
        assert_eq!(call.relay.can(PREFIX), !expected, "{limit}");
    };
    check(json!(2), true);
    check(json!(3), false);
    check(json!(null), false);
    check(json!("2"), false);
    assert!(broken(&body, "so", "").relay.used_up().is_none(), "an answer of reasoning alone says nothing");
}

#[test]
fn tokens_are_counted_as_reported_or_estimated() {
    let limit = |pieces: &[String]| {
        let mut call = Call::chat(&asked(&json!({"max_tokens": 1000})).to_string());
        call.cut(pieces);
        call.resume(PREFIX)["max_tokens"].as_u64().unwrap()
    };
    let writes = Writes::plainly(1);
    assert_eq!(limit(&writes.say("12345678")), 998, "a piece is at least a token");
    let long = writes.delta(&format!("\"content\":\"{}\"", "word ".repeat(40)));
    assert_eq!(limit(std::slice::from_ref(&long)), 950, "a token has four characters");
    let usage = "data: {\"id\":\"c1\",\"created\":1,\"model\":\"m1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":41}}\n\n";
    assert_eq!(
        limit(&[long.clone(), usage.to_owned()]),
        959,
        "a service that reports as it goes is believed"
    );
    let body = asked(&json!({"max_tokens": 1000}));
    let mut call = Call::new(Operation::Messages, &body.to_string(), HOLDS);
    let events =
        Writes { lengths: vec![400], ..Writes::plainly(1) }.message(&[Block::Text(&"word ".repeat(40))]);
    call.cut(&events[..events.len() - 3]);
    assert_eq!(call.resume(TRAILING)["max_tokens"], 950, "a message's first report is of its beginning");
    // Of an attempt that went on, the report is of what it added.
    let mut call = Call::chat(&asked(&json!({"max_tokens": 1000})).to_string());
    call.cut(&[long.clone(), usage.to_owned()]);
    call.resume(PREFIX);
    call.cut(&[long.clone(), usage.replace("41", "40")]);
    assert_eq!(call.resume(PREFIX)["max_tokens"], 919);
    call.cut(&[long]);
    assert_eq!(call.resume(PREFIX)["max_tokens"], 869);
}

#[test]
fn the_callers_own_beginning_is_continued() {
    let own = json!({"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": "Once\n", "prefix": false, "x": 1}]});
    let mut call = broken(&asked(&own), "", "upon a");
    let request = call.resume(PREFIX);
    let last = json!({"role": "assistant", "content": "Once\nupon a", "x": 1, "prefix": true});
    assert_eq!(request["messages"], json!([{"role": "user", "content": "go"}, last]));
    // An echo is of all that was sent.
    call.whole(&Writes::plainly(2).chat("", "Once\nupon a time there was")).unwrap();
    call.caller.has_whole(if "Once\nupon a".len() >= 16 {
        "upon a time there was"
    } else {
        "upon aOnce\nupon a time there was"
    });
}

#[test]
fn an_instructed_model_is_shown_its_words_and_asked_to_go_on() {
    let text = "x".repeat(300) + "the end ";
    let mut call = broken(&asked(&json!({})), "", &text);
    let request = call.resume(Rung::Instructed);
    let messages = request["messages"].as_array().unwrap();
    assert_eq!(messages[1], json!({"role": "assistant", "content": text}));
    let turn = messages[2]["content"].as_str().unwrap();
    assert_eq!((messages.len(), messages[2]["role"].as_str()), (3, Some("user")));
    assert!(turn.ends_with(&text[text.len() - 200..]) && !turn.contains(&text[text.len() - 201..]), "{turn}");
}

#[test]
fn a_rung_is_offered_only_where_it_fits() {
    let chat = |more: Value, reasoning: &str, text: &str, rung: Rung, expected: bool| {
        let call = broken(&asked(&more), reasoning, text);
        assert_eq!(call.relay.can(rung), expected, "{more} {text:?} {rung:?}");
    };
    chat(json!({}), "", "", Rung::Fresh, true);
    chat(json!({}), "", "", REPLAY, true);
    chat(json!({}), "", "", PREFIX, false);
    chat(json!({}), "so", "", Rung::Fresh, false);
    chat(json!({}), "so", "", PREFIX, false);
    chat(json!({}), "", "Hello", Rung::Fresh, false);
    chat(json!({}), "", "Hello", Rung::Instructed, true);
    chat(json!({}), "so", "Hello", PARTIAL, false);
    chat(json!({}), "", "\n\n", PREFIX, false);
    chat(json!({}), "", "\n\n", REPLAY, true);
    chat(json!({"response_format": {"type": "text"}}), "", "Hello", PREFIX, true);
    let parts = json!({"messages": [{"role": "assistant", "content": [{"type": "text", "text": "a"}]}]});
    chat(parts.clone(), "", "Hello", PREFIX, false);
    chat(parts, "", "Hello", REPLAY, true);
    chat(json!({"n": 2}), "", "Hello", REPLAY, false);
    let call = Call::chat(&asked(&json!({"n": 2})).to_string());
    assert!(call.relay.can(Rung::Fresh) && !call.relay.can(PREFIX));

    let message = |more: Value, blocks: &[Block<'_>], rung: Rung, expected: bool| {
        let call = broken_message(&asked(&more), blocks);
        assert_eq!(call.relay.can(rung), expected, "{more} {blocks:?} {rung:?}");
    };
    let text = Block::Text("Hello");
    message(json!({}), &[text], TRAILING, true);
    message(json!({"thinking": {"type": "disabled"}}), &[text], TRAILING, true);
    message(json!({"thinking": {"type": "enabled"}}), &[text], TRAILING, false);
    message(json!({}), &[Block::Thinking("so"), text], TRAILING, false);
    message(json!({}), &[text, text], TRAILING, false);
    message(json!({}), &[text, text], REPLAY, true);
}

#[test]
fn an_answer_of_a_given_shape_is_only_said_again() {
    let body = asked(&json!({"response_format": {"type": "json_object"}}));
    let mut call = Call::new(Operation::Chat, &body.to_string(), super::NO_HOLDS);
    call.cut(&Writes::plainly(1).say("{\"a\":"));
    assert!(call.relay.can(REPLAY) && !call.relay.can(PREFIX) && !call.relay.can(Rung::Instructed));
}

#[test]
fn operations_without_text_pass_untouched() {
    let call = Call::chat(&asked(&json!({})).to_string());
    for operation in [Operation::Embeddings, Operation::Responses, Operation::CountTokens, Operation::Other] {
        assert!(Relay::new(operation, &call.envelope, HOLDS).is_none());
    }
}
