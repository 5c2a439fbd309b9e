//! What the official SDKs make of a stream: their rules, in as few lines as they take.

use serde_json::{Map, Value, json};
use weir_core::Operation;

use crate::sse::events;

/// The message at the end.
pub(super) fn message(operation: Operation, stream: &str) -> Value {
    let events = read(stream);
    match operation {
        Operation::Messages => anthropic(&events),
        Operation::Responses => openai_response(&events),
        _ => openai_choices(&events),
    }
}

/// What kinds of events there are, in order, each with the piece it says.
pub(super) fn kinds(operation: Operation, stream: &str) -> Vec<String> {
    let events = read(stream);
    match operation {
        Operation::Messages | Operation::Responses => events.iter().map(kind).collect(),
        _ => events.iter().flat_map(pieces).collect(),
    }
}

fn read(stream: &str) -> Vec<Value> {
    events(stream.as_bytes())
        .filter(|event| event.data_lines > 0)
        .map(|event| event.data_in(stream.as_bytes()).into_owned())
        .filter(|data| data != b"[DONE]")
        .map(|data| serde_json::from_slice(&data).unwrap())
        .collect()
}

fn kind(event: &Value) -> String {
    let mut kind = event["type"].as_str().unwrap().to_owned();
    let delta = &event["delta"];
    for text in [delta, &delta["text"], &delta["thinking"], &delta["partial_json"], &delta["signature"]] {
        kind.extend(text.as_str().map(|text| format!(" {text}")));
    }
    kind
}

/// What a chunk says of each choice.
fn pieces(chunk: &Value) -> Vec<String> {
    let mut pieces = Vec::new();
    for choice in chunk["choices"].as_array().unwrap() {
        let (index, logprobs) = (&choice["index"], &choice["logprobs"]);
        let delta = choice["delta"].as_object().cloned().unwrap_or_default();
        let empty = [json!(""), json!(null), json!([])];
        let said = delta.iter().filter(|(name, value)| *name != "role" && !empty.contains(value));
        pieces.extend(said.map(|said| format!("{index} {said:?} {logprobs}")));
        pieces.extend(choice["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
        pieces.extend(choice["finish_reason"].as_str().map(str::to_owned));
    }
    pieces
}

/// openai-python's `accumulate_delta`.
fn accumulate(known: &mut Value, delta: &Value) {
    let delta: &Map<String, Value> = delta.as_object().unwrap();
    for (name, value) in delta {
        let place = &mut known[name];
        match (&mut *place, value) {
            (_, Value::Null) => {}
            (place, value) if place.is_null() || name == "index" || name == "type" => *place = value.clone(),
            (Value::String(text), Value::String(more)) => text.push_str(more),
            (Value::Object(_), Value::Object(_)) => accumulate(place, value),
            (Value::Array(list), Value::Array(more)) => {
                for one in more {
                    match one["index"].as_u64().map(|index| index as usize) {
                        Some(index) if index < list.len() => accumulate(&mut list[index], one),
                        _ => list.push(one.clone()),
                    }
                }
            }
            (known, value) => assert_eq!(known, value, "{name}"),
        }
    }
}

/// openai-python's `ChatCompletionStreamState`; its like for legacy completions.
fn openai_choices(events: &[Value]) -> Value {
    let mut top = events[0].clone();
    let mut choices: Vec<Value> = Vec::new();
    for chunk in events {
        for choice in chunk["choices"].as_array().unwrap() {
            let index = choice["index"].as_u64().unwrap() as usize;
            choices.resize(choices.len().max(index + 1), json!({"message": {}, "logprobs": {}, "text": ""}));
            let known = &mut choices[index];
            if choice["delta"].is_object() {
                accumulate(&mut known["message"], &choice["delta"]);
            }
            for name in ["text", "finish_reason", "stop_reason"] {
                if !choice[name].is_null() {
                    accumulate(known, &json!({name: choice[name]}));
                }
            }
            if choice["logprobs"].is_object() {
                accumulate(&mut known["logprobs"], &choice["logprobs"]);
            }
        }
        if !chunk["usage"].is_null() {
            top["usage"] = chunk["usage"].clone();
        }
    }
    top["choices"] = Value::Array(choices);
    top["object"] = Value::Null;
    top.as_object_mut().unwrap().remove("obfuscation");
    without_nulls(top)
}

/// anthropic-python's `accumulate_event`.
fn anthropic(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let at = event["index"].as_u64().unwrap_or(0) as usize;
        let delta = &event["delta"];
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                message["content"].as_array_mut().unwrap().push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let block = &mut message["content"][at];
                match delta["type"].as_str().unwrap() {
                    "input_json_delta" => inputs[at].push_str(delta["partial_json"].as_str().unwrap()),
                    "citations_delta" if block["citations"].is_array() => {
                        block["citations"].as_array_mut().unwrap().push(delta["citation"].clone());
                    }
                    "citations_delta" => block["citations"] = json!([delta["citation"]]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "thinking_delta" => accumulate(block, &json!({"thinking": delta["thinking"]})),
                    _ => accumulate(block, &json!({"text": delta["text"]})),
                }
            }
            "content_block_stop" if !inputs[at].is_empty() => {
                message["content"][at]["input"] = serde_json::from_str(&inputs[at]).unwrap();
            }
            "message_delta" => {
                for (name, value) in delta.as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().unwrap() {
                    message["usage"][name] = value.clone();
                }
            }
            _ => {}
        }
    }
    without_nulls(message)
}

/// openai-python takes the last event's response; whoever shows text adds up deltas.
fn openai_response(events: &[Value]) -> Value {
    let texts: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["delta"].is_string())
        .map(|event| (&event["item_id"], &event["delta"]))
        .collect();
    let dones: Vec<&Value> = events.iter().filter(|event| event["item"]["status"] == "completed").collect();
    let all: String = texts.iter().map(|(_, text)| text.as_str().unwrap()).collect();
    let items: Vec<&Value> = dones.iter().map(|event| &event["item"]).collect();
    json!([all, items, events.last().unwrap()["response"]])
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null() && *value != json!({}));
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        value => value,
    }
}
