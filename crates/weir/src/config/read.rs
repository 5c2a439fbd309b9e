//! From text to [`Config`]: syntax, keys, types and bounds, all mistakes in one pass.
//!
//! The parsed file is compared with the schema. What does not fit is reported and taken out, what must be there and is
//! not gets an empty stand-in, so that in the end the rest can always be read and judged.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Config;
use super::code::Code;
use super::place::Place;
use super::report::Report;
use super::schema::{follow, properties, schema};

mod expect;

pub use expect::{Expected, closest, listed};

use expect::{described, outside, size};

/// Reads a text. `None` only with something in the report.
pub fn read<'t>(text: &'t str, report: &mut Report<'t>) -> Option<Config> {
    let (mut root, mistakes) = DeTable::parse_recoverable(text);
    report.set_root(root.get_ref().clone());
    for mistake in mistakes {
        let message = mistake.message().trim().replace('\n', ", ");
        report.broken(mistake.span(), message, remedy(text, mistake.span()));
    }
    let schema = schema();
    let span = root.span();
    Reader { root: &schema, report: &mut *report }.table(&schema, root.get_mut(), &span, &Place::ROOT);
    match Config::deserialize(toml::de::Deserializer::from(root)) {
        Ok(config) => Some(config),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            let help = "docs/config.md shows what may stand here".to_owned();
            report.unsound(Code::WrongType, &Place::ROOT, span, error.message().to_owned(), help);
            None
        }
    }
}

/// The usual slips of the pen, by what stands on the line.
fn remedy(text: &str, span: Option<Range<usize>>) -> &'static str {
    let start = span.map_or(0, |span| span.start.min(text.len()));
    let line_start = text.as_bytes()[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
    match line.split_once('=') {
        _ if line.starts_with('[') => {
            "tables are `[server]`; lists of tables are `[[endpoint]]`, `[[pool]]`, `[[key]]`"
        }
        None if line.contains(':') => "TOML writes `key = value`, not `key: value`",
        None => "write `key = value`, one to a line",
        Some((_, value)) if value.matches('"').count() % 2 == 1 => {
            "close the quotation mark on the same line"
        }
        Some((_, value)) if value.trim().starts_with(char::is_alphabetic) => {
            "put words in quotation marks: key = \"value\""
        }
        Some(_) => "write `key = value`; a key stands once in its table",
    }
}

/// Compares values with the schema.
struct Reader<'a, 't> {
    root: &'a Value,
    report: &'a mut Report<'t>,
}

impl<'t> Reader<'_, 't> {
    /// Takes out of a table what does not fit, and fills in what is missing.
    fn table(&mut self, schema: &Value, table: &mut DeTable<'t>, span: &Range<usize>, place: &Place) {
        let Some(fields) = properties(schema) else { return };
        let keys: Vec<_> = table.keys().map(|key| (key.get_ref().to_string(), key.span())).collect();
        for (key, key_span) in keys {
            let here = place.key(&key);
            let fits = match fields.get(&key) {
                Some(field) => {
                    let value = table.get_mut(key.as_str()).expect("the key was listed a moment ago");
                    self.fits(field, value, &here, &key)
                }
                None => {
                    self.unknown(&key, key_span, fields.keys().map(String::as_str), &here);
                    false
                }
            };
            if !fits {
                table.remove(key.as_str());
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for key in required.filter(|key| !table.contains_key(*key)).collect::<Vec<_>>() {
            self.missing(key, &fields[key], table, span, place);
        }
    }

    fn unknown<'f>(
        &mut self,
        key: &str,
        span: Range<usize>,
        fields: impl Iterator<Item = &'f str>,
        here: &Place,
    ) {
        let fields: Vec<_> = fields.collect();
        let help = match closest(key, fields.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys here are {}", listed(&fields)),
        };
        self.report.unsound(Code::UnknownKey, here, span, format!("there is no key `{key}` here"), help);
    }

    /// Reports a key that must be there, and puts an empty value in its place.
    fn missing(
        &mut self,
        key: &str,
        field: &Value,
        table: &mut DeTable<'t>,
        span: &Range<usize>,
        place: &Place,
    ) {
        let here = place.key(key);
        if self.report.is_sound(&here) && !self.report.has_broken_syntax() {
            let meaning =
                field["description"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
            let help = format!("add `{key} = …`: {}", meaning.trim_end_matches('.'));
            self.report.unsound(Code::Missing, &here, span.clone(), format!("`{key}` is missing"), help);
        }
        let empty = match follow(self.root, field)["type"].as_str() {
            Some("array") => DeValue::Array(toml::de::DeArray::default()),
            _ => DeValue::String(DeString::default()),
        };
        let key = Spanned::new(span.clone(), DeString::Owned(key.to_owned()));
        table.insert(key, Spanned::new(span.clone(), empty));
    }

    /// Whether a value, without the parts that have been taken out of it, fits its schema.
    fn fits(&mut self, schema: &Value, value: &mut Spanned<DeValue<'t>>, here: &Place, key: &str) -> bool {
        let schema = follow(self.root, schema);
        let span = value.span();
        let size = size(value.get_ref());
        match (Expected::by(schema), value.get_mut()) {
            (Expected::Table, DeValue::Table(table)) => {
                self.table(schema, table, &span, here);
                return true;
            }
            (Expected::Map, DeValue::Table(table)) => {
                self.map(&schema["additionalProperties"], table, here);
                return true;
            }
            (Expected::List, DeValue::Array(items)) => {
                let mut fit = true;
                for (index, item) in items.iter_mut().enumerate() {
                    fit &= self.fits(&schema["items"], item, &here.item(index), &format!("{key}[{index}]"));
                }
                if !fit {
                    self.report.mark_unsound(here);
                    return false;
                }
            }
            (Expected::Words(words), DeValue::String(word)) if words.contains(&word.as_ref()) => {}
            (Expected::Text, DeValue::String(_)) | (Expected::Flag, DeValue::Boolean(_)) => {}
            (Expected::Whole, DeValue::Integer(_)) => {}
            (Expected::Number, DeValue::Integer(_) | DeValue::Float(_)) => {}
            (expected, value) => {
                let message = format!("`{key}` must be {expected}, not {}", described(value));
                self.report.unsound(Code::WrongType, here, span, message, expected.remedy(key, value));
                return false;
            }
        }
        match outside(schema, size) {
            None => true,
            Some(bounds) => {
                let message = format!("`{key}` must be {bounds}, not {}", described(value.get_ref()));
                self.report.unsound(Code::OutOfBounds, here, span, message, bounds.remedy(key, schema));
                false
            }
        }
    }

    /// A table whose keys are free and whose values are alike.
    fn map(&mut self, values: &Value, table: &mut DeTable<'t>, here: &Place) {
        let keys: Vec<_> = table.keys().map(|key| key.get_ref().to_string()).collect();
        for key in keys {
            let value = table.get_mut(key.as_str()).expect("the key was listed a moment ago");
            if !self.fits(values, value, &here.key(&key), &key) {
                table.remove(key.as_str());
            }
        }
    }
}
