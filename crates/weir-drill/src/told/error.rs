//! Errors as the official clients know them: anything else, however sad it reads, tells their callers nothing.
//!
//! OpenAI's look for `error` in whatever comes. Anthropic's skip every event whose name they do not know, so
//! an error without `event: error` is a stream that just ends.

use serde_json::Value;

use crate::scenario::Dialect;

/// Whether this body says, in the dialect's own form, that there was an error and which.
pub(super) fn is_explicit(body: &Value, dialect: Dialect) -> bool {
    let error = &body["error"];
    let says = |field: &str| error[field].as_str().is_some_and(|text| !text.is_empty());
    match dialect {
        Dialect::Chat => body["type"] != "error" && says("message"),
        Dialect::Messages => body["type"] == "error" && says("type") && says("message"),
    }
}

/// Whether this event of a stream is one.
pub(super) fn is_event(name: &str, data: &Value, dialect: Dialect) -> bool {
    let raised = match dialect {
        Dialect::Chat => name.is_empty() || name == "error",
        Dialect::Messages => name == "error",
    };
    raised && is_explicit(data, dialect)
}
