//! Values for JSON schemas: the arguments of tool calls and the bodies of structured answers.
//!
//! The smallest value that a strict reader of the schema accepts; the same schema gives the same value.

use serde_json::{Map, Value, json};

/// How deep a schema is followed before `null` ends it, so that recursive schemas end.
const DEPTH_MAX: u32 = 12;

/// A value that fits `schema`; an empty object when there is no schema to speak of.
pub fn example(schema: &Value) -> Value {
    match schema.as_object() {
        Some(object) if !object.is_empty() => Reader { root: schema }.value(schema, "value", DEPTH_MAX),
        _ => json!({}),
    }
}

struct Reader<'schema> {
    root: &'schema Value,
}

impl Reader<'_> {
    fn value(&self, schema: &Value, name: &str, depth: u32) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        if let Some(target) = schema["$ref"].as_str() {
            let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return found.map_or(Value::Null, |found| self.value(found, name, depth - 1));
        }
        if let Some(given) = given(schema) {
            return given;
        }
        for union in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema[union].as_array().and_then(|choices| choices.first()) {
                return self.value(first, name, depth - 1);
            }
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => json!(integer(schema)),
            "number" => json!(integer(schema) as f64 + if schema["maximum"].is_null() { 0.5 } else { 0.0 }),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(string(schema, name)),
        }
    }

    fn object(&self, schema: &Value, depth: u32) -> Value {
        let mut object = Map::new();
        let properties = schema["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            object.insert(name.clone(), self.value(property, name, depth - 1));
        }
        Value::Object(object)
    }

    fn array(&self, schema: &Value, name: &str, depth: u32) -> Value {
        let count = schema["minItems"].as_u64().unwrap_or(1).min(16);
        let item = self.value(&schema["items"], name, depth - 1);
        Value::Array(vec![item; count as usize])
    }
}

/// What the schema itself says the value is.
fn given(schema: &Value) -> Option<Value> {
    let first_of = |list: &Value| list.as_array().and_then(|items| items.first()).cloned();
    let named = schema.get("const").or_else(|| schema.get("default")).cloned();
    named.or_else(|| first_of(&schema["enum"])).or_else(|| first_of(&schema["examples"]))
}

fn kind(schema: &Value) -> &str {
    let declared = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|&kind| kind != "null"),
        kind => kind.as_str(),
    };
    let implied = if schema["properties"].is_object() { "object" } else { "string" };
    declared.unwrap_or(implied)
}

fn integer(schema: &Value) -> i64 {
    let above = |exclusive: i64| exclusive + 1;
    let low = schema["minimum"].as_i64().or_else(|| schema["exclusiveMinimum"].as_i64().map(above));
    let high =
        schema["maximum"].as_i64().or_else(|| schema["exclusiveMaximum"].as_i64().map(|most| most - 1));
    low.or(high.map(|most| most.min(3))).unwrap_or(3)
}

fn string(schema: &Value, name: &str) -> String {
    let text = match schema["format"].as_str() {
        Some("date") => "2026-11-22".to_owned(),
        Some("date-time") => "2026-11-22T14:00:00Z".to_owned(),
        Some("time") => "14:00:00Z".to_owned(),
        Some("email") => "alice@example.com".to_owned(),
        Some("uri" | "url") => "https://example.com/".to_owned(),
        Some("uuid") => "6f1e2f60-6a3b-4f0e-9b57-2f3f3c1d9a10".to_owned(),
        _ => format!("the {}", name.replace('_', " ")),
    };
    let least = schema["minLength"].as_u64().unwrap_or(0).min(1_000) as usize;
    let most = schema["maxLength"].as_u64().map_or(usize::MAX, |most| most as usize);
    text.chars().chain(std::iter::repeat('x')).take(text.chars().count().max(least).min(most)).collect()
}

#[cfg(test)]
mod tests;
