//! What a caller was told: the answer read out of what was heard, and every breach of the API on the way.
//!
//! Pure. It reads as the official clients read, but where they shrug it takes a note: a gateway must not rely
//! on a client's patience.

use std::time::Duration;

use serde_json::Value;

use crate::exchange::{End, Heard};
use crate::scenario::{Dialect, Way};

/// As much of an error as is kept, in characters.
const ERROR_CHARS_MAX: usize = 600;

/// A tool call as it was put together from its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, as text.
    pub arguments: String,
}

/// What a caller was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The text of the answer.
    pub text: String,
    /// The thoughts before it.
    pub thoughts: String,
    /// Tools called.
    pub calls: Vec<ToolCall>,
    /// Why the answer ended, in the service's word.
    pub finish: Option<String>,
    /// Whether usage was told.
    pub usage: bool,
    /// The model that is said to have answered.
    pub model: Option<String>,
    /// Names the answer had; a second one is a seam that shows.
    pub ids: Vec<String>,
    /// The error: of the status, or inside the stream.
    pub error: Option<String>,
    /// The mark after the last event came (`[DONE]`, `message_stop`); a plain body is its own mark.
    pub done: bool,
    /// What no caller may be sent.
    pub breaches: Vec<String>,
    /// When the first of the answer came.
    pub began: Option<Duration>,
    /// From the request to the end.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

impl Told {
    /// Reads what was heard.
    pub fn read(heard: &Heard, way: Way) -> Self {
        let mut told = Self { took: heard.took, end: heard.end.clone(), ..Self::default() };
        match heard.status {
            None => {}
            Some(200..=299) if way.stream && heard.is_stream() => told.stream(heard, way.dialect),
            Some(200..=299) if way.stream => {
                told.breach(format!("a stream was asked for and `{}` came", heard.content_type()));
            }
            Some(200..=299) => told.whole(heard, way.dialect),
            Some(status) => {
                let said = String::from_utf8_lossy(&heard.body);
                told.error = Some(short(&format!("status {status}: {}", said.trim())));
            }
        }
        told
    }

    fn breach(&mut self, what: String) {
        self.breaches.push(short(&what));
    }

    fn whole(&mut self, heard: &Heard, dialect: Dialect) {
        if heard.end != End::Clean {
            return;
        }
        match serde_json::from_slice::<Value>(&heard.body) {
            Ok(body) if !body["error"].is_null() => self.error = Some(short(&body["error"].to_string())),
            Ok(body) => {
                self.began = Some(heard.took);
                self.done = true;
                self.name(&body);
                self.usage = body["usage"].is_object();
                match dialect {
                    Dialect::Chat => self.whole_chat(&body),
                    Dialect::Messages => self.whole_message(&body),
                }
            }
            Err(error) => self.breach(format!("status 200 with a body that is no JSON: {error}")),
        }
    }

    fn whole_chat(&mut self, body: &Value) {
        let choice = &body["choices"][0];
        let message = &choice["message"];
        push_text(&mut self.text, &message["content"]);
        push_text(&mut self.thoughts, &message["reasoning_content"]);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let mut read = ToolCall::default();
            push_text(&mut read.name, &call["function"]["name"]);
            push_text(&mut read.arguments, &call["function"]["arguments"]);
            self.calls.push(read);
        }
        self.finish = choice["finish_reason"].as_str().map(str::to_owned);
    }

    fn whole_message(&mut self, body: &Value) {
        for block in body["content"].as_array().into_iter().flatten() {
            push_text(&mut self.text, &block["text"]);
            push_text(&mut self.thoughts, &block["thinking"]);
            if let Some(name) = block["name"].as_str() {
                self.calls.push(ToolCall { name: name.to_owned(), arguments: block["input"].to_string() });
            }
        }
        self.finish = body["stop_reason"].as_str().map(str::to_owned);
    }

    fn stream(&mut self, heard: &Heard, dialect: Dialect) {
        for event in &heard.events {
            if self.done {
                self.breach(format!("an event after the last one: {}", event.data));
                return;
            }
            if dialect == Dialect::Chat && event.data == "[DONE]" {
                self.done = true;
                continue;
            }
            let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
                self.breach(format!("an event that is no JSON: {}", event.data));
                continue;
            };
            if event.name == "error" || !data["error"].is_null() {
                self.error.get_or_insert_with(|| short(&data.to_string()));
                continue;
            }
            if self.error.is_some() {
                self.breach("the stream went on after an error".to_owned());
                return;
            }
            match dialect {
                Dialect::Chat => self.chunk(&data),
                Dialect::Messages => self.message_event(&data),
            }
            if self.began.is_none() && self.has_begun() {
                self.began = Some(event.at);
            }
        }
    }

    fn has_begun(&self) -> bool {
        !(self.text.is_empty() && self.thoughts.is_empty() && self.calls.is_empty()) || self.finish.is_some()
    }

    fn chunk(&mut self, data: &Value) {
        self.name(data);
        self.usage |= data["usage"].is_object();
        let choice = &data["choices"][0];
        let delta = &choice["delta"];
        let before = self.text.len() + self.thoughts.len();
        push_text(&mut self.text, &delta["content"]);
        push_text(&mut self.thoughts, &delta["reasoning_content"]);
        let mut said = self.text.len() + self.thoughts.len() > before;
        for part in delta["tool_calls"].as_array().into_iter().flatten() {
            said = true;
            let index = part["index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            if part["id"].is_string() || index >= self.calls.len() {
                self.calls.push(ToolCall::default());
            }
            if let Some(call) = self.calls.last_mut() {
                push_text(&mut call.name, &part["function"]["name"]);
                push_text(&mut call.arguments, &part["function"]["arguments"]);
            }
        }
        if said && self.finish.is_some() {
            self.breach("more was said after the finish".to_owned());
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = Some(finish.to_owned());
        }
    }

    fn message_event(&mut self, data: &Value) {
        match data["type"].as_str().unwrap_or_default() {
            "message_start" => {
                if !self.ids.is_empty() {
                    self.breach("the message began twice".to_owned());
                }
                self.name(&data["message"]);
            }
            "content_block_start" => {
                let block = &data["content_block"];
                push_text(&mut self.text, &block["text"]);
                push_text(&mut self.thoughts, &block["thinking"]);
                if let Some(name) = block["name"].as_str() {
                    self.calls.push(ToolCall { name: name.to_owned(), arguments: String::new() });
                }
            }
            "content_block_delta" => {
                let delta = &data["delta"];
                push_text(&mut self.text, &delta["text"]);
                push_text(&mut self.thoughts, &delta["thinking"]);
                if let Some(call) = self.calls.last_mut() {
                    push_text(&mut call.arguments, &delta["partial_json"]);
                }
            }
            "message_delta" => {
                self.usage |= data["usage"]["output_tokens"].is_u64();
                self.finish = data["delta"]["stop_reason"].as_str().map(str::to_owned);
            }
            "message_stop" => self.done = true,
            _ => {}
        }
    }

    fn name(&mut self, named: &Value) {
        if let Some(model) = named["model"].as_str() {
            self.model.get_or_insert_with(|| model.to_owned());
        }
        if let Some(id) = named["id"].as_str().filter(|id| !self.ids.iter().any(|known| known == id)) {
            self.ids.push(id.to_owned());
        }
    }
}

fn push_text(to: &mut String, value: &Value) {
    to.push_str(value.as_str().unwrap_or_default());
}

fn short(text: &str) -> String {
    match text.char_indices().nth(ERROR_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
