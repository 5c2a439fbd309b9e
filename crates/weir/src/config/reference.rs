//! docs/config.md, written from the schema and the table of codes, so that it cannot lag behind either.

use std::fmt::Write;

use serde_json::Value;

use super::code::Code;
use super::read::Expected;
use super::schema::{follow, properties, schema};

/// What the reference says before its tables.
const INTRODUCTION: &str = include_str!("reference/introduction.md");

/// The tables in the order one meets them. Tests hold it to be complete.
const TABLES: [&str; 9] =
    ["server", "endpoint", "pool", "key", "cache", "queue", "pressure", "attempts", "telemetry"];

/// The reference as Markdown.
pub fn reference() -> String {
    let schema = schema();
    let mut out = INTRODUCTION.to_owned();
    for (name, field) in TABLES.iter().map(|name| (name, &schema["properties"][name])) {
        let is_list = matches!(Expected::by(follow(&schema, field)), Expected::List);
        let heading = if is_list { format!("[[{name}]]") } else { format!("[{name}]") };
        let table = if is_list { &field["items"] } else { field };
        section(
            &mut out,
            &format!("## `{heading}`\n\n{}\n", sentence(field)),
            &schema,
            follow(&schema, table),
        );
    }
    out.push_str("\n## Mistakes\n\nThe codes of mistakes stay the same for ever. Warnings do not keep weir from starting.\n\n");
    out.push_str("| code | meaning |\n|---|---|\n");
    for code in Code::ALL {
        row(&mut out, &[code.name(), code.meaning()]);
    }
    out
}

fn section(out: &mut String, heading: &str, root: &Value, table: &Value) {
    out.push('\n');
    out.push_str(heading);
    out.push_str("\n| key | type | bounds | default | meaning |\n|---|---|---|---|---|\n");
    let mut inner = Vec::new();
    let is_required =
        |name: &String| table["required"].as_array().is_some_and(|keys| keys.iter().any(|key| key == name));
    let mut fields: Vec<_> = properties(table).into_iter().flatten().collect();
    fields.sort_by_key(|(name, _)| !is_required(name));
    for (name, field) in fields {
        let target = follow(root, field);
        let default = if is_required(name) { "must be there".to_owned() } else { default(field) };
        row(out, &[&format!("`{name}`"), &kind(root, target), &bounds(target), &default, &sentence(field)]);
        if matches!(Expected::by(target), Expected::Table) {
            inner.push((name, target));
        }
    }
    for (name, target) in inner {
        section(out, &format!("### `{name}`\n\n{}\n", sentence(target)), root, target);
    }
}

fn row(out: &mut String, cells: &[&str]) {
    writeln!(out, "| {} |", cells.join(" | ")).expect("writing to a string cannot fail");
}

fn sentence(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn kind(root: &Value, schema: &Value) -> String {
    match Expected::by(schema) {
        Expected::Table => "table".to_owned(),
        Expected::Map => "table of texts".to_owned(),
        Expected::List => match Expected::by(follow(root, &schema["items"])) {
            Expected::Words(words) => format!("list of {}", either(&words)),
            Expected::Whole => "list of whole numbers".to_owned(),
            _ => "list of texts".to_owned(),
        },
        Expected::Words(words) => either(&words),
        other => other.to_string().trim_start_matches("a ").to_owned(),
    }
}

fn either(words: &[&str]) -> String {
    words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
}

fn bounds(schema: &Value) -> String {
    let bound = |name: &str| schema[name].as_f64();
    match Expected::by(schema) {
        Expected::List if bound("maxItems").is_some() && bound("minItems") == bound("maxItems") => {
            let count = bound("minItems").unwrap_or_default();
            match bounds(&schema["items"]).as_str() {
                "" => format!("{count} of them"),
                each => format!("{count} of them, each {each}"),
            }
        }
        Expected::List if bound("minItems").is_some() => "not empty".to_owned(),
        Expected::Text if bound("minLength").is_some() => "not empty".to_owned(),
        Expected::Whole | Expected::Number => match (bound("minimum"), bound("maximum")) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn default(field: &Value) -> String {
    match &field["default"] {
        Value::Null => "absent".to_owned(),
        Value::Array(items) if items.is_empty() => "empty".to_owned(),
        Value::Object(entries) if entries.is_empty() => "empty".to_owned(),
        Value::Object(_) => "see below".to_owned(),
        value => format!("`{value}`"),
    }
}
