//! Whether an answer is one: status 200 is not success.
//!
//! Services cut streams, end them without a reason, and put errors into them after a 200. What always holds: an
//! answer is good only if it says that it finished, so a truncation is never counted as success.

#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::record::Outcome;
use crate::sse::Event;

/// The codes by which weir says that it turned a request away. Having tried and failed is another thing.
const SHED_CODES: [&str; 3] = ["weir_overloaded", "weir_queue_timeout", "weir_draining"];

/// The judgement of one stream, event by event.
#[derive(Debug, Default)]
pub(crate) struct StreamJudge {
    has_content: bool,
    finished: bool,
    end: Option<Outcome>,
}

impl StreamJudge {
    /// Takes the next event; after the end there is nothing more to learn.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        if self.end.is_some() {
            return;
        }
        if event.data == b"[DONE]" {
            self.end = Some(if self.finished { Outcome::Good } else { Outcome::Truncated });
        } else if event.name == b"error" {
            self.end = Some(Outcome::ErrorEvent);
        } else {
            self.chunk(event.data);
        }
    }

    fn chunk(&mut self, data: &[u8]) {
        let Ok(chunk) = serde_json::from_slice::<Answer>(data) else {
            self.end = Some(Outcome::Invalid);
            return;
        };
        if chunk.error.is_some() {
            self.end = Some(Outcome::ErrorEvent);
        }
        for choice in chunk.choices {
            self.has_content |= choice.delta.is_some_and(|delta| delta.has_content());
            self.finished |= is_finish(choice.finish_reason.as_deref());
        }
    }

    /// Whether a piece of content, reasoning or a tool call has come. Comments and empty deltas are not progress.
    pub(crate) fn has_content(&self) -> bool {
        self.has_content
    }

    /// Whether nothing that follows can change the verdict.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// The verdict, the stream having ended.
    pub(crate) fn verdict(&self) -> Outcome {
        self.end.unwrap_or(Outcome::Truncated)
    }
}

/// Whether a head of status 200 announces an event stream. A missing type is let through: the events decide.
pub(crate) fn announces_stream(headers: &HeaderMap) -> bool {
    let essence = |value: &http::HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
    };
    headers.get(CONTENT_TYPE).is_none_or(essence)
}

/// The judgement of an unstreamed answer of status 200.
pub(crate) fn judge_whole(body: &[u8]) -> Outcome {
    // Blank lines keep a connection alive while the service thinks; some services then send nothing else.
    if body.trim_ascii().is_empty() {
        return Outcome::Truncated;
    }
    match serde_json::from_slice::<Answer>(body) {
        Err(_) => Outcome::Invalid,
        Ok(answer) if answer.error.is_some() => Outcome::ErrorEvent,
        Ok(answer) if answer.choices.iter().any(|choice| is_finish(choice.finish_reason.as_deref())) => {
            Outcome::Good
        }
        Ok(_) => Outcome::Truncated,
    }
}

/// Whether weir turned the request away on purpose: an overload status, and weir's mark in the head or the body.
pub(crate) fn is_shed(status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
    let is_overload = matches!(status, 429 | 503 | 529);
    is_overload && (headers.contains_key("x-weir-level") || has_shed_code(body))
}

fn has_shed_code(body: &[u8]) -> bool {
    let Ok(Refusal { error }) = serde_json::from_slice(body) else { return false };
    error.code.is_some_and(|code| SHED_CODES.contains(&&*code))
}

fn is_finish(reason: Option<&str>) -> bool {
    matches!(reason, Some("stop" | "length" | "tool_calls"))
}

/// As much of a chat completion, or of a chunk of one, as is judged.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
}

impl Delta {
    fn has_content(&self) -> bool {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        said(&self.content)
            || said(&self.reasoning_content)
            || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    code: Option<String>,
}
