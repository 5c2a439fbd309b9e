//! What ends an answer in its service's stead: the service goes on, or has said how the answer ended and then
//! broke off.

use serde_json::json;

use super::attempt::Attempt;
use super::join::Join;
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

/// All that is missing when a stop sequence was completed that the service did not see: part of it was said
/// by another. The token counts are estimates, since the service has not reported yet.
pub(super) fn stopped(asked: &Asked, story: &Story, attempt: &Attempt) -> Vec<u8> {
    let join = &attempt.join;
    let completion = story.parts;
    let mut out = match asked.operation {
        Operation::Messages => stopped_message(join, attempt.open(), completion),
        operation => stopped_choice(asked, operation, join, completion),
    };
    out.push_str(std::str::from_utf8(mark(asked.operation)).expect("marks are ASCII"));
    out.into_bytes()
}

fn stopped_message(join: &Join, open: Option<usize>, completion: u64) -> String {
    let stop = open.map(super::messages::block_stop).unwrap_or_default();
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": join.stopped_by},
        "usage": {"output_tokens": completion},
    });
    format!("{}event: message_delta\ndata: {delta}\n\n", String::from_utf8_lossy(&stop))
}

fn stopped_choice(asked: &Asked, operation: Operation, join: &Join, completion: u64) -> String {
    let name = |wanted: &str| {
        let known = join.names.iter().find(|(name, _)| *name == wanted);
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
    let mut out = event(format!("\"choices\":[{{\"index\":0,{said},\"finish_reason\":\"stop\"}}]"));
    if asked.envelope.wants_usage {
        let prompt = asked.envelope.body.len() as u64 / 4;
        let usage = json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        });
        out.push_str(&event(format!("\"choices\":[],\"usage\":{usage}")));
    }
    out
}
