//! What OpenAI's chat, legacy and Responses APIs have in common: content, tools, stops, finish reasons, usage.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Finish, Usage};
use crate::ask::{Format, Tool, ToolChoice};
use crate::refusal::Refusal;

/// Text, or parts of which some are text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
pub(super) struct ContentPart {
    text: Option<String>,
}

impl Content {
    pub fn into_text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

/// One stop text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    One(String),
    Many(Vec<String>),
}

impl Stop {
    pub fn into_texts(self) -> Vec<String> {
        match self {
            Stop::One(text) => vec![text],
            Stop::Many(texts) => texts,
        }
    }
}

/// A function tool, nested under `function` (chat) or flat (Responses).
pub(super) fn tools(list: Option<Vec<Value>>) -> Vec<Tool> {
    let read = |tool: Value| {
        let function = if tool["function"].is_object() { &tool["function"] } else { &tool };
        let name = function["name"].as_str()?.to_owned();
        Some(Tool { name, schema: function["parameters"].clone() })
    };
    list.unwrap_or_default().into_iter().filter_map(read).collect()
}

pub(super) fn tool_choice(choice: Option<&Value>) -> ToolChoice {
    let Some(choice) = choice else {
        return ToolChoice::First;
    };
    let named = choice["function"]["name"].as_str().or(choice["name"].as_str());
    match (choice.as_str(), named) {
        (Some("none"), _) => ToolChoice::Never,
        (_, Some(name)) => ToolChoice::Named(name.to_owned()),
        _ => ToolChoice::First,
    }
}

/// `response_format` (chat) or `text.format` (Responses).
pub(super) fn format(wanted: Option<&Value>) -> Format {
    let Some(wanted) = wanted else {
        return Format::Text;
    };
    match wanted["type"].as_str() {
        Some("json_object") => Format::Json,
        Some("json_schema") => {
            let nested = &wanted["json_schema"]["schema"];
            Format::Schema(if nested.is_object() { nested } else { &wanted["schema"] }.clone())
        }
        _ => Format::Text,
    }
}

/// The caller's token limit, refused when it is zero.
pub(super) fn tokens_max(limit: Option<u32>, field: &str) -> Result<Option<u32>, Refusal> {
    match limit {
        Some(0) => {
            Err(Refusal::invalid(format!("Invalid {field} value, the valid range of {field} is [1, 393216]")))
        }
        limit => Ok(limit),
    }
}

pub(super) fn in_range(value: Option<f64>, field: &str, most: f64) -> Result<(), Refusal> {
    match value {
        Some(value) if !(0.0..=most).contains(&value) => Err(Refusal::invalid(format!(
            "Invalid {field} value, the valid range of {field} is [0, {most:.1}]"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
        Finish::InsufficientSystemResource => "insufficient_system_resource",
    }
}

/// Usage as DeepSeek reports it: OpenAI's fields and its own.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt() + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_hit},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        "prompt_cache_hit_tokens": usage.cache_hit,
        "prompt_cache_miss_tokens": usage.cache_miss,
    })
}

/// `{"error":{…,"code":<status>}}` as SGLang sends it inside a stream that has begun.
pub(super) fn error_object(refusal: &Refusal) -> Value {
    let code = refusal.status.as_u16();
    json!({"error": {"message": refusal.message, "type": refusal.kind, "param": null, "code": code}})
}
