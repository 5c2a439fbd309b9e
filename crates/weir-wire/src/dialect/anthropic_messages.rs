//! Anthropic messages: named events from `message_start` to `message_stop`, usage in the first and the last but one.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Dialect, Failure, Finish, Operation, Usage};

use super::{Care, Format, Phase, Reading, Whole, garbled, no_answer, no_end, parse};
use crate::classify::in_band;
use crate::delta;
use crate::gate::{CONTENT_BLOCK, DELTA, looks_like_object};

pub(super) struct Messages;

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: Option<Message>,
    usage: Option<WrittenUsage>,
    delta: Option<Delta>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    stop_reason: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message {
    usage: Option<WrittenUsage>,
}

#[derive(Deserialize)]
struct Delta {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl Block<'_> {
    /// An empty block opens every answer; a tool's already says which tool.
    fn says_something(&self) -> bool {
        self.kind.ends_with("tool_use") || self.text.is_some_and(|text| text.get() != "\"\"")
    }

    /// What the service does until the block closes.
    fn phase(&self) -> Phase {
        match self.kind {
            "thinking" | "redacted_thinking" => Phase::Reasoning,
            kind if kind.ends_with("tool_use") => Phase::Tool,
            _ => Phase::Content,
        }
    }
}

#[derive(Deserialize)]
struct WrittenUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

impl From<WrittenUsage> for Usage {
    /// Anthropic's `input_tokens` leaves the cached part out; weir's prompt count has it in, as OpenAI's.
    fn from(written: WrittenUsage) -> Self {
        let cached = written.cache_read_input_tokens.unwrap_or(0);
        let created = written.cache_creation_input_tokens.unwrap_or(0);
        Self {
            prompt: written.input_tokens.unwrap_or(0).saturating_add(cached).saturating_add(created),
            cached,
            completion: written.output_tokens.unwrap_or(0),
            reasoning: 0,
        }
    }
}

impl Format for Messages {
    fn operation(&self) -> Operation {
        Operation::Messages
    }

    fn read_event(&self, name: &[u8], data: &[u8], _care: Care) -> Result<Reading, Failure> {
        if !looks_like_object(data) {
            return garbled(holds_a_piece(name, data));
        }
        match name {
            b"content_block_delta" => {
                let usual = delta::deltas(data, &delta::MESSAGES).next().flatten();
                let text = usual.and_then(|usual| usual.said());
                return Ok(Reading { progress: true, text, ..Reading::default() });
            }
            b"ping" | b"content_block_stop" => return Ok(Reading::default()),
            _ => {}
        }
        let Some(written) = parse::<Written<'_>>(data) else {
            return garbled(holds_a_piece(name, data));
        };
        let mut reading = Reading::default();
        match written.kind {
            "error" => {
                return Err(in_band(Dialect::Anthropic, written.error.map_or("{}", RawValue::get)));
            }
            "message_start" => {
                reading.usage = written.message.and_then(|message| message.usage).map(Usage::from);
            }
            "content_block_start" => {
                reading.progress = written.content_block.as_ref().is_some_and(Block::says_something);
                reading.phase = written.content_block.map(|block| block.phase());
            }
            "content_block_delta" => reading.progress = true,
            "message_delta" => {
                reading.progress = true;
                reading.usage = written.usage.map(Usage::from);
                reading.finish = finish_of(written.delta.and_then(|delta| delta.stop_reason).as_deref())?;
            }
            "message_stop" => reading.last = true,
            _ => {}
        }
        Ok(reading)
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        let Some(written) = parse::<Written<'_>>(body) else {
            return Err(no_answer("a JSON message", body));
        };
        match (written.kind, written.error) {
            ("message", None) => {
                let finish = finish_of(written.stop_reason.as_deref())?;
                let finish = Some(finish.ok_or_else(|| no_end("a stop_reason"))?);
                Ok(Whole { usage: written.usage.map(Usage::from), finish })
            }
            (_, Some(error)) => Err(in_band(Dialect::Anthropic, error.get())),
            _ => Err(no_answer("a message", body)),
        }
    }

    fn closing(&self) -> &'static [u8] {
        b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    }
}

/// Whether an event that cannot be read held a piece of the answer, or what the pieces after it need: without the opening
/// of their message or block, SDKs do not know where to put them.
fn holds_a_piece(name: &[u8], data: &[u8]) -> bool {
    let named = name.starts_with(b"content_block_") || matches!(name, b"message_start" | b"message_delta");
    (named && !data.is_empty()) || [&DELTA, &CONTENT_BLOCK].iter().any(|field| field.is_named_in(data))
}

fn finish_of(stop_reason: Option<&str>) -> Result<Option<Finish>, Failure> {
    match stop_reason {
        None => Ok(None),
        Some("max_tokens" | "model_context_window_exceeded") => Ok(Some(Finish::Length)),
        Some("refusal") => Ok(Some(Finish::Filtered)),
        // DeepSeek's own word for a generation that was interrupted, in this dialect too.
        Some(reason @ "insufficient_system_resource") => {
            Err(Failure::new(Class::Truncated, format!("the service broke off with stop_reason `{reason}`")))
        }
        Some(_) => Ok(Some(Finish::Whole)),
    }
}
