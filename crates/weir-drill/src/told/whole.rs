//! An answer in one piece, and what streams have in common with it: usage and signatures.

use serde_json::Value;

use super::{Tokens, Told, ToolCall, push_text};
use crate::scenario::Dialect;

/// Reads a body that is JSON and no error.
pub(super) fn read(told: &mut Told, body: &Value, dialect: Dialect) {
    let (kind, wanted) = match dialect {
        Dialect::Chat => (&body["object"], "chat.completion"),
        Dialect::Messages => (&body["type"], "message"),
    };
    if *kind != wanted {
        told.breach(format!("status 200 with a body that is neither an answer nor an error: {body}"));
        return;
    }
    if !(body["id"].is_string() && body["model"].is_string()) {
        told.breach(format!("an answer without id or model: {body}"));
    }
    told.model = body["model"].as_str().map(str::to_owned);
    match dialect {
        Dialect::Chat => chat(told, body),
        Dialect::Messages => message(told, body),
    }
}

fn chat(told: &mut Told, body: &Value) {
    if body["usage"].is_object() {
        chat_usage(told, &body["usage"]);
    }
    let Some([choice]) = body["choices"].as_array().map(Vec::as_slice) else {
        told.breach(format!("not the one choice that was asked for: {body}"));
        return;
    };
    let message = &choice["message"];
    if message["role"] != "assistant" {
        told.breach(format!("the role is {}", message["role"]));
    }
    push_text(&mut told.text, &message["content"]);
    push_text(&mut told.thoughts, &message["reasoning_content"]);
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let mut read = ToolCall::default();
        push_text(&mut read.name, &call["function"]["name"]);
        push_text(&mut read.arguments, &call["function"]["arguments"]);
        told.calls.push(read);
    }
    told.finish = choice["finish_reason"].as_str().map(str::to_owned);
}

fn message(told: &mut Told, body: &Value) {
    if body["role"] != "assistant" {
        told.breach(format!("the role is {}", body["role"]));
    }
    told.usage = Prompt::default().and_answer(&body["usage"]);
    for block in body["content"].as_array().into_iter().flatten() {
        push_text(&mut told.text, &block["text"]);
        push_text(&mut told.thoughts, &block["thinking"]);
        told.unsigned |= is_unsigned(block);
        if let Some(name) = block["name"].as_str() {
            told.calls.push(ToolCall { name: name.to_owned(), arguments: block["input"].to_string() });
        }
    }
    told.finish = body["stop_reason"].as_str().map(str::to_owned);
}

/// Whether these are thoughts without a signature.
pub(super) fn is_unsigned(block: &Value) -> bool {
    let has = |field: &str| block[field].as_str().is_some_and(|text| !text.is_empty());
    has("thinking") && !has("signature")
}

/// A `usage` object of OpenAI's.
pub(super) fn chat_usage(told: &mut Told, usage: &Value) {
    let (Some(prompt), Some(completion)) =
        (usage["prompt_tokens"].as_u64(), usage["completion_tokens"].as_u64())
    else {
        told.breach(format!("usage that counts nothing: {usage}"));
        return;
    };
    if usage["total_tokens"].as_u64() != prompt.checked_add(completion) {
        told.breach(format!("usage that does not add up: {usage}"));
    }
    told.usage = Some(Tokens { prompt, completion });
}

/// The prompt as Anthropic counts it: what was read anew, from a cache, and into one. A stream counts it at its
/// beginning and may count it again at its end; field by field, clients believe the last.
#[derive(Clone, Copy, Default)]
pub(super) struct Prompt([Option<u64>; 3]);

impl Prompt {
    /// Reads the prompt's part of a `usage` object.
    pub(super) fn read(&mut self, usage: &Value) {
        let fields = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
        for (count, field) in self.0.iter_mut().zip(fields) {
            *count = usage[field].as_u64().or(*count);
        }
    }

    /// All of a `usage` object that counts the answer.
    pub(super) fn and_answer(mut self, usage: &Value) -> Option<Tokens> {
        self.read(usage);
        self.0[0]?;
        let prompt = self.0.iter().flatten().fold(0, |sum: u64, count| sum.saturating_add(*count));
        Some(Tokens { prompt, completion: usage["output_tokens"].as_u64()? })
    }
}
