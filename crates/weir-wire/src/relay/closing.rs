//! What ends an answer in its service's stead: the service goes on, or has said how the answer ended and then
//! broke off.

use serde_json::json;

use super::request::Asked;
use super::story::Story;
use crate::json::encode;
use weir_core::Operation;

/// The mark after which nothing comes.
pub(super) const fn mark(operation: Operation) -> &'static [u8] {
    match operation {
        Operation::Messages => b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        _ => b"data: [DONE]\n\n",
    }
}

/// Why weir ends an answer.
#[derive(Clone, Copy)]
pub(super) enum Why<'a> {
    /// A stop sequence was completed that the service did not see: part of it was said by another.
    Stop(&'a str),
    /// As many tokens came as the caller asked for.
    Length,
}

/// All that is missing. The token counts are estimates, since no service has reported them for the whole answer.
pub(super) fn ended(
    asked: &Asked,
    story: &Story,
    open: Option<usize>,
    why: Why<'_>,
    completion: u64,
) -> Vec<u8> {
    let mut out = match asked.operation {
        Operation::Messages => ended_message(why, open, completion),
        operation => ended_choice(asked, operation, story, why, completion),
    };
    out.push_str(std::str::from_utf8(mark(asked.operation)).expect("marks are ASCII"));
    out.into_bytes()
}

fn ended_message(why: Why<'_>, open: Option<usize>, completion: u64) -> String {
    let stop = open.map(super::messages::block_stop).unwrap_or_default();
    let (reason, sequence) = match why {
        Why::Stop(sequence) => ("stop_sequence", Some(sequence)),
        Why::Length => ("max_tokens", None),
    };
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": sequence},
        "usage": {"output_tokens": completion},
    });
    format!("{}event: message_delta\ndata: {delta}\n\n", String::from_utf8_lossy(&stop))
}

fn ended_choice(asked: &Asked, operation: Operation, story: &Story, why: Why<'_>, completion: u64) -> String {
    let name = |wanted: &str| {
        let known = story.names.iter().find(|(name, _)| *name == wanted);
        known.map(|(name, value)| format!("{}:{value},", encode(name))).unwrap_or_default()
    };
    let (object, said) = match operation {
        Operation::Completions => ("text_completion", "\"text\":\"\",\"logprobs\":null"),
        _ => ("chat.completion.chunk", "\"delta\":{}"),
    };
    let event = |rest: String| {
        let (id, created, model) = (name("id"), name("created"), name("model"));
        format!("data: {{{id}\"object\":\"{object}\",{created}{model}{rest}}}\n\n")
    };
    let reason = match why {
        Why::Stop(_) => "stop",
        Why::Length => "length",
    };
    let mut out = event(format!("\"choices\":[{{\"index\":0,{said},\"finish_reason\":\"{reason}\"}}]"));
    if asked.envelope.wants_usage {
        let prompt = asked.envelope.body.len() as u64 / 4;
        let usage = json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        });
        out.push_str(&event(format!("\"choices\":[],\"usage\":{usage}")));
    }
    out
}
