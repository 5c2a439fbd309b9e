//! What the mock streams is, put together, what it answers plain: two ways to the same words, each written without the
//! other in mind.

use bytes::Bytes;
use serde_json::{Value, json};
use weir_core::Operation;
use weir_wire::replay::{Kept, assemble, play};

use super::{mock, post};

/// A stream put together is the plain answer, and the plain answer played is that again.
async fn check(operation: Operation, path: &str, mut body: Value) {
    let mock = mock().await;
    let mut ask = async |stream: bool| {
        body["stream"] = json!(stream);
        body["stream_options"] = if stream { json!({"include_usage": true}) } else { Value::Null };
        post(&mock, path, &body).send().await.body
    };
    // The first time, the prompt is in no cache of the service.
    ask(false).await;
    let (plain, stream) = (ask(false).await, ask(true).await);
    let kept = assemble(operation, stream.as_bytes()).unwrap_or_else(|| panic!("not kept: {stream}"));
    assert_eq!(same(&kept.body), same(plain.as_bytes()), "{path}");
    let played = play(operation, &Kept::plain(Bytes::from(plain)), true).expect("it can be played");
    let again = assemble(operation, &played.concat()).expect("it can be kept");
    assert_eq!(same(&again.body), same(&kept.body), "{path}");
    let played = play(operation, &kept, true).expect("it can be played").concat();
    let texts = |stream: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(stream).into_owned();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok()).flat_map(|event| strings(&event)).collect()
    };
    assert_eq!(texts(&played), texts(stream.as_bytes()), "{path}: cut otherwise");
}

/// The pieces of text that an event says.
fn strings(event: &Value) -> Vec<String> {
    let delta = if event["delta"].is_null() { &event["choices"][0]["delta"] } else { &event["delta"] };
    let call = &delta["tool_calls"][0]["function"]["arguments"];
    let names = ["content", "reasoning_content", "text", "thinking", "signature", "partial_json"];
    let texts = names.iter().map(|name| &delta[name]).chain([delta, call, &event["choices"][0]["text"]]);
    texts.filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// An answer without what differs from one answer to the next, and without what is written in one form alone: where the
/// calls of a plain answer stand, and that a text is empty rather than null.
fn same(body: &[u8]) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, value| {
                    !matches!(name.as_str(), "id" | "created" | "created_at")
                        && !value.is_null()
                        && value != ""
                });
                if members.contains_key("function") {
                    members.remove("index");
                }
                members.values_mut().for_each(clean);
            }
            Value::Array(list) => list.iter_mut().for_each(clean),
            _ => {}
        }
    }
    let mut value = serde_json::from_slice(body).expect("an answer is JSON");
    clean(&mut value);
    value
}

fn tool() -> Value {
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    json!({"name": "weather", "parameters": parameters, "input_schema": parameters})
}

#[tokio::test]
async fn chat_says_the_same_both_ways() {
    let ask = |more: Value| {
        let mut body = json!({"model": "deepseek-flash", "messages": [{"role": "user", "content": "Tell me of the sea."}]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let asks = [
        ask(json!({})),
        ask(json!({"max_tokens": 9})),
        ask(json!({"thinking": {"type": "enabled"}})),
        ask(json!({"tools": [{"type": "function", "function": tool()}]})),
        ask(json!({"response_format": {"type": "json_object"}})),
    ];
    for body in asks {
        check(Operation::Chat, "/v1/chat/completions", body).await;
    }
}

#[tokio::test]
async fn legacy_completions_say_the_same_both_ways() {
    let body = json!({"model": "deepseek-flash", "prompt": "def fib(n):", "max_tokens": 20});
    check(Operation::Completions, "/v1/completions", body).await;
}

#[tokio::test]
async fn messages_say_the_same_both_ways() {
    let ask = json!({"model": "deepseek-flash", "max_tokens": 99, "messages": [{"role": "user", "content": "Tell me of the sea."}]});
    let mut thinking = ask.clone();
    thinking["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    let mut tools = ask.clone();
    tools["tools"] = json!([tool()]);
    for body in [ask, thinking, tools] {
        check(Operation::Messages, "/v1/messages", body).await;
    }
}

#[tokio::test]
async fn responses_say_the_same_both_ways() {
    let ask = json!({"model": "deepseek-flash", "input": "Tell me of the sea."});
    let mut short = ask.clone();
    short["max_output_tokens"] = json!(16);
    let mut tools = ask.clone();
    tools["tools"] = json!([{"type": "function", "name": "weather", "parameters": tool()["parameters"]}]);
    for body in [ask, short, tools] {
        check(Operation::Responses, "/v1/responses", body).await;
    }
}
