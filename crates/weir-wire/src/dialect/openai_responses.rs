//! The Responses API: typed events that end with `response.completed`, `.incomplete` or `.failed`.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Failure, Finish, Operation};

use super::{Care, Format, Phase, Reading, Whole, garbled, no_answer, openai_usage, parse};
use crate::classify::in_band;
use crate::gate::{DELTA, looks_like_object};

pub(super) struct Responses;

#[derive(Deserialize)]
struct WrittenEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    response: Option<Response<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    status: Option<&'a str>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Format for Responses {
    fn operation(&self) -> Operation {
        Operation::Responses
    }

    fn read_event(&self, kind: &[u8], data: &[u8], _care: Care) -> Result<Reading, Failure> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Reading { last: true, ..Reading::default() });
        }
        if !looks_like_object(data) {
            return garbled(holds_a_piece(kind, data));
        }
        // The event's name repeats the type; only the few that weir acts on are parsed.
        let opening: &[&[u8]] = &[
            b"response.created",
            b"response.in_progress",
            b"response.queued",
            // Empty shells: what fills them may be minutes away.
            b"response.output_item.added",
            b"response.content_part.added",
        ];
        let ending: &[&[u8]] = &[b"response.completed", b"response.incomplete", b"response.failed", b"error"];
        if !kind.is_empty() && opening.contains(&kind) {
            return Ok(Reading::default());
        }
        if !kind.is_empty() && !ending.contains(&kind) {
            return Ok(Reading { progress: true, phase: phase_of(kind), ..Reading::default() });
        }
        let Some(written) = parse::<WrittenEvent<'_>>(data) else {
            return garbled(holds_a_piece(kind, data));
        };
        read_typed(&written, data, opening)
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        let Some(written) = parse::<Response<'_>>(body) else {
            return Err(no_answer("a JSON answer", body));
        };
        if let Some(error) = written.error {
            return Err(in_band(error.get()));
        }
        let finish = if written.status == Some("incomplete") { Finish::Length } else { Finish::Whole };
        Ok(Whole { usage: written.usage.and_then(openai_usage::read), finish: Some(finish) })
    }
}

/// Whether an event that cannot be read held a piece of the answer.
fn holds_a_piece(kind: &[u8], data: &[u8]) -> bool {
    (kind.ends_with(b".delta") && !data.is_empty()) || DELTA.is_named_in(data)
}

/// What the service is doing, by an event's name.
fn phase_of(kind: &[u8]) -> Option<Phase> {
    const PHASES: [(&[u8], Phase); 6] = [
        (b"response.output_text.", Phase::Content),
        (b"response.refusal.", Phase::Content),
        (b"response.reasoning", Phase::Reasoning),
        (b"response.function_call_arguments.", Phase::Tool),
        (b"response.custom_tool_call_input.", Phase::Tool),
        (b"response.mcp_call_arguments.", Phase::Tool),
    ];
    PHASES.iter().find(|(name, _)| kind.starts_with(name)).map(|(_, phase)| *phase)
}

fn read_typed(written: &WrittenEvent<'_>, data: &[u8], opening: &[&[u8]]) -> Result<Reading, Failure> {
    let finish = match written.kind {
        "error" => return Err(in_band(&String::from_utf8_lossy(data))),
        "response.failed" => {
            let error = written.response.as_ref().and_then(|response| response.error);
            let unsaid = || Failure::new(Class::Hard, "the service reported response.failed");
            return Err(error.map_or_else(unsaid, |error| in_band(error.get())));
        }
        "response.completed" => Finish::Whole,
        "response.incomplete" => Finish::Length,
        kind => {
            let (progress, phase) = (!opening.contains(&kind.as_bytes()), phase_of(kind.as_bytes()));
            return Ok(Reading { progress, phase, ..Reading::default() });
        }
    };
    let usage = parse::<WrittenEvent<'_>>(data)
        .and_then(|written| written.response?.usage)
        .and_then(openai_usage::read);
    Ok(Reading { progress: true, finish: Some(finish), usage, last: true, ..Reading::default() })
}
