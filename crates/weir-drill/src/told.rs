//! What a caller was told: the answer read out of what was heard, and every breach of the API on the way.
//!
//! Pure. It reads as the official clients read, but where they shrug it takes a note: a gateway must not rely
//! on a client's patience. What always holds: an error counts only where such a client would raise it.

mod chunks;
mod error;
mod events;
mod whole;

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

/// Tokens that the caller is told of, and so would pay for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt, read from a cache or not.
    pub prompt: u64,
    /// Of the answer, thoughts and calls included.
    pub completion: u64,
}

/// What a caller was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The status; none when no head came.
    pub status: Option<u16>,
    /// The text of the answer.
    pub text: String,
    /// The thoughts before it.
    pub thoughts: String,
    /// Thoughts came without the signature that makes them of use to a caller of messages.
    pub unsigned: bool,
    /// Tools called.
    pub calls: Vec<ToolCall>,
    /// Why the answer ended, in the service's word.
    pub finish: Option<String>,
    /// The usage, if it was told.
    pub usage: Option<Tokens>,
    /// The model that is said to have answered.
    pub model: Option<String>,
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
        let mut told =
            Self { status: heard.status, took: heard.took, end: heard.end.clone(), ..Self::default() };
        match heard.status {
            None => {}
            Some(200..=299) if way.stream && heard.is_stream() => told.stream(heard, way.dialect),
            Some(200..=299) if way.stream => {
                told.breach(format!("a stream was asked for and `{}` came", heard.content_type()));
            }
            Some(200..=299) => told.whole(heard, way.dialect),
            Some(status) => told.refusal(status, heard, way.dialect),
        }
        told
    }

    fn breach(&mut self, what: String) {
        self.breaches.push(short(&what));
    }

    /// A status that is an error, with a body that should be one.
    fn refusal(&mut self, status: u16, heard: &Heard, dialect: Dialect) {
        let said = String::from_utf8_lossy(&heard.body);
        let said = format!("status {status}: {}", said.trim());
        match serde_json::from_slice(&heard.body) {
            Ok(body) if error::is_explicit(&body, dialect) => self.error = Some(short(&said)),
            _ => self.breach(format!("a body that is no error of this API, with {said}")),
        }
    }

    fn whole(&mut self, heard: &Heard, dialect: Dialect) {
        if heard.end != End::Clean {
            return;
        }
        match serde_json::from_slice::<Value>(&heard.body) {
            Ok(body) if error::is_explicit(&body, dialect) => self.error = Some(short(&body.to_string())),
            Ok(body) => {
                self.began = Some(heard.took);
                self.done = true;
                whole::read(self, &body, dialect);
            }
            Err(error) => self.breach(format!("status 200 with a body that is no JSON: {error}")),
        }
    }

    fn stream(&mut self, heard: &Heard, dialect: Dialect) {
        let mut reader = match dialect {
            Dialect::Chat => Reader::Chat(chunks::Reader::default()),
            Dialect::Messages => Reader::Messages(events::Reader::default()),
        };
        for event in &heard.events {
            if self.done {
                self.breach(format!("an event after the last one: {}", event.data));
                return;
            }
            if self.error.is_some() {
                self.breach(format!("the stream went on after an error: {}", event.data));
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
            if error::is_event(&event.name, &data, dialect) {
                self.error = Some(short(&data.to_string()));
                continue;
            }
            match &mut reader {
                Reader::Chat(reader) => reader.take(self, &event.name, &data),
                Reader::Messages(reader) => reader.take(self, &event.name, &data),
            }
            if self.began.is_none() && self.has_begun() {
                self.began = Some(event.at);
            }
        }
    }

    fn has_begun(&self) -> bool {
        self.has_said() || self.finish.is_some()
    }

    fn has_said(&self) -> bool {
        !(self.text.is_empty() && self.thoughts.is_empty() && self.calls.is_empty())
    }
}

/// What has to be remembered of a stream from event to event.
enum Reader {
    Chat(chunks::Reader),
    Messages(events::Reader),
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
