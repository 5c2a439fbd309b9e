//! What a stream says, event by event, and JSON objects as their members.
//!
//! What always holds: what is read here is written again as it stands, on one line; an object in which two readers could
//! see two things is none.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::envelope::Members;
use crate::frame::Frame;
use crate::json::range_of;
use crate::sse::events;

/// How many members an object may have. Those of the APIs have up to forty.
const MEMBERS_MAX: usize = 128;

/// An event that says something.
pub(super) struct Said<'a> {
    /// Empty when it has none.
    pub(super) name: &'a str,
    /// On one line.
    pub(super) data: Cow<'a, str>,
}

/// What a stream says, comments and pings left out; `None` when some of it is not text.
pub(super) fn said(stream: &[u8]) -> Option<Vec<Said<'_>>> {
    let mut said = Vec::new();
    for event in events(stream).filter(|event| event.data_lines > 0) {
        let name = std::str::from_utf8(&stream[event.name.clone()]).ok()?;
        let data = match event.data_in(stream) {
            Cow::Borrowed(data) => Cow::Borrowed(std::str::from_utf8(data).ok()?),
            Cow::Owned(data) => Cow::Owned(String::from_utf8(data).ok()?),
        };
        if name != "ping" {
            said.push(Said { name, data: checked_line(data)? });
        }
    }
    Some(said)
}

/// Data on one line. Only what is JSON on several lines is JSON on one.
fn checked_line(data: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match one_line(&data) {
        Cow::Borrowed(_) => Some(data),
        Cow::Owned(line) => {
            serde_json::from_str::<&RawValue>(&data).ok()?;
            Some(Cow::Owned(line))
        }
    }
}

/// JSON without line ends, which can only stand between its tokens.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_none() {
        return Cow::Borrowed(json);
    }
    Cow::Owned(json.replace(['\n', '\r'], " "))
}

/// The last event, remembered to read the next one by comparing, if that is the same but for one text.
#[derive(Default)]
pub(super) struct Usual<T>(Frame<T>);

impl<T: Copy> Usual<T> {
    /// Remembers an event: its one text, a slice of it, and what it says.
    pub(super) fn learn(&mut self, data: &str, text: &str, says: T) {
        self.0.learn(data.as_bytes(), &range_of(text, data.as_bytes()), says);
    }

    pub(super) fn forget(&mut self) {
        self.0 = Frame::default();
    }

    /// The text of an event that is like the remembered one. A text with escapes is left to a parser, which knows bad ones.
    pub(super) fn text<'a>(&self, data: &'a str) -> Option<(T, &'a str)> {
        let fit = self.0.fit(data.as_bytes()).filter(|fit| fit.end == data.len())?;
        let text = data.get(fit.text)?;
        let is_plain = !text.bytes().any(|byte| byte < b' ' || byte == b'\\');
        is_plain.then_some((fit.says, text))
    }
}

/// A member of an object: its name, which has no escapes, and its value as written.
pub(super) type Member<'a> = (&'a str, &'a str);

/// The members of an object, in order. `None`: it is no object, or names one member twice or in disguise.
pub(super) fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let Members(found) = serde_json::from_str(text).ok()?;
    if found.len() > MEMBERS_MAX {
        return None;
    }
    let mut members: Vec<Member<'_>> = Vec::with_capacity(found.len());
    for (key, value) in found {
        let name = inside(key.get()).filter(|name| !name.contains('\\'))?;
        if get(&members, name).is_some() {
            return None;
        }
        members.push((name, value.get()));
    }
    Some(members)
}

/// The value of a member.
pub(super) fn get<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Sets a member, behind the others if there is none of that name.
pub(super) fn set<'a>(members: &mut Vec<Member<'a>>, name: &'a str, value: &'a str) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        Some(member) => member.1 = value,
        None => members.push((name, value)),
    }
}

/// The inside of a member that is a string.
pub(super) fn text_of<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    get(members, name).and_then(inside)
}

/// The elements of an array, as written.
pub(super) fn elements(text: &str) -> Option<Vec<&str>> {
    crate::json::elements(text).map(|found| found.into_iter().map(RawValue::get).collect())
}

/// What is between the quotes of a JSON string.
pub(super) fn inside(value: &str) -> Option<&str> {
    // One quote alone is no string.
    crate::json::inside(value)
}

/// Whether a value says nothing.
pub(super) fn is_blank(value: &str) -> bool {
    matches!(value, "null" | "\"\"" | "[]" | "{}")
}

/// Whether two values are the same, however they are spaced, ordered and escaped.
pub(super) fn same(one: &str, other: &str) -> bool {
    let read = |value| serde_json::from_str::<Value>(value).ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

/// An object or an array being written.
pub(super) struct List {
    text: String,
    close: char,
}

impl List {
    pub(super) fn object() -> Self {
        Self { text: "{".to_owned(), close: '}' }
    }

    pub(super) fn array() -> Self {
        Self { text: "[".to_owned(), close: ']' }
    }

    /// A member of an object, its value in parts.
    pub(super) fn member(&mut self, name: &str, value: &[&str]) {
        self.next();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        value.iter().for_each(|part| self.text.push_str(part));
    }

    /// An element of an array.
    pub(super) fn element(&mut self, value: &str) {
        self.next();
        self.text.push_str(value);
    }

    pub(super) fn close(mut self) -> String {
        self.text.push(self.close);
        self.text
    }

    fn next(&mut self) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
    }
}

/// An object being written with a gap in it, for what differs from one time to the next.
pub(super) struct Gap {
    before: String,
    /// What follows the gap, once its place is known.
    after: Option<String>,
}

impl Gap {
    pub(super) fn object() -> Self {
        Self { before: "{".to_owned(), after: None }
    }

    pub(super) fn member(&mut self, name: &str, value: &str) {
        let side = self.after.as_mut().unwrap_or(&mut self.before);
        if side != "{" {
            side.push(',');
        }
        side.extend(["\"", name, "\":", value]);
    }

    /// The member whose value has the gap, between these.
    pub(super) fn gap(&mut self, name: &str, before: &str, after: &str) {
        self.member(name, before);
        self.after = Some(after.to_owned());
    }

    /// What stands before the gap, and what after it.
    pub(super) fn close(self) -> [String; 2] {
        [self.before, self.after.unwrap_or_default() + "}"]
    }
}

/// An array of elements as written.
pub(super) fn array<'a>(elements: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = List::array();
    elements.into_iter().for_each(|element| list.element(element));
    list.close()
}
