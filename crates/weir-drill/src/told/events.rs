//! A messages stream: events in the order of <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
//!
//! What is held to: every event's name is its `type`; one `message_start`, first; blocks are numbered from
//! zero, opened and closed one after the other, and their deltas are of their kind; one `message_delta` with
//! the stop reason, after the last block; then `message_stop`. Pings may come anywhere, kinds of events that
//! are not known, too.

use serde_json::Value;

use super::{Told, ToolCall, push_text, whole};

/// What has come so far.
#[derive(Default)]
pub(super) struct Reader {
    started: bool,
    blocks: u64,
    open: Option<Block>,
    prompt: whole::Prompt,
}

/// The block that is open.
struct Block {
    index: u64,
    kind: String,
    /// Thoughts that have no signature yet.
    unsigned: bool,
}

impl Reader {
    /// Takes the next event.
    pub(super) fn take(&mut self, told: &mut Told, name: &str, data: &Value) {
        let kind = data["type"].as_str().unwrap_or_default();
        if name != kind || kind.is_empty() {
            told.breach(format!("an event under the name `{name}`, which clients overlook: {data}"));
            return;
        }
        let known = matches!(
            kind,
            "content_block_start"
                | "content_block_delta"
                | "content_block_stop"
                | "message_delta"
                | "message_stop"
        );
        if known && !self.started {
            told.breach(format!("`{kind}` before the message began"));
        }
        if kind.starts_with("content_block") && told.finish.is_some() {
            told.breach(format!("`{kind}` after the stop reason"));
        }
        match kind {
            "message_start" => self.start(told, &data["message"]),
            "content_block_start" => self.open(told, data),
            "content_block_delta" => self.delta(told, data),
            "content_block_stop" => self.close(told, data),
            "message_delta" => self.finish(told, data),
            "message_stop" => told.done = true,
            "error" => told.breach(format!("an error that names none: {data}")),
            _ => {}
        }
    }

    fn start(&mut self, told: &mut Told, message: &Value) {
        if std::mem::replace(&mut self.started, true) {
            told.breach("the message began twice".to_owned());
            return;
        }
        let begun = message["type"] == "message" && message["role"] == "assistant";
        let empty = message["content"].as_array().is_some_and(Vec::is_empty);
        if !(begun && empty && message["id"].is_string() && message["model"].is_string()) {
            told.breach(format!("a message that does not begin as one: {message}"));
        }
        told.model = message["model"].as_str().map(str::to_owned);
        self.prompt.read(&message["usage"]);
    }

    fn open(&mut self, told: &mut Told, data: &Value) {
        let (index, block) = (data["index"].as_u64(), &data["content_block"]);
        if self.open.is_some() {
            told.breach(format!("a block opens in another: {data}"));
        }
        if index != Some(self.blocks) {
            told.breach(format!("a block with the wrong number, not {}: {data}", self.blocks));
        }
        push_text(&mut told.text, &block["text"]);
        push_text(&mut told.thoughts, &block["thinking"]);
        if let Some(name) = block["name"].as_str() {
            told.calls.push(ToolCall { name: name.to_owned(), arguments: String::new() });
        }
        let kind = block["type"].as_str().unwrap_or_default().to_owned();
        self.open = Some(Block { index: self.blocks, unsigned: whole::is_unsigned(block), kind });
        self.blocks += 1;
    }

    fn delta(&mut self, told: &mut Told, data: &Value) {
        let delta = &data["delta"];
        let Some(block) = self.open.as_mut().filter(|block| data["index"] == block.index) else {
            told.breach(format!("a delta of a block that is not open: {data}"));
            return;
        };
        let fits = match delta["type"].as_str() {
            Some("text_delta") => block.kind == "text",
            Some("thinking_delta" | "signature_delta") => block.kind == "thinking",
            Some("input_json_delta") => block.kind == "tool_use",
            _ => true,
        };
        block.unsigned |= delta["thinking"].as_str().is_some_and(|text| !text.is_empty());
        if delta["signature"].as_str().is_some_and(|signature| !signature.is_empty()) {
            block.unsigned = false;
        }
        if !fits {
            told.breach(format!("a delta that is none of a `{}` block: {data}", block.kind));
        }
        push_text(&mut told.text, &delta["text"]);
        push_text(&mut told.thoughts, &delta["thinking"]);
        if let Some(call) = told.calls.last_mut() {
            push_text(&mut call.arguments, &delta["partial_json"]);
        }
    }

    fn close(&mut self, told: &mut Told, data: &Value) {
        match self.open.take() {
            Some(block) if data["index"] == block.index => told.unsigned |= block.unsigned,
            _ => told.breach(format!("the end of a block that is not open: {data}")),
        }
    }

    fn finish(&mut self, told: &mut Told, data: &Value) {
        if self.open.is_some() {
            told.breach(format!("the message ends in an open block: {data}"));
        }
        told.usage = self.prompt.and_answer(&data["usage"]);
        match data["delta"]["stop_reason"].as_str() {
            None => told.breach(format!("a message_delta without a stop reason: {data}")),
            Some(_) if told.finish.is_some() => told.breach(format!("a second message_delta: {data}")),
            Some(reason) => told.finish = Some(reason.to_owned()),
        }
    }
}
