//! `GET /models`, `GET /models/{id}` and token counts: small documents in the caller's shape.

use serde_json::{Value, json};

use crate::refusal::{Refusal, Shape};

/// 2026-01-01, when every model of the mock came into being.
const CREATED: u64 = 1_767_225_600;

/// The list of models.
pub(crate) fn list(models: &[String], shape: Shape) -> Vec<u8> {
    let data: Vec<Value> = models.iter().map(|id| entry(id, shape)).collect();
    match shape {
        Shape::OpenAi => json!({"object": "list", "data": data}),
        Shape::Anthropic => json!({
            "data": data, "has_more": false, "first_id": models.first(), "last_id": models.last(),
        }),
    }
    .to_string()
    .into_bytes()
}

/// One model, or 404.
pub(crate) fn one(models: &[String], id: &str, shape: Shape) -> Result<Vec<u8>, Refusal> {
    if models.iter().any(|model| model == id) {
        return Ok(entry(id, shape).to_string().into_bytes());
    }
    let message = match shape {
        Shape::OpenAi => format!("The model `{id}` does not exist or you do not have access to it."),
        Shape::Anthropic => format!("model: {id}"),
    };
    Err(Refusal::not_found("model_not_found", message))
}

/// The answer of `POST /messages/count_tokens`.
pub(crate) fn token_count(tokens: u32) -> Vec<u8> {
    json!({"input_tokens": tokens}).to_string().into_bytes()
}

fn entry(id: &str, shape: Shape) -> Value {
    match shape {
        Shape::OpenAi => json!({"id": id, "object": "model", "created": CREATED, "owned_by": "mock"}),
        Shape::Anthropic => {
            json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"})
        }
    }
}
