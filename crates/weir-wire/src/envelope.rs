//! Reads a request body as far as weir acts on it, and says clearly what is wrong with a bad one.
//!
//! What always holds: one pass finds the top-level members without building a tree; a duplicate or disguised `model`
//! is refused, since it would let a caller be checked for one model and served another.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use weir_core::{Envelope, Kind, Member, Operation, Rejection};

use crate::json::elements;

/// How deep a body may nest: serde_json's own limit, so that whatever passes can be parsed by everyone behind.
pub const DEPTH_MAX: usize = 128;

/// Reads `body` for `operation`. Returns the model it names and the envelope.
///
/// # Errors
/// A [`Kind::BadRequest`] that names the offending place.
pub fn read(operation: Operation, body: Bytes) -> Result<(String, Envelope), Rejection> {
    if let Some(at) = too_deep(&body) {
        let message = format!("the body nests deeper than {DEPTH_MAX} levels at byte {at}; flatten it");
        return Err(Rejection::new(Kind::BadRequest, message));
    }
    // Checked once as a whole, text needs no further look at its bytes, value by value.
    let text = std::str::from_utf8(&body).map_err(|error| {
        let at = error.valid_up_to();
        Rejection::new(Kind::BadRequest, format!("the body is not UTF-8 at byte {at}; encode it so"))
    })?;
    let Members(members) = serde_json::from_str(text).map_err(|error| not_json(&body, &error))?;
    let base = body.as_ptr() as usize;
    let span = |raw: &RawValue| -> Range<usize> {
        let start = raw.get().as_ptr() as usize - base;
        start..start + raw.get().len()
    };
    let mut fields = Fields::default();
    let mut spans = Vec::with_capacity(members.len());
    for (key, value) in &members {
        fields.read(operation, key.get(), value.get())?;
        spans.push(Member { key: span(key), value: span(value) });
    }
    fields.require(operation)?;
    let Fields { model, mut envelope, .. } = fields;
    envelope.members = spans;
    envelope.body = body;
    Ok((model.unwrap_or_default(), envelope))
}

/// Reads the body of a passed-through path: an object for its model, anything else (an upload, nothing) not at all.
///
/// # Errors
/// As [`read`]: an object that weir cannot read could name another model to those behind.
pub fn read_passing(body: Bytes) -> Result<(String, Envelope), Rejection> {
    if body.trim_ascii_start().first() == Some(&b'{') {
        return read(Operation::Other, body);
    }
    Ok((String::new(), Envelope { body, ..Envelope::default() }))
}

/// How many choices a request asks for; `None` when it says so in a way that weir cannot read.
pub fn choices(operation: Operation, envelope: &Envelope) -> Option<usize> {
    let text = |name| envelope.get(name).map(std::str::from_utf8);
    let each = match text("n") {
        _ if !matches!(operation, Operation::Chat | Operation::Completions) => return Some(1),
        None | Some(Ok("null")) => 1,
        Some(n) => n.ok()?.parse::<usize>().ok()?,
    };
    let prompts = match text("prompt") {
        Some(Ok(prompts)) if operation == Operation::Completions && prompts.starts_with('[') => {
            let prompts = elements(prompts)?;
            // A list of numbers is one prompt, in tokens.
            let one = |prompt: &&RawValue| !prompt.get().starts_with(['"', '[']);
            if prompts.first().is_none_or(one) { 1 } else { prompts.len() }
        }
        _ => 1,
    };
    Some(each.saturating_mul(prompts))
}

/// The members of a JSON object, in order, unparsed.
pub(crate) struct Members<'a>(pub(crate) Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(12);
                while let Some(entry) = map.next_entry()? {
                    if members.len() == MEMBERS_MAX {
                        return Err(A::Error::custom(format_args!("more than {MEMBERS_MAX} members")));
                    }
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// How long a model's name may be: it is logged and echoed.
const MODEL_BYTES_MAX: usize = 256;

/// How many top-level members a body may have. The widest API known has about fifty.
const MEMBERS_MAX: usize = 1024;

#[derive(Default)]
struct Fields {
    model: Option<String>,
    messages: bool,
    envelope: Envelope,
}

impl Fields {
    fn read(&mut self, operation: Operation, key: &str, value: &str) -> Result<(), Rejection> {
        let name = &key[1..key.len() - 1];
        if name.contains('\\') {
            return Self::refuse_disguised(key);
        }
        let out = &mut self.envelope;
        match name {
            "model" if self.model.is_some() => {
                return Err(bad("model", "the body names `model` twice; keep one of them"));
            }
            "model" if value.len() > MODEL_BYTES_MAX => {
                let message =
                    format!("`model` is {} bytes long; names end at {MODEL_BYTES_MAX}", value.len());
                return Err(bad("model", message));
            }
            "model" => self.model = Some(typed(name, value, "a string")?),
            // What passes through unread has its own meanings for the other names.
            _ if operation == Operation::Other => {}
            "messages" => {
                if !value.starts_with('[') {
                    return Err(wrong_type(name, value, "an array of messages"));
                }
                self.messages = true;
            }
            "stream" => out.stream = typed::<Option<bool>>(name, value, "true or false")?.unwrap_or(false),
            "stream_options" => {
                let options: Option<StreamOptions> = typed(name, value, "an object")?;
                out.wants_usage = options.and_then(|options| options.include_usage).unwrap_or(false);
            }
            "temperature" => {
                out.temperature_zero = typed::<Option<f64>>(name, value, "a number")? == Some(0.0);
            }
            "seed" => out.seeded = value != "null",
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
                // A wrong type here is the service's to refuse: some take strings.
                out.max_tokens = value.parse().ok().or(out.max_tokens);
            }
            "service_tier" => out.service_tier = typed(name, value, "a string")?,
            "tools" | "functions" => out.tools = value != "null" && value != "[]",
            "background" | "store" => out.stateful |= value == "true",
            "previous_response_id" | "conversation" => out.stateful |= value != "null",
            _ => {}
        }
        Ok(())
    }

    /// A key written with escapes is harmless unless it spells a name weir acts on.
    fn refuse_disguised(key: &str) -> Result<(), Rejection> {
        const ACTED_ON: [&str; 8] = [
            "model",
            "messages",
            "stream",
            "stream_options",
            "service_tier",
            "max_tokens",
            // Whom kept answers belong to, where users of one key share none.
            "user",
            "metadata",
        ];
        match serde_json::from_str::<String>(key) {
            Ok(plain) if ACTED_ON.contains(&plain.as_str()) => {
                Err(bad(&plain, format!("the body spells `{plain}` with escapes; write it plainly")))
            }
            _ => Ok(()),
        }
    }

    fn require(&self, operation: Operation) -> Result<(), Rejection> {
        // A response made from a stored prompt takes its model from there.
        let needs_model = !matches!(operation, Operation::Other | Operation::Responses);
        if needs_model && self.model.as_deref().is_none_or(str::is_empty) {
            return Err(bad("model", "the body names no `model`; add one of those `GET /v1/models` lists"));
        }
        let needs_messages =
            matches!(operation, Operation::Chat | Operation::Messages | Operation::CountTokens);
        if needs_messages && !self.messages {
            return Err(bad(
                "messages",
                "the body has no `messages`; add an array with at least one message",
            ));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

fn typed<'a, T: Deserialize<'a>>(name: &str, value: &'a str, expected: &str) -> Result<T, Rejection> {
    serde_json::from_str(value).map_err(|_not_of_that_type| wrong_type(name, value, expected))
}

fn wrong_type(name: &str, value: &str, expected: &str) -> Rejection {
    let shown: String = value.chars().take(40).collect();
    bad(name, format!("`{name}` is `{shown}`, which is not {expected}"))
}

fn bad(param: &str, message: impl Into<String>) -> Rejection {
    Rejection::new(Kind::BadRequest, message).at(param)
}

fn not_json(body: &[u8], error: &serde_json::Error) -> Rejection {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Rejection::new(Kind::BadRequest, "the body is empty; send a JSON object");
    }
    Rejection::new(Kind::BadRequest, format!("the body is not valid JSON: {error}"))
}

/// The byte at which `body` nests deeper than [`DEPTH_MAX`], if it does. Brackets inside strings do not count.
fn too_deep(body: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) =
        body[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
    {
        at += found;
        match body[at] {
            b'"' => at = end_of_string(body, at)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some(at);
                }
            }
            _ => depth = depth.saturating_sub(1),
        }
        at += 1;
    }
    None
}

/// The closing quote of the string that opens at `open`; `None` when it never closes (the parser will say so).
pub(crate) fn end_of_string(body: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        if body[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
