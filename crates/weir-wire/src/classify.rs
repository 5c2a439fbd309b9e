//! From what a service said to what kind of failure it was. One table, one file.
//!
//! Rules from the providers' own pages and from sources read (research: classes of failure): overload is not a fault,
//! a used-up quota is not overload although both may be 429, and a content filter's word is an answer.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use weir_core::{Class, Dialect, Failure, Reply};

/// Whether a service refused a request because it was given the beginning of the answer. To be asked only of attempts
/// that were: the words are the services' own, and some of them could be about a caller's message.
pub fn refuses_prefill(failure: &Failure) -> bool {
    const CODES: [&str; 2] = ["invalid_prefill", "prefill_not_supported"];
    const WORDS: [&str; 9] = [
        // Anthropic from 4.6 on: "This model does not support assistant message prefill. The conversation must end
        // with a user message."
        "assistant message prefill",
        "must end with a user message",
        // Anthropic and llama.cpp, when the model is to think.
        "prefill is incompatible",
        "prefill is not supported",
        "prefill is not allowed",
        // DeepSeek outside of its beta path.
        "prefix is only available",
        // vLLM and SGLang, about their own members; OpenAI's, who does not know them.
        "continue_final_message",
        "add_generation_prompt",
        // Mistral: "Expected last role User or Tool (or Assistant with prefix True) for serving".
        "assistant with prefix",
    ];
    let Some(reply) = failure.reply.as_ref().filter(|reply| matches!(reply.status.as_u16(), 400 | 422))
    else {
        return false;
    };
    let said = Said::read(&reply.body);
    // Some services wrap their words in shapes of their own (a list under `detail`): then the whole reply is searched.
    let message = match said.message.as_str() {
        "" => String::from_utf8_lossy(&reply.body).to_lowercase(),
        message => message.to_lowercase(),
    };
    CODES.iter().any(|code| said.codes.contains(code)) || WORDS.iter().any(|word| message.contains(word))
}

/// How much of an error body is read and kept.
pub const REPLY_BYTES_MAX: usize = 64 << 10;

/// The parts of an error object that services fill, in any of their shapes.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// `type` and `code` and nested `error_code`, lower case, joined by spaces.
    codes: String,
    status: Option<u16>,
}

/// Classifies an error answer.
pub fn reply(status: StatusCode, headers: &HeaderMap, body: Bytes, wall: SystemTime) -> Failure {
    let said = Said::read(&body);
    let class = class_of(status.as_u16(), &said);
    let message = match said.message.as_str() {
        "" => format!("the service answered {status}"),
        words => format!("the service answered {status}: {words}"),
    };
    let content_type = headers.get(http::header::CONTENT_TYPE).cloned();
    let retry_after = retry_after(headers, wall);
    Failure {
        class,
        message,
        retry_after,
        reply: Some(Box::new(Reply { status, content_type, body })),
        sent: true,
    }
}

/// Classifies an error that came inside a 200: the error object as JSON. What the service says of the caller's own mistake
/// becomes a reply in its dialect, for as long as nothing else was said a caller is told so.
pub fn in_band(dialect: Dialect, error: &str) -> Failure {
    let said = Said::read(error.as_bytes());
    let class = match class_of(said.status.unwrap_or(500), &said) {
        Class::Client if said.status.is_none() => Class::Hard,
        class => class,
    };
    let message = format!("the service reported an error in its answer: {}", said.message);
    let reply = class.is_the_callers().then(|| Box::new(as_reply(dialect, error, &said)));
    Failure { reply, ..Failure::new(class, message) }
}

/// An error in an answer as the error answer it should have been.
fn as_reply(dialect: Dialect, error: &str, said: &Said) -> Reply {
    let words = || serde_json::json!({"message": said.message}).to_string();
    let object = if error.trim_start().starts_with('{') { error.to_owned() } else { words() };
    let body = match dialect {
        Dialect::OpenAi => format!("{{\"error\":{object}}}"),
        Dialect::Anthropic => format!("{{\"type\":\"error\",\"error\":{object}}}"),
    };
    let status = said.status.and_then(|status| StatusCode::from_u16(status).ok());
    let is_error = |status: &StatusCode| status.is_client_error() || status.is_server_error();
    let status = status.filter(is_error).unwrap_or(StatusCode::BAD_REQUEST);
    Reply { status, content_type: None, body: body.into() }
}

fn class_of(status: u16, said: &Said) -> Class {
    let codes = |words: &[&str]| words.iter().any(|word| said.codes.contains(word));
    let message = said.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if status == 402
        || codes(&["insufficient_quota", "credit_balance", "spend_limit", "usage_limit_exceeded", "billing"])
    {
        return Class::Quota;
    }
    if codes(&["context_length", "exceed_context_size"])
        || says(&["maximum context length", "context window"])
    {
        return Class::ContextLength;
    }
    if codes(&["content_filter", "content_policy", "data_inspection_failed"])
        || says(&["content exists risk"])
    {
        return Class::ContentFilter;
    }
    if codes(&[
        "overloaded",
        "slow_down",
        "rate_limit",
        "server_busy",
        "service_unavailable",
        "resource_exhausted",
    ]) {
        return Class::Overload;
    }
    match status {
        401 | 403 => Class::Auth,
        409 | 429 | 503 | 529 => Class::Overload,
        408 => Class::Hard,
        400..=499 => Class::Client,
        _ => Class::Hard,
    }
}

impl Said {
    /// Reads `{"error":{…}}`, `{"type":"error","error":{…}}`, `{"error":"words"}`, `{…}` or `"words"` itself, or nothing.
    fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Outer {
            error: Option<serde_json::Value>,
        }
        let body = &body[..body.len().min(REPLY_BYTES_MAX)];
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
            return Self::default();
        };
        if let serde_json::Value::String(message) = value {
            return Self { message, ..Self::default() };
        }
        let inner = serde_json::from_value::<Outer>(value.clone()).ok().and_then(|outer| outer.error);
        match inner {
            Some(serde_json::Value::String(message)) => Self { message, ..Self::default() },
            Some(object @ serde_json::Value::Object(_)) => Self::of_object(&object),
            _ => Self::of_object(&value),
        }
    }

    fn of_object(object: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.to_lowercase(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let codes = [&object["type"], &object["code"], &object["details"]["error_code"]].map(text).join(" ");
        let status = [&object["code"], &object["status"]].iter().find_map(|value| value.as_u64());
        Self {
            message: object["message"].as_str().unwrap_or_default().to_owned(),
            codes,
            status: status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 400),
        }
    }
}

/// The longest wait a service is believed to mean.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// How long a service asks to wait, an hour at most: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date.
pub fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    asked_wait(headers, wall).map(|wait| wait.min(RETRY_AFTER_MAX))
}

fn asked_wait(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1e3).ok();
    }
    let value = text("retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(wall).unwrap_or(Duration::ZERO))
}
