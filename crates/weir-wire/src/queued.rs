//! What a Responses stream says while its request waits for a turn.
//!
//! The protocol has `response.queued` for that, but the official SDKs' helpers give up on a stream that begins with
//! anything but `response.created` (openai-python `_create_initial_response`, openai-node `accumulateResponse`): so both are
//! said, about a response whose name is the request's. The service's own `response.created` follows when it begins, and
//! what is said there about name and model counts.

use bytes::Bytes;
use serde_json::json;

/// `response.created` and `response.queued`. `id`: the request's, as `req_…`; `created_at`: seconds since 1970.
pub fn responses(id: &str, model: &str, created_at: u64) -> Bytes {
    let digits = id.strip_prefix("req_").unwrap_or(id);
    let response = json!({
        "id": format!("resp_{digits}"), "object": "response", "created_at": created_at, "status": "queued",
        "model": model, "output": [], "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": null, "tool_choice": "auto", "tools": [],
        "top_p": null, "usage": null,
    });
    let event = |number: u64, name: &str| {
        let data = json!({"type": name, "sequence_number": number, "response": response});
        format!("event: {name}\ndata: {data}\n\n")
    };
    (event(0, "response.created") + &event(1, "response.queued")).into()
}
