//! Streams of a gateway that says something false, each made from an honest one by one change: the honest one
//! passes, every lie fails.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::case;
use crate::exchange::{End, Event, Heard};
use crate::judge::{Seen, Verdict, judge};
use crate::question::WORDS;
use crate::told::Told;
use crate::upstream::Attempt;

/// Names and data of events; `[DONE]` is a string.
type Stream = Vec<(String, Value)>;

fn chunk(choices: &Value) -> (String, Value) {
    let data =
        json!({"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
    (String::new(), data)
}

fn delta(delta: &Value, finish: Option<&str>) -> (String, Value) {
    chunk(&json!([{"index": 0, "delta": delta, "finish_reason": finish}]))
}

/// Role, sixty words (1 to 60), finish (61), usage (62), mark (63).
fn chat() -> Stream {
    let mut stream = vec![delta(&json!({"role": "assistant", "content": ""}), None)];
    stream.extend(WORDS.split_inclusive(' ').map(|word| delta(&json!({"content": word}), None)));
    stream.push(delta(&json!({}), Some("stop")));
    let mut usage = chunk(&json!([]));
    usage.1["usage"] = json!({"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80});
    stream.extend([usage, (String::new(), json!("[DONE]"))]);
    stream
}

fn event(data: Value) -> (String, Value) {
    (data["type"].as_str().unwrap().to_owned(), data)
}

/// Start, ping, block (2), sixty words (3 to 62), block end (63), stop reason (64), mark (65).
fn messages() -> Stream {
    let message = json!({
        "id": "i", "type": "message", "role": "assistant", "model": "m", "content": [],
        "usage": {"input_tokens": 20, "output_tokens": 1},
    });
    let mut stream = vec![
        event(json!({"type": "message_start", "message": message})),
        event(json!({"type": "ping"})),
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    let word = |word| {
        event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}),
        )
    };
    stream.extend(WORDS.split_inclusive(' ').map(word));
    stream.extend([
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 60}})),
        event(json!({"type": "message_stop"})),
    ]);
    stream
}

fn verdict(id: &str, stream: &Stream) -> (Verdict, String) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
    let event = |(name, data): &(String, Value)| Event {
        at: Duration::from_millis(3),
        name: name.clone(),
        data: data.as_str().map_or_else(|| data.to_string(), str::to_owned),
    };
    let events = stream.iter().map(event).collect();
    let heard = Heard { status: Some(200), headers, events, end: End::Clean, ..Heard::default() };
    let case = case(id);
    let asked = Attempt { prompt_tokens: 20, answer_tokens: 60, ..Attempt::default() };
    let calls = vec![Told::read(&heard, case.way)];
    judge(&case, &Seen { calls, primary: vec![asked], ..Seen::default() })
}

#[track_caller]
fn check(id: &str, mut stream: Stream, lie: impl FnOnce(&mut Stream), expected: Verdict, says: &str) {
    lie(&mut stream);
    let (verdict, reason) = verdict(id, &stream);
    assert_eq!((verdict, reason.contains(says)), (expected, true), "{reason}");
}

const CHAT: &str = "X05-chat-stream";
const MESSAGES: &str = "X05-messages-stream";

#[track_caller]
fn chat_lie(says: &str, lie: impl FnOnce(&mut Stream)) {
    check(CHAT, chat(), lie, Verdict::Fail, says);
}

#[track_caller]
fn messages_lie(says: &str, lie: impl FnOnce(&mut Stream)) {
    check(MESSAGES, messages(), lie, Verdict::Fail, says);
}

#[test]
fn honest_streams_pass() {
    check(CHAT, chat(), |_| {}, Verdict::Pass, "whole");
    check(MESSAGES, messages(), |_| {}, Verdict::Pass, "whole");
    // Anthropic adds kinds of events; OpenAI's clients do not mind a word about nothing.
    check(MESSAGES, messages(), |stream| stream.insert(2, event(json!({"type": "news"}))), Verdict::Pass, "");
    check(CHAT, chat(), |stream| stream.insert(5, delta(&json!({}), None)), Verdict::Pass, "");
}

#[test]
fn honest_errors_are_safe() {
    let error = json!({"error": {"message": "the service broke off", "type": "server_error"}});
    let honest = |stream: &mut Stream| {
        stream.truncate(30);
        stream.push((String::new(), error.clone()));
    };
    check(CHAT, chat(), honest, Verdict::Safe, "broke off");
    let error = json!({"type": "error", "error": {"type": "api_error", "message": "the service broke off"}});
    let honest = |stream: &mut Stream| {
        stream.truncate(30);
        stream.push(event(error.clone()));
    };
    check(MESSAGES, messages(), honest, Verdict::Safe, "broke off");
}

#[test]
fn an_error_that_clients_do_not_see_is_a_silent_truncation() {
    let error = json!({"error": {"message": "the service broke off", "type": "server_error"}});
    messages_lie("under the name ``", |stream| {
        stream.truncate(30);
        stream.push((String::new(), error.clone()));
    });
    messages_lie("under the name ``", |stream| {
        stream.truncate(30);
        stream
            .push((String::new(), json!({"type": "error", "error": {"type": "api_error", "message": "m"}})));
    });
    messages_lie("under the name `error`", |stream| {
        stream.truncate(30);
        stream.push(("error".to_owned(), error.clone()));
    });
    chat_lie("under the name `error`", |stream| {
        stream.truncate(30);
        stream.push(event(json!({"type": "error", "error": {"type": "api_error", "message": "m"}})));
    });
}

#[test]
fn nothing_follows_an_error() {
    let error = json!({"error": {"message": "m"}});
    chat_lie("went on after an error: [DONE]", |stream| {
        stream.splice(30..63, [(String::new(), error.clone())]);
    });
    chat_lie("went on after an error", |stream| stream.insert(63, (String::new(), error.clone())));
    chat_lie("after the last one", |stream| stream.push((String::new(), error.clone())));
    let error = event(json!({"type": "error", "error": {"type": "api_error", "message": "m"}}));
    messages_lie("went on after an error", |stream| {
        stream.splice(30..65, [error.clone()]);
    });
    messages_lie("after the last one", |stream| stream.push(error.clone()));
}

#[test]
fn a_chat_answer_is_one_completion() {
    chat_lie("changes its name", |stream| stream[40].1["id"] = json!("j"));
    chat_lie("changes its name", |stream| stream[40].1["created"] = json!(2));
    chat_lie("changes its name", |stream| stream[62].1["model"] = json!("n"));
    chat_lie("without id, created or model", |stream| {
        stream[40].1.as_object_mut().unwrap().remove("id");
    });
    chat_lie("a second role chunk", |stream| {
        stream.insert(40, delta(&json!({"role": "assistant", "content": ""}), None));
    });
    chat_lie("without a role", |stream| drop(stream.remove(0)));
    chat_lie("the role is \"user\"", |stream| {
        stream[0].1["choices"][0]["delta"]["role"] = json!("user");
    });
    chat_lie("finishes twice", |stream| stream.insert(62, delta(&json!({}), Some("stop"))));
    chat_lie("after the finish", |stream| stream.swap(60, 61));
    chat_lie("not the one choice", |stream| stream[40].1["choices"][0]["index"] = json!(1));
    chat_lie("no chunk", |stream| stream[40].1["object"] = json!("chat.completion"));
    chat_lie("under the name `message`", |stream| stream[40].0 = "message".to_owned());
    chat_lie("no JSON", |stream| stream.insert(40, (String::new(), json!("{\"half"))));
    chat_lie("truncated, and ends in good order", |stream| drop(stream.drain(41..63)));
}

#[test]
fn a_messages_answer_is_one_message() {
    messages_lie("before the message began", |stream| drop(stream.remove(0)));
    messages_lie("began twice", |stream| stream.insert(40, messages().remove(0)));
    messages_lie("does not begin as one", |stream| stream[0].1["message"]["role"] = json!("user"));
    messages_lie("a delta of a block that is not open", |stream| drop(stream.remove(2)));
    messages_lie("a delta of a block that is not open", |stream| stream[40].1["index"] = json!(1));
    messages_lie("opens in another", |stream| {
        let mut second = stream[2].clone();
        second.1["index"] = json!(1);
        stream.insert(40, second);
    });
    messages_lie("the wrong number, not 0", |stream| stream[2].1["index"] = json!(1));
    messages_lie("the end of a block that is not open", |stream| {
        stream.insert(64, event(json!({"type": "content_block_stop", "index": 0})));
    });
    messages_lie("none of a `text` block", |stream| {
        stream[40].1["delta"] = json!({"type": "thinking_delta", "thinking": ""});
    });
    messages_lie("ends in an open block", |stream| drop(stream.remove(63)));
    messages_lie("a second message_delta", |stream| stream.insert(65, stream[64].clone()));
    messages_lie("without a stop reason", |stream| stream[64].1["delta"] = json!({}));
    messages_lie("after the stop reason", |stream| {
        let mut second = stream[2].clone();
        second.1["index"] = json!(1);
        stream.insert(65, second);
    });
    messages_lie("after the last one", |stream| stream.swap(64, 65));
    messages_lie("under the name ``", |stream| stream[40].0 = String::new());
    messages_lie("under the name `content_block_stop`", |stream| {
        stream[40].0 = "content_block_stop".to_owned();
    });
    messages_lie("truncated, and ends in good order", |stream| drop(stream.remove(64)));
}

#[test]
fn usage_is_told_once_and_right() {
    chat_lie("wrong usage", |stream| {
        stream[62].1["usage"] = json!({"prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120});
    });
    chat_lie("does not add up", |stream| stream[62].1["usage"]["total_tokens"] = json!(120));
    chat_lie("told twice", |stream| stream.insert(62, stream[62].clone()));
    chat_lie("counts nothing", |stream| stream[62].1["usage"] = json!({}));
    messages_lie("wrong usage", |stream| stream[64].1["usage"]["output_tokens"] = json!(100));
    messages_lie("wrong usage", |stream| stream[64].1["usage"]["input_tokens"] = json!(40));
    messages_lie("wrong usage", |stream| stream[64].1["usage"]["cache_read_input_tokens"] = json!(40));
    let silent = |stream: &mut Stream| drop(stream.remove(62));
    check(CHAT, chat(), silent, Verdict::Partial, "no usage");
    let silent = |stream: &mut Stream| stream[64].1["usage"] = json!(null);
    check(MESSAGES, messages(), silent, Verdict::Partial, "no usage");
}
