//! What a value should be, what it is instead, and how both are said.

use std::fmt;

use serde_json::Value;
use toml::de::DeValue;

use crate::config::schema::{properties, words};

/// The kinds of value that a schema asks for.
#[derive(Debug)]
pub enum Expected<'s> {
    /// A table with known keys.
    Table,
    /// A table with free keys.
    Map,
    /// A list.
    List,
    /// One of a few words.
    Words(Vec<&'s str>),
    /// Any text.
    Text,
    /// True or false.
    Flag,
    /// A whole number, never negative.
    Whole,
    /// Any number.
    Number,
}

impl<'s> Expected<'s> {
    /// What a schema, followed to where it is described, asks for.
    pub fn by(schema: &'s Value) -> Self {
        if let Some(words) = words(schema) {
            return Self::Words(words);
        }
        match schema["type"].as_str() {
            Some("object") if properties(schema).is_some() => Self::Table,
            Some("object") => Self::Map,
            Some("array") => Self::List,
            Some("boolean") => Self::Flag,
            Some("integer") => Self::Whole,
            Some("number") => Self::Number,
            _ => Self::Text,
        }
    }

    /// What to write instead of `value`, which is that of a key, or `key[2]` for an item of a list.
    pub fn remedy(&self, key: &str, value: &DeValue<'_>) -> String {
        let set = if key.ends_with(']') { String::new() } else { format!("{key} = ") };
        match (self, value) {
            (Self::Words(words), DeValue::String(word)) => match closest(word, words.iter().copied()) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("write one of {}", quoted(words)),
            },
            (Self::Words(words), _) => format!("write one of {}", quoted(words)),
            (Self::Whole | Self::Number, DeValue::String(text)) if text.parse::<f64>().is_ok() => {
                format!("leave out the quotation marks: {set}{text}")
            }
            (Self::Whole, _) => format!("write digits only: {set}10"),
            (Self::Number, _) => format!("write a number: {set}0.5"),
            (Self::Flag, _) => format!("write {set}true or {set}false, without quotation marks"),
            (Self::Text, _) => format!("put it in quotation marks: {set}\"…\""),
            (Self::List, DeValue::String(_)) => format!("put it in brackets: {set}[\"…\"]"),
            (Self::List, DeValue::Table(_)) => format!("write it with two brackets: [[{key}]]"),
            (Self::List, _) => format!("write a list: {set}[\"…\"], or tables headed [[{key}]]"),
            (Self::Table, DeValue::Array(_)) => format!("write it with one bracket: [{key}]"),
            (Self::Table | Self::Map, _) => format!("write a table: {set}{{ … }}"),
        }
    }
}

impl fmt::Display for Expected<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table | Self::Map => out.write_str("a table"),
            Self::List => out.write_str("a list"),
            Self::Words(words) => write!(out, "one of {}", quoted(words)),
            Self::Text => out.write_str("text"),
            Self::Flag => out.write_str("true or false"),
            Self::Whole => out.write_str("a whole number"),
            Self::Number => out.write_str("a number"),
        }
    }
}

/// The bounds that a value is outside of.
#[derive(Debug)]
pub struct Bounds {
    min: f64,
    max: Option<f64>,
    unit: &'static str,
}

/// The bounds a value of this size breaks, if it breaks any. Sizes are numbers, or counts of items or letters.
pub fn outside(schema: &Value, size: f64) -> Option<Bounds> {
    let (min, max, unit) = match schema["type"].as_str() {
        Some("array") => ("minItems", "maxItems", " items long"),
        Some("string") => ("minLength", "maxLength", " letters long"),
        _ => ("minimum", "maximum", ""),
    };
    let bounds = Bounds { min: schema[min].as_f64().unwrap_or(0.0), max: schema[max].as_f64(), unit };
    let within = size.is_finite() && size >= bounds.min && bounds.max.is_none_or(|max| size <= max);
    (!within).then_some(bounds)
}

impl Bounds {
    fn is_exact(&self) -> bool {
        self.max == Some(self.min)
    }

    /// What to write instead.
    pub fn remedy(&self, key: &str, schema: &Value) -> String {
        match (self.unit, schema["default"].as_f64()) {
            ("", Some(default)) => format!("leave it out for the default of {default}"),
            ("", None) if key.ends_with(']') => {
                "write a number within these bounds, or leave out the list".to_owned()
            }
            ("", None) => format!("leave out `{key}` for no limit of its own"),
            (_, _) if self.is_exact() => format!("write {} of them, or leave out `{key}`", self.min),
            _ => format!("write at least one, or leave out `{key}` if it may be absent"),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.unit, self.max) {
            ("", Some(max)) => write!(out, "from {} to {max}", self.min),
            ("", None) => write!(out, "at least {}, and finite", self.min),
            (" items long", _) if self.is_exact() => write!(out, "a list of {}", self.min),
            (_, _) => out.write_str("not empty"),
        }
    }
}

/// A number's value, a list's or a text's length; 0 for what has none.
pub fn size(value: &DeValue<'_>) -> f64 {
    match value {
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(f64::INFINITY, |number| number as f64),
        DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN),
        DeValue::Array(items) => items.len() as f64,
        DeValue::String(text) => text.trim().chars().count() as f64,
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => 0.0,
    }
}

/// A value in a message: short, and recognisable.
pub fn described(value: &DeValue<'_>) -> String {
    const SHOWN_MAX: usize = 40;
    match value {
        DeValue::String(text) if text.chars().count() > SHOWN_MAX => {
            format!("the text \"{}…\"", text.chars().take(SHOWN_MAX).collect::<String>())
        }
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(items) => format!("a list of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The name that was probably meant by `written`.
pub fn closest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // Jaro-Winkler favours a shared beginning, as slips of the pen do; 0.8 lets `base-url` and `listn` through.
    const SIMILAR_MIN: f64 = 0.8;
    let written = written.to_lowercase().replace('-', "_");
    names
        .map(|name| (strsim::jaro_winkler(&written, &name.to_lowercase().replace('-', "_")), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// Names in a sentence.
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
