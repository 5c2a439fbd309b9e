//! `POST /responses`: OpenAI's Responses API, with its events in their legal order and numbered.

use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::{self, Content};
use super::{Dialect, Door, Frames, Part, Spoken, write_event, write_json};
use crate::answer::{Finish, Usage};
use crate::ask::{Ask, Role, Turn};
use crate::refusal::Refusal;
use crate::text::Pieces;

pub(super) struct Responses;

#[derive(Deserialize)]
struct Body {
    model: String,
    input: Input,
    instructions: Option<String>,
    stream: Option<bool>,
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    text: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Item>),
}

#[derive(Deserialize)]
struct Item {
    r#type: Option<String>,
    role: Option<String>,
    content: Option<Content>,
    output: Option<Value>,
}

impl Dialect for Responses {
    fn path(&self) -> &'static str {
        "/responses"
    }

    fn parse(&self, body: &[u8], _door: Door) -> Result<Ask, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::unparsable(&error))?;
        openai::in_range(body.temperature, "temperature", 2.0)?;
        let mut turns: Vec<Turn> =
            body.instructions.map(|text| Turn { role: Role::System, text }).into_iter().collect();
        match body.input {
            Input::Text(text) => turns.push(Turn { role: Role::User, text }),
            Input::Items(items) => turns.extend(items.into_iter().map(turn)),
        }
        let mut ask = Ask {
            model: body.model,
            turns,
            stream: body.stream.unwrap_or(false),
            tokens_max: openai::tokens_max(body.max_output_tokens, "max_output_tokens")?,
            format: openai::format(body.text.as_ref().map(|text| &text["format"])),
            ..Ask::default()
        };
        ask.choose_call(openai::tools(body.tools), openai::tool_choice(body.tool_choice.as_ref()));
        Ok(ask)
    }

    fn plain(&self, spoken: &Spoken) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_json(&mut bytes, &ended(spoken));
        bytes
    }

    fn stream(&self, spoken: &Spoken) -> Frames {
        let mut frames = Frames::with_room(spoken.answer.tokens(), 230);
        let mut events = Events { frames: &mut frames };
        let begun = response(spoken, "in_progress");
        events.push(Part::Opening, "response.created", json!({"response": begun}));
        events.push(Part::Opening, "response.in_progress", json!({"response": begun}));
        match &spoken.answer.call {
            Some(call) => events.call(spoken, &call.arguments),
            None => events.message(spoken, &spoken.answer.content),
        }
        let name = match ended_as(spoken.answer.finish) {
            "incomplete" => "response.incomplete",
            "failed" => "response.failed",
            _ => "response.completed",
        };
        events.push(Part::Done, name, json!({"response": ended(spoken)}));
        frames
    }

    fn error_event(&self, refusal: &Refusal, events: usize) -> Vec<u8> {
        // Flat as the specification has it and nested as the official SDKs look for it.
        let mut error = openai::error_object(refusal);
        error["type"] = json!("error");
        error["sequence_number"] = json!(events);
        error["code"] = json!(refusal.code);
        error["message"] = json!(refusal.message);
        error["param"] = Value::Null;
        let mut bytes = Vec::new();
        write_event(&mut bytes, "error", &error);
        bytes
    }
}

fn turn(item: Item) -> Turn {
    if item.r#type.as_deref() == Some("function_call_output") {
        let text = item.output.map(|output| output.to_string()).unwrap_or_default();
        return Turn { role: Role::Tool, text };
    }
    let role = match item.role.as_deref() {
        Some("user") => Role::User,
        Some("system" | "developer") => Role::System,
        _ => Role::Assistant,
    };
    Turn { role, text: item.content.map(Content::into_text).unwrap_or_default() }
}

fn ended_as(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls => "completed",
        Finish::Length | Finish::ContentFilter => "incomplete",
        Finish::InsufficientSystemResource => "failed",
    }
}

fn response(spoken: &Spoken, status: &str) -> Value {
    json!({
        "id": format!("resp_{}", spoken.stamp.id),
        "object": "response",
        "created_at": spoken.stamp.created,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "metadata": {},
        "model": spoken.ask.model,
        "output": [],
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": null,
    })
}

/// The response as it stands at the end.
fn ended(spoken: &Spoken) -> Value {
    let finish = spoken.answer.finish;
    let mut response = response(spoken, ended_as(finish));
    let item = match &spoken.answer.call {
        Some(call) => call_item(spoken, call.arguments.text(), "completed"),
        None => message_item(spoken, Some(spoken.answer.content.text()), item_status(finish)),
    };
    response["output"] = json!([item]);
    response["usage"] = usage(&spoken.usage);
    match finish {
        Finish::Length => response["incomplete_details"] = json!({"reason": "max_output_tokens"}),
        Finish::ContentFilter => response["incomplete_details"] = json!({"reason": "content_filter"}),
        Finish::InsufficientSystemResource => {
            response["error"] = json!({"code": "server_error", "message": "insufficient system resource"});
        }
        Finish::Stop | Finish::ToolCalls => {}
    }
    response
}

fn item_status(finish: Finish) -> &'static str {
    if ended_as(finish) == "completed" { "completed" } else { "incomplete" }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": {"cached_tokens": usage.cache_hit},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt() + usage.completion,
    })
}

fn message_item(spoken: &Spoken, text: Option<&str>, status: &str) -> Value {
    let content: Vec<Value> = text.map(text_part).into_iter().collect();
    let id = format!("msg_{}", spoken.stamp.id);
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn call_item(spoken: &Spoken, arguments: &str, status: &str) -> Value {
    let Some(call) = &spoken.answer.call else {
        return Value::Null;
    };
    json!({
        "id": format!("fc_{}", spoken.stamp.id), "type": "function_call", "status": status,
        "call_id": format!("call_{}", call.id), "name": call.name, "arguments": arguments,
    })
}

/// Numbers events as they are written.
struct Events<'a> {
    frames: &'a mut Frames,
}

impl Events<'_> {
    fn push(&mut self, part: Part, name: &str, mut event: Value) {
        event["type"] = json!(name);
        event["sequence_number"] = json!(self.frames.len());
        self.frames.push(part, |bytes| write_event(bytes, name, &event));
    }

    fn message(&mut self, spoken: &Spoken, text: &Pieces) {
        let id = format!("msg_{}", spoken.stamp.id);
        let begun = message_item(spoken, None, "in_progress");
        self.push(Part::Opening, "response.output_item.added", json!({"output_index": 0, "item": begun}));
        let place = json!({"item_id": id, "output_index": 0, "content_index": 0});
        self.push(Part::Opening, "response.content_part.added", with(&place, "part", text_part("")));
        let before = format!("\"item_id\":\"{id}\",\"output_index\":0,\"content_index\":0,\"logprobs\":[],");
        self.deltas("response.output_text.delta", &before, text);
        let mut done = with(&place, "text", json!(text.text()));
        done["logprobs"] = json!([]);
        self.push(Part::Finish, "response.output_text.done", done);
        self.push(Part::Finish, "response.content_part.done", with(&place, "part", text_part(text.text())));
        let item = message_item(spoken, Some(text.text()), item_status(spoken.answer.finish));
        self.push(Part::Finish, "response.output_item.done", json!({"output_index": 0, "item": item}));
    }

    fn call(&mut self, spoken: &Spoken, arguments: &Pieces) {
        let id = format!("fc_{}", spoken.stamp.id);
        let begun = call_item(spoken, "", "in_progress");
        self.push(Part::Opening, "response.output_item.added", json!({"output_index": 0, "item": begun}));
        let before = format!("\"item_id\":\"{id}\",\"output_index\":0,");
        self.deltas("response.function_call_arguments.delta", &before, arguments);
        let name = spoken.answer.call.as_ref().map(|call| call.name.as_str());
        let done = json!({"item_id": id, "output_index": 0, "name": name, "arguments": arguments.text()});
        self.push(Part::Finish, "response.function_call_arguments.done", done);
        let item = call_item(spoken, arguments.text(), "completed");
        self.push(Part::Finish, "response.output_item.done", json!({"output_index": 0, "item": item}));
    }

    /// One event a token, written without building a tree for each.
    fn deltas(&mut self, name: &str, before: &str, pieces: &Pieces) {
        let head = format!("event: {name}\ndata: {{\"type\":\"{name}\",{before}\"sequence_number\":");
        for piece in pieces.iter() {
            let number = self.frames.len();
            self.frames.push(Part::Token, |bytes| {
                bytes.extend_from_slice(head.as_bytes());
                write_json(bytes, &number);
                bytes.extend_from_slice(b",\"delta\":");
                write_json(bytes, &piece);
                bytes.extend_from_slice(b"}\n\n");
            });
        }
    }
}

fn with(place: &Value, field: &str, value: Value) -> Value {
    let mut event = place.clone();
    event[field] = value;
    event
}
