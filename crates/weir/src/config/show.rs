//! A config as TOML: with every default spelled out, or as short as it can be said.
//!
//! Secrets stay references in both. The short form is the long one without the lines that say the default, which keeps
//! the keys in the order in which the stages declare them.

use serde_json::Value;
use toml::Table;

use super::Config;
use super::schema::{follow, schema};

/// With every default spelled out.
pub fn effective(config: &Config) -> String {
    let text = toml::to_string(config);
    text.expect("the config's numbers are within their bounds and its keys are names")
}

/// Without what is at its default.
pub fn shortest(config: &Config) -> String {
    let schema = schema();
    let mut out = String::new();
    let mut table = &schema;
    // The heading of a table of which no line has been kept so far.
    let mut heading = "";
    for line in effective(config).lines() {
        if line.starts_with('[') {
            table = headed(&schema, line.trim_matches(['[', ']']));
            // An entry of a list counts even if nothing in it is out of the ordinary.
            heading = line;
        } else if !line.is_empty() && !says_default(table, line) {
            if !heading.is_empty() {
                out.push_str(if out.is_empty() { "" } else { "\n" });
                out.push_str(heading);
                out.push('\n');
                heading = "";
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What describes the table under a heading such as `endpoint.price`.
fn headed<'s>(root: &'s Value, path: &str) -> &'s Value {
    path.split('.').fold(root, |table, name| {
        let field = follow(root, &table["properties"][name]);
        follow(root, field.get("items").unwrap_or(field))
    })
}

/// Whether a line, `key = value`, says no more than would hold without it.
fn says_default(table: &Value, line: &str) -> bool {
    let Ok(parsed) = line.parse::<Table>() else { return false };
    parsed.iter().all(|(key, value)| {
        let default = &table["properties"][key]["default"];
        serde_json::to_value(value).is_ok_and(|value| match (default.as_f64(), value.as_f64()) {
            (Some(default), Some(value)) => default == value,
            _ => *default == value,
        })
    })
}
