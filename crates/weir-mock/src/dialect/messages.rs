//! `POST /messages`: Anthropic's API. Every event carries its name, `message_start` carries usage, and a
//! trailing assistant message is continued, as models before Opus 4.6 do.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Dialect, Door, Frames, Part, Spoken, openai, write_event, write_json};
use crate::answer::{Answer, Finish, Usage};
use crate::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::refusal::Refusal;

pub(super) struct Messages;

#[derive(Deserialize)]
struct Body {
    model: String,
    messages: Vec<Message>,
    system: Option<Content>,
    stream: Option<bool>,
    max_tokens: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    thinking: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Content,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
struct Block {
    r#type: String,
    text: Option<String>,
}

impl Content {
    fn into_text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Blocks(blocks) => blocks.into_iter().filter_map(|block| block.text).collect(),
        }
    }

    fn is_tool_result(&self) -> bool {
        matches!(self, Content::Blocks(blocks) if blocks.iter().any(|block| block.r#type == "tool_result"))
    }
}

impl Dialect for Messages {
    fn path(&self) -> &'static str {
        "/messages"
    }

    fn parse(&self, body: &[u8], _door: Door) -> Result<Ask, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))?;
        let tokens_max = openai::tokens_max(body.max_tokens, "max_tokens")?;
        let mut ask = read(body)?;
        if tokens_max.is_none() {
            return Err(Refusal::invalid("max_tokens: Field required"));
        }
        ask.tokens_max = tokens_max;
        Ok(ask)
    }

    fn plain(&self, spoken: &Spoken) -> Vec<u8> {
        let answer = spoken.answer;
        let mut message = message(spoken, spoken.usage.completion);
        let mut blocks = Vec::new();
        if !answer.reasoning.is_empty() {
            blocks.push(
                json!({"type": "thinking", "thinking": answer.reasoning.text(), "signature": SIGNATURE}),
            );
        }
        if !answer.content.is_empty() {
            blocks.push(json!({"type": "text", "text": answer.content.text()}));
        }
        if let Some(call) = &answer.call {
            let input: Value = serde_json::from_str(call.arguments.text()).unwrap_or_else(|_| json!({}));
            blocks.push(json!({"type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": input}));
        }
        message["content"] = Value::Array(blocks);
        message["stop_reason"] = json!(stop_reason(answer));
        message["stop_sequence"] = json!(answer.stopped_by);
        let mut bytes = Vec::new();
        write_json(&mut bytes, &message);
        bytes
    }

    fn stream(&self, spoken: &Spoken) -> Frames {
        let answer = spoken.answer;
        let mut frames = Frames::with_room(answer.tokens(), 130);
        let start = json!({"type": "message_start", "message": message(spoken, 1)});
        frames.push(Part::Opening, |bytes| write_event(bytes, "message_start", &start));
        frames.push(Part::Opening, |bytes| write_event(bytes, "ping", &json!({"type": "ping"})));
        let mut blocks = Blocks { frames: &mut frames, index: 0 };
        if !answer.reasoning.is_empty() {
            blocks.open(&json!({"type": "thinking", "thinking": "", "signature": ""}));
            blocks.deltas("thinking_delta", "thinking", answer.reasoning.iter());
            blocks.sign();
            blocks.close();
        }
        if answer.call.is_none() {
            blocks.open(&json!({"type": "text", "text": ""}));
            blocks.deltas("text_delta", "text", answer.content.iter());
            blocks.close();
        }
        if let Some(call) = &answer.call {
            blocks.open(&json!({"type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": {}}));
            blocks.deltas("input_json_delta", "partial_json", call.arguments.iter());
            blocks.close();
        }
        let end = json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(answer), "stop_sequence": answer.stopped_by},
            "usage": usage(&spoken.usage, spoken.usage.completion),
        });
        frames.push(Part::Finish, |bytes| write_event(bytes, "message_delta", &end));
        let stop = json!({"type": "message_stop"});
        frames.push(Part::Done, |bytes| write_event(bytes, "message_stop", &stop));
        frames
    }

    fn error_event(&self, refusal: &Refusal, _events: usize) -> Vec<u8> {
        let error = json!({"type": refusal.anthropic_type(), "message": refusal.message});
        let mut bytes = Vec::new();
        write_event(&mut bytes, "error", &json!({"type": "error", "error": error}));
        bytes
    }
}

/// What `count_tokens` counts: the prompt of a request that needs no `max_tokens`.
pub(crate) fn count_tokens(body: &[u8]) -> Result<u32, Refusal> {
    let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))?;
    Ok(read(body)?.prefixes().last().map_or(0, |&(_, tokens)| tokens))
}

fn read(body: Body) -> Result<Ask, Refusal> {
    if body.messages.is_empty() {
        return Err(Refusal::invalid("messages: at least one message is required"));
    }
    let system = body.system.map(|system| Turn { role: Role::System, text: system.into_text() });
    let turns = body.messages.into_iter().map(turn);
    let mut ask = Ask {
        model: body.model,
        turns: system.into_iter().map(Ok).chain(turns).collect::<Result<_, _>>()?,
        stream: body.stream.unwrap_or(false),
        stops: body.stop_sequences.unwrap_or_default(),
        thinking: body.thinking.is_some_and(|thinking| thinking["type"] == json!("enabled")),
        ..Ask::default()
    };
    if ask.last_role() == Some(Role::Assistant) {
        ask.continues = ask.turns.last().map(|turn| turn.text.clone());
    }
    ask.choose_call(tools(body.tools), tool_choice(body.tool_choice.as_ref()));
    Ok(ask)
}

fn turn(message: Message) -> Result<Turn, Refusal> {
    let role = match message.role.as_str() {
        "user" if message.content.is_tool_result() => Role::Tool,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let message = format!("messages: Unexpected role {other:?}. Use \"user\" or \"assistant\".");
            return Err(Refusal::invalid(message));
        }
    };
    Ok(Turn { role, text: message.content.into_text() })
}

fn tools(list: Option<Vec<Value>>) -> Vec<Tool> {
    let read = |tool: Value| {
        let name = tool["name"].as_str()?.to_owned();
        Some(Tool { name, schema: tool["input_schema"].clone() })
    };
    list.unwrap_or_default().into_iter().filter_map(read).collect()
}

fn tool_choice(choice: Option<&Value>) -> ToolChoice {
    let kind = choice.and_then(|choice| choice["type"].as_str());
    let name = choice.and_then(|choice| choice["name"].as_str());
    match (kind, name) {
        (Some("none"), _) => ToolChoice::Never,
        (_, Some(name)) => ToolChoice::Named(name.to_owned()),
        _ => ToolChoice::First,
    }
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop if answer.stopped_by.is_some() => "stop_sequence",
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "refusal",
        Finish::InsufficientSystemResource => "insufficient_system_resource",
    }
}

fn message(spoken: &Spoken, output_tokens: u32) -> Value {
    json!({
        "id": format!("msg_{}", spoken.stamp.id),
        "type": "message",
        "role": "assistant",
        "model": spoken.ask.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(&spoken.usage, output_tokens),
    })
}

fn usage(usage: &Usage, output_tokens: u32) -> Value {
    json!({
        "input_tokens": usage.cache_miss,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cache_hit,
        "output_tokens": output_tokens,
    })
}

/// Stands for the signature that real thinking blocks carry.
const SIGNATURE: &str = "bW9jaw==";

/// Writes content blocks one after the other.
struct Blocks<'a> {
    frames: &'a mut Frames,
    index: u32,
}

impl<'a> Blocks<'a> {
    fn open(&mut self, block: &Value) {
        let start = json!({"type": "content_block_start", "index": self.index, "content_block": block});
        self.frames.push(Part::Opening, |bytes| write_event(bytes, "content_block_start", &start));
    }

    fn deltas<'p>(&mut self, kind: &str, field: &str, pieces: impl Iterator<Item = &'p str>) {
        let index = self.index;
        let before = format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\
             \"delta\":{{\"type\":\"{kind}\",\"{field}\":"
        );
        for piece in pieces {
            self.frames.push(Part::Token, |bytes| {
                bytes.extend_from_slice(before.as_bytes());
                write_json(bytes, &piece);
                bytes.extend_from_slice(b"}}\n\n");
            });
        }
    }

    fn sign(&mut self) {
        let delta = json!({"type": "signature_delta", "signature": SIGNATURE});
        let event = json!({"type": "content_block_delta", "index": self.index, "delta": delta});
        self.frames.push(Part::Opening, |bytes| write_event(bytes, "content_block_delta", &event));
    }

    fn close(&mut self) {
        let stop = json!({"type": "content_block_stop", "index": self.index});
        self.frames.push(Part::Finish, |bytes| write_event(bytes, "content_block_stop", &stop));
        self.index += 1;
    }
}
