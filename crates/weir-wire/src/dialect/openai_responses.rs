//! The Responses API: typed events that end with `response.completed`, `.incomplete` or `.failed`.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Dialect, Failure, Finish, Operation};

use super::{Care, Format, Phase, Reading, Whole, garbled, no_answer, no_end, openai_usage, parse};
use crate::classify::in_band;
use crate::gate::{DELTA, looks_like_object};

pub(super) struct Responses;

#[derive(Deserialize)]
struct WrittenEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Response<'a> {
    status: Option<&'a str>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    incomplete_details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    reason: Option<&'a str>,
}

impl Response<'_> {
    /// How an answer ended that is not complete.
    fn incomplete(&self) -> Finish {
        let details =
            self.incomplete_details.and_then(|details| parse::<Incomplete<'_>>(details.get().as_bytes()));
        match details.and_then(|details| details.reason) {
            Some("content_filter") => Finish::Filtered,
            _ => Finish::Length,
        }
    }

    /// The service gave up.
    fn failed(&self) -> Failure {
        let unsaid = || Failure::new(Class::Hard, "the service reported that the response failed");
        self.error.map_or_else(unsaid, |error| in_band(Dialect::OpenAi, error.get()))
    }
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
        let finish = match written.status {
            _ if written.error.is_some() => return Err(written.failed()),
            Some("completed") => Some(Finish::Whole),
            Some("incomplete") => Some(written.incomplete()),
            Some("queued" | "in_progress") => None,
            Some("failed") => return Err(written.failed()),
            Some(_) => return Err(no_end("completing its response")),
            None => return Err(no_answer("a status", body)),
        };
        Ok(Whole { usage: written.usage.and_then(openai_usage::read), finish })
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
        // Flat in the spec, nested with some services.
        "error" => {
            let flat = String::from_utf8_lossy(data);
            return Err(in_band(Dialect::OpenAi, written.error.map_or(&*flat, RawValue::get)));
        }
        "response.failed" => {
            let response = written.response.as_ref();
            return Err(response.map_or_else(|| Response::default().failed(), Response::failed));
        }
        "response.completed" => Finish::Whole,
        "response.incomplete" => written.response.as_ref().map_or(Finish::Length, Response::incomplete),
        kind => {
            let (progress, phase) = (!opening.contains(&kind.as_bytes()), phase_of(kind.as_bytes()));
            return Ok(Reading { progress, phase, ..Reading::default() });
        }
    };
    let usage = written.response.as_ref().and_then(|response| response.usage).and_then(openai_usage::read);
    Ok(Reading { progress: true, finish: Some(finish), usage, last: true, ..Reading::default() })
}
