//! Events of chat completions and legacy completions: what they say, and how they are joined on to an earlier
//! attempt's.
//!
//! What always holds: fields that weir does not act on stay as the service wrote them.

use bytes::Bytes;
use serde_json::value::RawValue;
use weir_core::Failure;

use super::join::Join;
use super::piece::Said;
use super::wire::{data_of, rewritten, says_nothing};
use crate::json::{Object, decode, elements, encode, inside, range_of};

/// What every event repeats, and the caller must see unchanged.
const NAMES: [&str; 3] = ["id", "created", "model"];

/// An event opened down to its delta. Legacy completions have their text in the choice itself.
struct Opened<'a> {
    top: Object<'a>,
    choice: Option<Object<'a>>,
    delta: Option<Object<'a>>,
    /// More choices than one: not understood any further.
    many: bool,
}

impl<'a> Opened<'a> {
    fn read(data: &'a str) -> Option<Self> {
        let top = Object::read(data)?;
        let choices: Vec<&RawValue> = top.get("choices").and_then(elements).unwrap_or_default();
        let choice = match choices[..] {
            [choice] => Some(Object::read(choice.get())?),
            _ => None,
        };
        let first = choice.as_ref().is_none_or(|choice| choice.get("index").is_none_or(|index| index == "0"));
        let delta = choice.as_ref().and_then(|choice| Object::read(choice.get("delta")?));
        Some(Self { top, choice, delta, many: choices.len() > 1 || !first })
    }

    fn content(&self) -> Option<&'a str> {
        let value = match (&self.delta, &self.choice) {
            (Some(delta), _) => delta.get("content"),
            (None, Some(choice)) => choice.get("text"),
            (None, None) => None,
        };
        value.and_then(inside).filter(|text| !text.is_empty())
    }

    fn reasoning(&self) -> Option<&'a str> {
        let delta = self.delta.as_ref()?;
        let text = |name| delta.get(name).and_then(inside).filter(|text| !text.is_empty());
        text("reasoning_content").or_else(|| text("reasoning"))
    }

    fn finish(&self) -> bool {
        self.choice.as_ref().is_some_and(|choice| choice.get("finish_reason").is_some_and(is_filled))
    }

    /// What it says besides text, role and finish: tools, and things that cannot be continued.
    fn others(&self) -> (bool, bool) {
        let (mut tools, mut other) = (false, self.many);
        for (name, value) in self.delta.iter().flat_map(Object::members).filter(|(_, value)| is_filled(value))
        {
            match name {
                "role" => {}
                "content" | "reasoning_content" | "reasoning" if inside(value).is_some() => {}
                // The same reasoning once more, unless it is sealed.
                "reasoning_details" => {
                    other |= value.contains("\"signature\":\"") || value.contains("reasoning.encrypted");
                }
                "tool_calls" | "function_call" => tools = true,
                _ => other = true,
            }
        }
        (tools, other)
    }

    /// Leaves the reasoning out. Says whether there was any.
    fn leave_reasoning_out(&mut self) -> bool {
        let had = self.reasoning().is_some();
        if let Some(delta) = &mut self.delta {
            delta.remove(|name| matches!(name, "reasoning_content" | "reasoning" | "reasoning_details"));
        }
        had
    }

    fn set_content(&mut self, text: &str) {
        match (&mut self.delta, &mut self.choice) {
            (Some(delta), _) => delta.replace("content", encode(text)),
            (None, Some(choice)) => choice.replace("text", encode(text)),
            (None, None) => {}
        }
    }

    fn write(mut self) -> String {
        if let (Some(choice), Some(delta)) = (&mut self.choice, &self.delta) {
            choice.replace("delta", delta.write());
        }
        if let Some(choice) = &self.choice {
            self.top.replace("choices", format!("[{}]", choice.write()));
        }
        self.top.write()
    }
}

fn is_filled(value: &str) -> bool {
    !matches!(value, "null" | "\"\"" | "[]" | "{}")
}

/// What an event says.
pub(super) fn read(event: &[u8]) -> Said {
    let Some((data, _)) = data_of(event) else { return Said::unknown() };
    if data.trim_ascii() == "[DONE]" {
        return Said { last: true, ..Said::default() };
    }
    let Some(opened) = Opened::read(data) else { return Said::unknown() };
    let (tools, other) = opened.others();
    Said {
        content: opened.content().map(|text| range_of(text, event)),
        reasoning: opened.reasoning().map(|text| range_of(text, event)),
        tools,
        other,
        finish: opened.finish() && !opened.many,
        ..Said::default()
    }
}

/// What every event of the answer repeats, as written in this one.
pub(super) fn names(event: &[u8]) -> Vec<(&'static str, String)> {
    let top = data_of(event).and_then(|(data, _)| Object::read(data));
    let value = |name| Some((name, top.as_ref()?.get(name)?.to_owned()));
    NAMES.into_iter().filter_map(value).collect()
}

/// Joins one event on to what an earlier attempt said. Gives what goes to the caller now.
pub(super) fn join(join: &mut Join, event: &Bytes) -> Result<Vec<Bytes>, Failure> {
    if says_nothing(event) {
        return join.pass(event.clone());
    }
    let Some((data, place)) = data_of(event) else { return join.pass_unread(event.clone()) };
    if data.trim_ascii() == "[DONE]" {
        return join.pass(event.clone());
    }
    let Some(mut opened) = Opened::read(data) else { return join.pass_unread(event.clone()) };
    for (name, value) in &join.names {
        opened.top.replace(name, value.as_str());
    }
    let usage = opened.top.get("usage").filter(|usage| usage.starts_with('{'));
    if let Some(usage) = usage {
        opened.top.replace("usage", join.tally.in_bytes(usage));
    }
    if opened.many {
        return join.pass_unread(rewritten(event, &place, &opened.write()));
    }
    if opened.choice.is_none() {
        return join.pass(rewritten(event, &place, &opened.write()));
    }
    let (tools, other) = opened.others();
    let finish = opened.finish();
    let ends = tools || other || finish;
    if let Some(delta) = &mut opened.delta {
        delta.remove(|name| name == "role");
    }
    if join.leaves_reasoning_out && opened.leave_reasoning_out() {
        join.reasoned = true;
    }
    let content = opened.content();
    let text = content.map(|written| join.whole_characters(written));
    if let (Some(text), Some(written)) = (&text, content)
        && *text != decode(written.as_bytes())
    {
        opened.set_content(text);
    }
    let says_nothing = text.as_deref().is_none_or(str::is_empty) && opened.reasoning().is_none();
    if says_nothing && !ends && usage.is_none() {
        return Ok(Vec::new());
    }
    let bytes = rewritten(event, &place, &opened.write());
    let mut out = match text {
        Some(text) => join.text(bytes, text)?,
        None => join.pass(bytes)?,
    };
    if ends && !join.is_over() {
        out.extend(join.end(finish)?);
    }
    Ok(out)
}

/// The event with `rest` as its text; `None` when then it says nothing.
pub(super) fn with_text(event: &Bytes, rest: &str) -> Option<Bytes> {
    let (data, place) = data_of(event)?;
    let mut opened = Opened::read(data)?;
    opened.set_content(rest);
    let (tools, other) = opened.others();
    let usage = opened.top.get("usage").is_some_and(|usage| usage.starts_with('{'));
    let says_more = tools || other || usage || opened.finish() || opened.reasoning().is_some();
    (says_more || !rest.is_empty()).then(|| rewritten(event, &place, &opened.write()))
}
