//! The JSON schema of a config file: generated from the stages' own structs, with the bounds of their values added.
//!
//! It is the single authority: the reader checks files against it, editors complete from it (docs/config.schema.json),
//! and the reference is written from it. So a field that a stage adds is known everywhere at once.

use serde_json::{Map, Value, json};

use super::Config;

/// What a number or a list may be, bounds included, by its place in the file.
struct Bound {
    at: &'static str,
    min: Option<u64>,
    max: Option<u64>,
}

const fn within(at: &'static str, min: u64, max: u64) -> Bound {
    Bound { at, min: Some(min), max: Some(max) }
}

const fn at_least(at: &'static str, min: u64) -> Bound {
    Bound { at, min: Some(min), max: None }
}

/// Times end at a day, and sizes at a tebibyte, so that no sum of them can overflow.
const DAY_S: u64 = 86_400;
const DAY_MS: u64 = DAY_S * 1000;
const TEBIBYTE_MIB: u64 = 1 << 20;
const GIBIBYTE_MIB: u64 = 1 << 10;
const COUNT_MAX: u64 = 10_000_000;

/// Zero is refused where it would mean "never works", not "off".
const BOUNDS: &[Bound] = &[
    within("server.workers", 1, 1024),
    within("server.body_mib_max", 1, 4 * GIBIBYTE_MIB),
    within("server.body_timeout_s", 1, DAY_S),
    within("server.reader_timeout_s", 1, DAY_S),
    within("server.connections_max", 1, COUNT_MAX),
    within("server.keep_alive_s", 1, DAY_S),
    within("server.drain_delay_s", 0, DAY_S),
    within("server.drain_timeout_s", 0, DAY_S),
    at_least("endpoint.name", 1),
    within("endpoint.max_concurrent", 1, COUNT_MAX),
    at_least("endpoint.dialects", 1),
    within("endpoint.health_check_s", 1, DAY_S),
    at_least("endpoint.price.input", 0),
    at_least("endpoint.price.cached", 0),
    at_least("endpoint.price.output", 0),
    at_least("pool.model", 1),
    at_least("pool.endpoints", 1),
    within("pool.deadline_s", 1, DAY_S),
    within("pool.cache.ttl_s", 1, 365 * DAY_S),
    within("pool.cache.stale_while_revalidate_s", 0, 365 * DAY_S),
    within("pool.cache.stale_if_error_s", 0, 365 * DAY_S),
    within("pool.cache.offline_s", 0, 365 * DAY_S),
    at_least("key.name", 1),
    at_least("key.rpm", 1),
    at_least("key.tpm", 1),
    within("key.priority_cap", 0, 9),
    within("key.weight", 1, 1000),
    within("cache.memory_mib", 1, TEBIBYTE_MIB),
    within("cache.ttl_s", 1, 365 * DAY_S),
    within("cache.answer_kib_max", 1, TEBIBYTE_MIB),
    within("cache.semantic.error_max", 0, 1),
    within("cache.semantic.similarity_min", 0, 1),
    within("cache.semantic.entries_max", 1, COUNT_MAX),
    within("cache.stale_while_revalidate_s", 0, 365 * DAY_S),
    within("cache.stale_if_error_s", 0, 365 * DAY_S),
    within("cache.offline_s", 0, 365 * DAY_S),
    within("cache.disk_mib", 1, TEBIBYTE_MIB),
    within("queue.waiters_max", 0, COUNT_MAX),
    within("queue.waiting_mib_max", 1, TEBIBYTE_MIB),
    within("queue.tenant_waiters_max", 1, COUNT_MAX),
    within("queue.tenant_waiting_mib_max", 1, TEBIBYTE_MIB),
    within("queue.aging_s", 1, DAY_S),
    within("queue.standing_ms", 0, DAY_MS),
    within("queue.standing_wait_ms", 1, DAY_MS),
    within("pressure.requests_max", 1, COUNT_MAX),
    within("pressure.qps[]", 1, COUNT_MAX),
    within("pressure.memory_mib_max", 16, TEBIBYTE_MIB),
    within("attempts.max", 1, 100),
    within("attempts.faults_here_max", 1, 100),
    within("attempts.overload_max", 1, 100),
    within("attempts.overload_here_max", 1, 100),
    within("attempts.backoff_ms", 0, DAY_MS),
    within("attempts.backoff_max_ms", 0, DAY_MS),
    within("attempts.retry_after_here_ms", 0, DAY_MS),
    within("attempts.retry_after_max_ms", 0, DAY_MS),
    within("attempts.outage_wait_ms", 0, DAY_MS),
    within("attempts.connect_ms", 1, DAY_MS),
    within("attempts.first_token_ms", 1, DAY_MS),
    within("attempts.whole_ms", 1, DAY_MS),
    within("attempts.stall_ms", 1, DAY_MS),
    within("attempts.stall_alive_ms", 1, DAY_MS),
    within("attempts.silence_ms", 1, DAY_MS),
    within("attempts.parts_per_s_min", 0, 1_000_000),
    within("attempts.answer_mib_max", 1, 64 * GIBIBYTE_MIB),
    within("attempts.http2_connections", 1, 64),
    within("attempts.budget.ratio", 0, 1000),
    within("attempts.budget.ratio_failing", 0, 1000),
    within("attempts.budget.per_s_min", 0, 1_000_000),
    within("attempts.budget.memory_s", 1, DAY_S),
    within("attempts.hedge.share_max", 0, 1),
    within("attempts.hedge.quantile", 0, 1),
    within("attempts.hedge.min_ms", 0, DAY_MS),
    within("attempts.hedge.max_ms", 0, DAY_MS),
    within("attempts.hedge.body_kib_max", 0, TEBIBYTE_MIB),
    within("attempts.continuation.max", 0, 100),
    within("attempts.continuation.text_kib_max", 1, TEBIBYTE_MIB),
    within("attempts.idle_connections_max", 0, COUNT_MAX),
];

/// The schema of a whole file.
pub fn schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(Config));
    without_null(&mut schema);
    schema["title"] = json!("weir.toml");
    for bound in BOUNDS {
        add(&mut schema, bound);
    }
    schema
}

/// What a schema stands for once its reference, if it is one, has been followed.
pub fn follow<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target = schema["$ref"].as_str().and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(schema)
}

/// The keys of a table.
pub fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object()
}

/// The words a value may be, if it is one of a few.
pub fn words(schema: &Value) -> Option<Vec<&str>> {
    let plain = schema["enum"].as_array().map(|words| words.iter().filter_map(Value::as_str).collect());
    let explained = || {
        let variants = schema["oneOf"].as_array()?;
        variants.iter().map(|variant| variant["const"].as_str()).collect()
    };
    plain.or_else(explained)
}

/// TOML has no null: what may be absent is simply not required.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(mut either)) = object.remove("anyOf") {
                either.retain(|one| one["type"] != "null");
                match <[Value; 1]>::try_from(either) {
                    Ok([Value::Object(only)]) => object.extend(only),
                    Ok([other]) => drop(object.insert("anyOf".into(), json!([other]))),
                    Err(either) => drop(object.insert("anyOf".into(), Value::Array(either))),
                }
            }
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn add(schema: &mut Value, bound: &Bound) {
    let target = find(schema, bound.at).expect("tests hold every bound to a field that exists");
    let field = schema.pointer_mut(&target).expect("`find` names a place in this very schema");
    let (min, max) = match field["type"].as_str() {
        Some("string") => ("minLength", "maxLength"),
        Some("array") => ("minItems", "maxItems"),
        _ => ("minimum", "maximum"),
    };
    for (name, value) in [(min, bound.min), (max, bound.max)] {
        if let Some(value) = value {
            field[name] = json!(value);
        }
    }
}

/// The JSON pointer of a field given as `table.field`, or of the items of one as `table.field[]`, through references and
/// lists of tables.
fn find(root: &Value, path: &str) -> Option<String> {
    let mut pointer = String::new();
    for name in path.trim_end_matches("[]").split('.') {
        pointer = format!("{}/properties/{name}", settle(root, pointer)?);
    }
    if path.ends_with("[]") {
        pointer.push_str("/items");
    }
    root.pointer(&pointer).map(|_| pointer)
}

/// Where the table at `pointer` is described.
fn settle(root: &Value, mut pointer: String) -> Option<String> {
    loop {
        let here = root.pointer(&pointer)?;
        if let Some(reference) = here["$ref"].as_str() {
            pointer = reference.strip_prefix('#')?.to_owned();
        } else if here.get("items").is_some() {
            pointer.push_str("/items");
        } else {
            return Some(pointer);
        }
    }
}
