//! Chat completions, and the legacy completions that share their shape: choices, a finish reason, usage, `[DONE]`.
//!
//! DeepSeek's extensions pass: `reasoning_content` is progress, `insufficient_system_resource` is a broken answer.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Dialect, Failure, Finish, Operation};

use super::{Care, Format, Phase, Reading, Whole, garbled, no_answer, no_end, openai_usage, parse};
use crate::classify::in_band;
use crate::delta;
use crate::gate::{DELTA, ERROR, FINISH_REASON, TEXT, TOOL_CALLS, USAGE, looks_like_object};
use crate::stream::ends;

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
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<HashMap<&'a str, &'a RawValue>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    finish_reason: Option<String>,
}

impl Choice<'_> {
    /// Which one it is. Whoever does not say means the first.
    fn index(&self) -> usize {
        self.index.and_then(|index| index.get().parse().ok()).unwrap_or(0)
    }

    /// How it ended, if it did.
    fn finish(&self) -> Result<Option<Finish>, Failure> {
        match self.finish_reason.as_deref() {
            None => Ok(None),
            Some("length") => Ok(Some(Finish::Length)),
            Some("content_filter") => Ok(Some(Finish::Filtered)),
            // DeepSeek broke off for want of resources; other clients report `aborted` and `error` for the same.
            Some(reason @ ("insufficient_system_resource" | "aborted" | "error")) => Err(Failure::new(
                Class::Truncated,
                format!("the service broke off with finish_reason `{reason}`"),
            )),
            Some(_) => Ok(Some(Finish::Whole)),
        }
    }

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

impl Choices {
    /// Whether there is a piece of the answer in it, whole or not.
    fn holds_a_piece(&self, data: &[u8]) -> bool {
        if self.0 == Operation::Completions { TEXT.is_named_in(data) } else { DELTA.is_named_in(data) }
    }

    /// What a piece of the answer says at a glance; `None` when there is no piece in the event. Only a delta that says more
    /// than text is searched any further.
    fn glance(&self, data: &[u8]) -> Option<Reading> {
        let usual = match self.0 {
            Operation::Completions => delta::texts(data).next()?,
            _ => delta::deltas(data, &delta::CHAT).next()?,
        };
        let (phase, text) = match usual {
            Some(usual) if usual.text.is_empty() => (None, None),
            Some(usual) => (Some(usual.kind.into()), usual.said()),
            None => (TOOL_CALLS.is_in(data, b"[").then_some(Phase::Tool), None),
        };
        Some(Reading { progress: true, phase, text, ..Reading::default() })
    }
}

impl Format for Choices {
    fn operation(&self) -> Operation {
        self.0
    }

    fn read_event(&self, _name: &[u8], data: &[u8], care: Care) -> Result<Reading, Failure> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Reading { last: true, ..Reading::default() });
        }
        if !looks_like_object(data) {
            return garbled(self.holds_a_piece(data));
        }
        let acted_on = !care.begun
            || (care.several && !is_first_alone(data))
            || FINISH_REASON.is_in(data, b"\"")
            || USAGE.is_in(data, b"{")
            || ERROR.is_in(data, b"{\"");
        // What holds no piece of the answer is rare, and may be an object in nothing but its braces.
        let glance = self.glance(data);
        match glance {
            Some(reading) if !acted_on => return Ok(reading),
            _ => {}
        }
        let Some(written) = parse::<Written<'_>>(data) else {
            return garbled(self.holds_a_piece(data));
        };
        if let Some(error) = written.error {
            return Err(in_band(Dialect::OpenAi, error.get()));
        }
        let choices = written.choices.unwrap_or_default();
        Ok(Reading {
            drop: false,
            progress: choices.iter().any(Choice::says_something),
            finish: None,
            choices: ends_of(&choices)?,
            usage_only: choices.is_empty() && written.usage.is_some(),
            usage: written.usage.and_then(openai_usage::read),
            last: false,
            phase: glance.and_then(|reading| reading.phase),
            text: None,
        })
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        let Some(written) = parse::<Written<'_>>(body) else {
            return Err(no_answer("a JSON answer", body));
        };
        if let Some(error) = written.error {
            return Err(in_band(Dialect::OpenAi, error.get()));
        }
        let Some(choices) = written.choices else {
            return Err(no_answer("choices", body));
        };
        let ends: Option<Vec<Finish>> = ends_of(&choices)?.into_iter().map(|(_, finish)| finish).collect();
        let Some(finish) = ends.and_then(|ends| ends.into_iter().reduce(ends::worse)) else {
            return Err(no_end("a finish_reason for each choice"));
        };
        Ok(Whole { finish: Some(finish), usage: written.usage.and_then(openai_usage::read) })
    }

    fn closing(&self) -> &'static [u8] {
        b"data: [DONE]\n\n"
    }

    fn strips_id_and_retry(&self) -> bool {
        true
    }
}

/// Each choice, and how it ended.
///
/// # Errors
/// One of them broke off, and the answer with it.
fn ends_of(choices: &[Choice<'_>]) -> Result<Vec<(usize, Option<Finish>)>, Failure> {
    choices.iter().map(|choice| Ok((choice.index(), choice.finish()?))).collect()
}

/// Whether all that is said is said of the first choice, seen without a parse: its index stands right before its delta.
fn is_first_alone(data: &[u8]) -> bool {
    let mut deltas = DELTA.places(data).peekable();
    deltas.peek().is_some() && deltas.all(|at| FIRST.iter().any(|first| data[..at].ends_with(first)))
}

/// How the first choice is named before its delta, as everybody writes it.
const FIRST: [&[u8]; 2] = [b"\"index\":0,", b"\"index\": 0, "];
