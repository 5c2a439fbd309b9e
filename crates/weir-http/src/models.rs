//! The list of models, in either family's shape.

use serde_json::{Value, json};
use weir_core::{Dialect, Rejection};
use weir_pipeline::Models;

/// A fixed date: weir does not know when a model was made, and clients only need the field to be there.
const CREATED: u64 = 1_700_000_000;
const CREATED_AT: &str = "2023-11-14T22:13:20Z";

/// All models.
pub(crate) fn list(models: &Models, dialect: Dialect) -> Value {
    let data: Vec<_> = models.names().iter().map(|name| entry(name, dialect)).collect();
    match dialect {
        Dialect::OpenAi => json!({"object": "list", "data": data}),
        Dialect::Anthropic => json!({
            "data": data, "has_more": false, "first_id": models.names().first(), "last_id": models.names().last(),
        }),
    }
}

/// One model.
///
/// # Errors
/// No pool has it.
pub(crate) fn one(models: &Models, dialect: Dialect, name: &str) -> Result<Value, Rejection> {
    let known = models.names().iter().any(|known| known == name);
    if known { Ok(entry(name, dialect)) } else { Err(models.unknown(name)) }
}

fn entry(name: &str, dialect: Dialect) -> Value {
    match dialect {
        Dialect::OpenAi => json!({"id": name, "object": "model", "created": CREATED, "owned_by": "weir"}),
        Dialect::Anthropic => {
            json!({"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT})
        }
    }
}
