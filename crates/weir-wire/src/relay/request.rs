//! What the caller asked for, as far as continuing its answer depends on it, and the request for the next
//! attempt.
//!
//! What always holds: members that weir does not act on survive byte for byte; nothing of the body is parsed
//! before a stream has broken, but for the few short members that decide what is held back.

use bytes::Bytes;
use serde::Deserialize;
use weir_core::{Envelope, Operation, Prefill, Rung};

use super::Delivered;
use super::seam::tail;
use super::story::Story;
use crate::delta::Kind;
use crate::envelope;
use crate::json::{Object, decode, elements, encode, inside};

/// What was asked.
pub(super) struct Asked {
    pub(super) operation: Operation,
    pub(super) envelope: Envelope,
    /// More answers than one: none is continued.
    pub(super) many: bool,
    /// An answer of a given shape.
    pub(super) structured: bool,
}

/// The next attempt's request, and what of the answer it was given: nothing, or the beginning that it
/// continues.
pub(super) struct Next {
    pub(super) envelope: Envelope,
    pub(super) sent: Option<String>,
}

impl Asked {
    pub(super) fn new(operation: Operation, envelope: &Envelope) -> Self {
        let above_one = |name| number(envelope, name).is_some_and(|count| count > 1);
        let shaped = |name| envelope.get(name).is_some_and(is_shaped);
        let structured = match operation {
            Operation::Messages => {
                shaped("output_format")
                    || text(envelope, "output_config")
                        .and_then(Object::read)
                        .is_some_and(|config| config.get("format").is_some_and(|format| format != "null"))
            }
            _ => shaped("response_format"),
        };
        Self {
            operation,
            envelope: envelope.clone(),
            many: envelope::choices(operation, envelope) != Some(1) || above_one("best_of"),
            structured,
        }
    }

    /// The caller's stop sequences.
    pub(super) fn stops(&self) -> Vec<String> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stops {
            One(String),
            Several(Vec<String>),
        }
        let name = if self.operation == Operation::Messages { "stop_sequences" } else { "stop" };
        let written = text(&self.envelope, name).and_then(|stops| serde_json::from_str(stops).ok());
        match written {
            Some(Stops::One(stop)) => vec![stop],
            Some(Stops::Several(stops)) => stops,
            None => Vec::new(),
        }
    }

    /// Whether the rung can be used for what was delivered, which is so many tokens.
    pub(super) fn can(&self, story: &Story, tokens: u64, rung: Rung) -> bool {
        match (rung, story.delivered()) {
            (Rung::Fresh | Rung::Replay, Delivered::Nothing) => true,
            (Rung::Replay, Delivered::Reasoning) => true,
            (Rung::Replay, Delivered::Content) => true,
            (Rung::Prefill(_) | Rung::Instructed, Delivered::Content) => {
                self.next(story, tokens, rung, &self.envelope).is_some()
            }
            _ => false,
        }
    }

    /// The next attempt's request; `None` when there is none on this rung. `envelope` is the request as it
    /// would be sent for the first time.
    pub(super) fn next(&self, story: &Story, tokens: u64, rung: Rung, envelope: &Envelope) -> Option<Next> {
        if matches!(rung, Rung::Fresh | Rung::Replay) {
            return Some(Next { envelope: envelope.clone(), sent: None });
        }
        // Nobody resumes a grammar in the middle; and an answer in several blocks has no single end to go on
        // from.
        if self.structured || !self.is_one_text(story) {
            return None;
        }
        let delivered = story.text(Kind::Content);
        let reasoning = story.text(Kind::Reasoning);
        let begun = delivered.trim_end();
        if begun.is_empty() {
            return None;
        }
        let (mut edits, sent) = match rung {
            Rung::Prefill(style) => self.prefilled(envelope, style, begun, &reasoning)?,
            _ => (vec![self.instructed(envelope, &delivered)?], None),
        };
        for (name, limit) in limits(envelope) {
            let left = limit.checked_sub(tokens).filter(|left| *left > 0)?;
            edits.push((name, left.to_string()));
        }
        let edits: Vec<_> = edits.iter().map(|(name, value)| (*name, Some(value.as_bytes()))).collect();
        let body: Bytes = envelope.edited(&edits);
        let (_, envelope) = envelope::read(self.operation, body).ok()?;
        Some(Next { envelope, sent: sent.or_else(|| Some(begun.to_owned())) })
    }

    /// Whether so many tokens are all that the caller asked for: there is nothing to go on with.
    pub(super) fn is_used_up(&self, tokens: u64) -> bool {
        limits(&self.envelope).any(|(_, limit)| tokens >= limit)
    }

    fn is_one_text(&self, story: &Story) -> bool {
        let texts = story.blocks.iter().filter(|block| block.kind == Kind::Content && !block.is_empty());
        texts.count() == 1
    }

    /// The request with the begun answer at its end, and all that a service may say again of it.
    fn prefilled(
        &self,
        envelope: &Envelope,
        style: Prefill,
        begun: &str,
        reasoning: &str,
    ) -> Option<(Edits, Option<String>)> {
        if self.operation == Operation::Completions {
            let echoes = envelope.get("echo").is_some_and(|echo| echo == b"true");
            let prompt = text(envelope, "prompt").and_then(inside).filter(|_| !echoes)?;
            let prompt = decode(prompt.as_bytes()) + begun;
            return Some((vec![("prompt", encode(&prompt))], None));
        }
        let thinks = |thinking: &str| !matches!(kind_of(thinking), Some("disabled")) && thinking != "null";
        let thinking = text(envelope, "thinking").is_some_and(thinks);
        let possible = match (self.operation, style) {
            (Operation::Messages, _) => reasoning.is_empty() && !thinking,
            // Qwen: "thinking mode off".
            (_, Prefill::Partial) => reasoning.is_empty(),
            _ => true,
        };
        if !possible {
            return None;
        }
        let marks: &[(&str, String)] = match style {
            Prefill::Prefix if reasoning.is_empty() => &[("prefix", "true".to_owned())],
            Prefill::Prefix => &[("prefix", "true".to_owned()), ("reasoning_content", encode(reasoning))],
            Prefill::Partial => &[("partial", "true".to_owned())],
            Prefill::ContinueFinalMessage | Prefill::Trailing => &[],
        };
        let (messages, sent) = with_answer(text(envelope, "messages")?, begun, marks, None)?;
        let mut edits = vec![("messages", messages)];
        if style == Prefill::ContinueFinalMessage {
            edits.push(("continue_final_message", "true".to_owned()));
            edits.push(("add_generation_prompt", "false".to_owned()));
        }
        Some((edits, Some(sent)))
    }

    /// The messages with the begun answer and a turn that asks to go on.
    fn instructed(&self, envelope: &Envelope, delivered: &str) -> Option<(&'static str, String)> {
        if self.operation == Operation::Completions {
            return None;
        }
        let ask = format!(
            "Your answer was cut off. Continue it exactly where it stopped, in the same language and form. \
             Repeat nothing, comment on nothing: write only what comes next. It ended with:\n{}",
            tail(delivered)
        );
        let (messages, _) = with_answer(text(envelope, "messages")?, delivered, &[], Some(&ask))?;
        Some(("messages", messages))
    }
}

type Edits = Vec<(&'static str, String)>;

/// The messages with `answer` at the end of the last assistant message (added if the caller did not begin
/// one), with `marks` on it, and a turn after it. Also gives that message's whole text.
fn with_answer(
    messages: &str,
    answer: &str,
    marks: &[(&str, String)],
    turn: Option<&str>,
) -> Option<(String, String)> {
    let mut messages: Vec<String> = elements(messages)?.iter().map(|raw| raw.get().to_owned()).collect();
    let last = messages.last().cloned();
    let mut begun = last.as_deref().and_then(Object::read);
    if begun.as_ref().and_then(|message| inside(message.get("role")?)) != Some("assistant") {
        begun = None;
    }
    let text = match &begun {
        None => answer.to_owned(),
        Some(own) => decode(own.get("content").and_then(inside)?.as_bytes()) + answer,
    };
    let mut message = match &mut begun {
        None => format!("{{\"role\":\"assistant\",\"content\":{}}}", encode(&text)),
        Some(own) => {
            messages.pop();
            own.remove(|name| marks.iter().any(|(mark, _)| *mark == name));
            own.replace("content", encode(&text));
            own.write()
        }
    };
    for (name, value) in marks {
        message.truncate(message.len() - 1);
        message.push_str(&format!(",\"{name}\":{value}}}"));
    }
    messages.push(message);
    if let Some(turn) = turn {
        messages.push(format!("{{\"role\":\"user\",\"content\":{}}}", encode(turn)));
    }
    Some((format!("[{}]", messages.join(",")), text))
}

fn text<'a>(envelope: &'a Envelope, name: &str) -> Option<&'a str> {
    std::str::from_utf8(envelope.get(name)?).ok()
}

/// The caller's limits of tokens. One that is no number (`"100"`, as some services take it) is the service's to read, and
/// holds for each attempt by itself.
fn limits(envelope: &Envelope) -> impl Iterator<Item = (&'static str, u64)> + '_ {
    ["max_tokens", "max_completion_tokens"]
        .into_iter()
        .filter_map(|name| Some((name, number(envelope, name)?)))
}

fn number(envelope: &Envelope, name: &str) -> Option<u64> {
    text(envelope, name)?.parse().ok()
}

/// Whether a format asks for anything but plain text.
fn is_shaped(format: &[u8]) -> bool {
    let format = String::from_utf8_lossy(format);
    format != "null" && kind_of(&format) != Some("text")
}

/// The `type` of an object.
fn kind_of(object: &str) -> Option<&str> {
    Object::read(object)?.get("type").and_then(inside)
}
