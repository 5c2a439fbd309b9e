//! Configs written out, and what is generated from the schema.

use serde_json::Value;

use super::{MINIMAL, parse};
use crate::config::code::Code;
use crate::config::{effective, reference, schema, shortest};

#[test]
fn the_short_form_is_what_was_written() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nkeep_alive_s = 10\n[cache]\nmode = \"all\"\n[[endpoint]]\nname = \"a\"\nbase_url = \"http://127.0.0.1\"\nprice = { input = 1, output = 0 }\n[[pool]]\nmodel = \"*\"\nendpoints = [\"a\"]\n";
    let expected = "[server]\nlisten = \"127.0.0.1:1\"\n\n[[endpoint]]\nname = \"a\"\nbase_url = \"http://127.0.0.1\"\n\n[endpoint.price]\ninput = 1.0\n\n[[pool]]\nmodel = \"*\"\nendpoints = [\"a\"]\n\n[cache]\nmode = \"all\"\n";
    assert_eq!(shortest(&parse(text).unwrap().config), expected);
}

#[test]
fn the_long_form_is_valid_and_says_the_same() {
    let config = parse(MINIMAL).unwrap().config;
    let text = effective(&config);
    assert!(text.contains("api_key = \"env:DEEPSEEK_API_KEY\""), "{text}");
    assert_eq!(shortest(&parse(&text).unwrap().config), shortest(&config));
}

#[test]
fn the_reference_names_every_field_and_every_code() {
    let reference = reference();
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for name in tables.filter_map(|table| table["properties"].as_object()).flatten().map(|(name, _)| name) {
        let as_row = reference.contains(&format!("| `{name}` |"));
        let as_heading = reference.contains(&format!("[{name}]"));
        assert!(as_row || as_heading, "`{name}` is missing");
    }
    for code in Code::ALL {
        assert!(reference.contains(code.name()), "{} is missing", code.name());
    }
}

#[test]
fn every_number_has_an_upper_bound_or_needs_none() {
    // A rate may be as high as one likes, and so may a price.
    const UNBOUNDED: [&str; 5] = ["rpm", "tpm", "input", "cached", "output"];
    let schema = schema();
    for (name, field) in schema["$defs"].as_object().unwrap().values().flat_map(fields) {
        let is_number = field["type"] == "integer" || field["type"] == "number";
        let bounded = field.get("maximum").is_some() || UNBOUNDED.contains(&name.as_str());
        assert!(!is_number || bounded, "`{name}` has no upper bound");
    }
}

fn fields(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table["properties"].as_object().into_iter().flatten()
}

#[test]
fn codes_are_told_apart() {
    let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}
