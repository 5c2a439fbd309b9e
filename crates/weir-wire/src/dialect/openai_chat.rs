//! Chat completions, and the legacy completions that share their shape: choices, a finish reason, usage, `[DONE]`.
//!
//! DeepSeek's extensions pass: `reasoning_content` is progress, `insufficient_system_resource` is a broken answer.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Failure, Finish, Operation};

use super::{Format, Phase, Reading, Whole, no_answer, openai_usage, parse};
use crate::classify::in_band;
use crate::gate::{ERROR, FINISH_REASON, REASONING, TOOL_CALLS, USAGE, looks_like_object};
use crate::sse::Event;

/// `POST /v1/chat/completions`.
pub(super) static CHAT: Choices = Choices(Operation::Chat);
/// `POST /v1/completions`.
pub(super) static LEGACY: Choices = Choices(Operation::Completions);

/// A format whose answers are choices.
pub(super) struct Choices(Operation);

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<HashMap<&'a str, &'a RawValue>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    finish_reason: Option<String>,
}

impl Choice<'_> {
    /// Whether there is anything in it but a role. An unknown field counts: a new kind of content is still content.
    fn says_something(&self) -> bool {
        let filled = |value: &RawValue| !matches!(value.get(), "null" | "\"\"" | "[]" | "{}");
        let delta = self
            .delta
            .as_ref()
            .is_some_and(|delta| delta.iter().any(|(&name, value)| name != "role" && filled(value)));
        delta || self.text.is_some_and(filled) || self.finish_reason.is_some()
    }
}

impl Format for Choices {
    fn operation(&self) -> Operation {
        self.0
    }

    fn read_event(&self, block: &[u8], event: &Event, begun: bool) -> Result<Reading, Failure> {
        let data = &block[event.data.clone()];
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Reading { last: true, ..Reading::default() });
        }
        if !looks_like_object(data) {
            return Ok(Reading { drop: true, ..Reading::default() });
        }
        let acted_on = !begun
            || FINISH_REASON.is_in(data, b"\"")
            || USAGE.is_in(data, b"{")
            || ERROR.is_in(data, b"{\"");
        if !acted_on {
            return Ok(Reading { progress: true, phase: Some(phase_of(data)), ..Reading::default() });
        }
        let Some(written) = parse::<Written<'_>>(data) else {
            return Ok(Reading { drop: true, ..Reading::default() });
        };
        if let Some(error) = written.error {
            return Err(in_band(error.get()));
        }
        let choices = written.choices.unwrap_or_default();
        let progress = choices.iter().any(Choice::says_something);
        Ok(Reading {
            drop: false,
            progress,
            phase: progress.then(|| phase_of(data)),
            finish: finish_of(&choices)?,
            usage_only: choices.is_empty() && written.usage.is_some(),
            usage: written.usage.and_then(openai_usage::read),
            last: false,
        })
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        let Some(written) = parse::<Written<'_>>(body) else {
            return Err(no_answer("a JSON answer", body));
        };
        if let Some(error) = written.error {
            return Err(in_band(error.get()));
        }
        let Some(choices) = written.choices else {
            return Err(no_answer("choices", body));
        };
        Ok(Whole { finish: finish_of(&choices)?, usage: written.usage.and_then(openai_usage::read) })
    }

    fn closing(&self) -> &'static [u8] {
        b"data: [DONE]\n\n"
    }

    fn strips_id_and_retry(&self) -> bool {
        true
    }
}

/// What a part of a chat answer belongs to.
fn phase_of(data: &[u8]) -> Phase {
    if TOOL_CALLS.is_in(data, b"[") {
        Phase::Tool
    } else if REASONING.is_in(data, b"\"") {
        Phase::Reasoning
    } else {
        Phase::Content
    }
}

/// The first finish reason among the choices.
fn finish_of(choices: &[Choice<'_>]) -> Result<Option<Finish>, Failure> {
    let Some(reason) = choices.iter().find_map(|choice| choice.finish_reason.as_deref()) else {
        return Ok(None);
    };
    match reason {
        "length" => Ok(Some(Finish::Length)),
        "content_filter" => Ok(Some(Finish::Filtered)),
        // DeepSeek broke off for want of resources; other clients report `aborted` and `error` for the same.
        "insufficient_system_resource" | "aborted" | "error" => Err(Failure::new(
            Class::Truncated,
            format!("the service broke off with finish_reason `{reason}`"),
        )),
        _ => Ok(Some(Finish::Whole)),
    }
}
