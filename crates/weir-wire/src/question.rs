//! What a request asks last, and what an answer says: as far as questions that are alike are compared.
//!
//! What always holds: where it is not plain which words are the question, there is none.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use weir_core::{Envelope, Operation};

/// Where in the body the last words of the user stand, as a JSON string with its quotes. `None`: the last turn is not the
/// user's, or is not one text.
pub fn last_words(operation: Operation, envelope: &Envelope) -> Option<Range<usize>> {
    let member = match operation {
        Operation::Chat | Operation::Messages => "messages",
        Operation::Responses => "input",
        _ => return None,
    };
    // Of a member that is there twice, which one counts is not plain.
    let mut named = envelope.members.iter().filter(|found| envelope.key(found) == member.as_bytes());
    let value = named.next().filter(|_| named.next().is_none())?.value.clone();
    let raw = &envelope.body[value.clone()];
    let words = if raw.starts_with(b"\"") { std::str::from_utf8(raw).ok()? } else { in_turns(raw)? };
    let start = value.start + (words.as_ptr() as usize - raw.as_ptr() as usize);
    Some(start..start + words.len())
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

fn in_turns(raw: &[u8]) -> Option<&str> {
    let turns: Vec<&RawValue> = serde_json::from_slice(raw).ok()?;
    let turn: Turn<'_> = serde_json::from_str(turns.last()?.get()).ok()?;
    if turn.role.as_deref() != Some("user") {
        return None;
    }
    let content = turn.content.get();
    if content.starts_with('"') {
        return Some(content);
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(content).ok()?;
    let mut texts = parts.into_iter().filter_map(|part| part.text);
    let text = texts.next().filter(|_| texts.next().is_none())?.get();
    text.starts_with('"').then_some(text)
}

/// What a whole answer says in words; `None`: nothing, or more than one thing.
pub fn said(operation: Operation, body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = match operation {
        Operation::Chat => {
            let [choice] = body["choices"].as_array()?.as_slice() else { return None };
            choice["message"]["content"].as_str()?.to_owned()
        }
        Operation::Messages => texts(&body["content"]),
        Operation::Responses => {
            let messages = body["output"].as_array()?.iter().filter(|item| item["type"] == "message");
            messages.map(|message| texts(&message["content"])).collect()
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn texts(parts: &Value) -> String {
    parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}
