//! Refusals: answers that are errors, in the words and shapes of the real services.
//!
//! A refusal is written once and rendered for whoever asked: OpenAI's and DeepSeek's
//! `{"error":{message,type,param,code}}` or Anthropic's `{"type":"error","error":{type,message},request_id}`.

use http::StatusCode;
use serde_json::json;

/// Whose error shape a caller understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"error":{"message","type","param","code"}}`
    OpenAi,
    /// `{"type":"error","error":{"type","message"},"request_id"}`
    Anthropic,
}

/// A request that is not answered, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong, for people.
    pub message: String,
    /// OpenAI's `type`; Anthropic's follows from the status.
    pub kind: &'static str,
    /// OpenAI's `code`.
    pub code: &'static str,
    /// Value of a `Retry-After` header: seconds or a date.
    pub retry_after: Option<String>,
    /// Value of a `retry-after-ms` header.
    pub retry_after_ms: Option<u64>,
}

/// Cloudflare's and Anthropic's "overloaded", which the `http` crate has no name for.
pub fn overloaded() -> StatusCode {
    StatusCode::from_u16(529).expect("529 is a valid status code")
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into(), kind, code, retry_after: None, retry_after_ms: None }
    }

    /// 400: the caller's mistake.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_request_error", message)
    }

    /// 422: JSON, but not of the shape that was asked for.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request_error", "invalid_request_error", message)
    }

    /// 400 with its own code, for mistakes that gateways tell apart.
    pub fn invalid_with_code(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    /// A body that does not parse: 400 if it is no JSON, 422 if it is JSON of another shape.
    pub fn unparsable(error: &serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::unprocessable(format!(
                "Failed to deserialize the JSON body into the target type: {error}"
            )),
            _ => Self::invalid(format!("Failed to parse the request body as JSON: {error}")),
        }
    }

    /// 401.
    pub fn unauthenticated() -> Self {
        let message = "Authentication Fails, Your api key is invalid";
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_request_error", message)
    }

    /// 402, as DeepSeek says it.
    pub fn insufficient_balance() -> Self {
        Self::new(
            StatusCode::PAYMENT_REQUIRED,
            "unknown_error",
            "invalid_request_error",
            "Insufficient Balance",
        )
    }

    /// 429 that no retry helps, as OpenAI says it.
    pub fn insufficient_quota() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", "insufficient_quota", message)
    }

    /// 404 for a path or a model that is not there.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", code, message)
    }

    /// 405.
    pub fn wrong_method(allowed: &str) -> Self {
        let message = format!("Not allowed here: use {allowed}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_supported", message)
    }

    /// 413.
    pub fn too_large(bytes_max: usize) -> Self {
        let message = format!("Request body exceeds {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", "request_too_large", message)
    }

    /// 429 for requests that come too fast or too many at once.
    pub fn rate_limited() -> Self {
        let message = "Rate limit reached: too many concurrent requests. Please pace your requests.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded", message)
    }

    /// 429: the account has as many under way as it may.
    pub fn over_account_limit() -> Self {
        Refusal { retry_after: Some("1".to_owned()), ..Self::rate_limited() }
    }

    /// The service is full: 503, or 529 for callers who speak Anthropic's dialect.
    pub fn busy(shape: Shape) -> Self {
        let status = match shape {
            Shape::OpenAi => StatusCode::SERVICE_UNAVAILABLE,
            Shape::Anthropic => overloaded(),
        };
        Self::of_status(status)
    }

    /// What the real services say with this status.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::unauthenticated(),
            402 => Self::insufficient_balance(),
            404 => Self::not_found("not_found", "Not found"),
            422 => Self::unprocessable("Invalid parameters"),
            429 => Self::rate_limited(),
            503 | 529 => Self::new(
                status,
                "service_unavailable_error",
                "service_unavailable",
                "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
            ),
            code if code >= 500 => Self::new(status, "server_error", "server_error", "Internal Server Error"),
            _ => Self::new(status, "invalid_request_error", "invalid_request_error", "Invalid request"),
        }
    }

    /// The JSON body, in the caller's shape.
    pub fn body(&self, shape: Shape, request_id: &str) -> String {
        match shape {
            Shape::OpenAi => json!({"error": {
                "message": self.message, "type": self.kind, "param": null, "code": self.code,
            }}),
            Shape::Anthropic => json!({
                "type": "error",
                "error": {"type": self.anthropic_type(), "message": self.message},
                "request_id": request_id,
            }),
        }
        .to_string()
    }

    /// Anthropic's name for this kind of error.
    pub fn anthropic_type(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            503 | 529 => "overloaded_error",
            code if code >= 500 => "api_error",
            _ => "invalid_request_error",
        }
    }
}
