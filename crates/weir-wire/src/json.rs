//! JSON objects as their members in order, unparsed, and the text inside JSON strings.
//!
//! What always holds: what is not changed is written as it was read. Text is decoded without ever failing:
//! what is no valid escape reads as U+FFFD, since whoever compares two texts must be told that they differ,
//! not that they are bad.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::envelope::Members;

/// An object's members: keys with their quotes, values as written or as set.
pub(crate) struct Object<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Reads one; `None` when the text is no JSON object.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let Members(members) = serde_json::from_str(text).ok()?;
        Some(Self(members.iter().map(|(key, value)| (key.get(), Cow::Borrowed(value.get()))).collect()))
    }

    /// The value of a member as it was read; `None` when there is none or it was set since.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        match &self.0.iter().find(|(key, _)| unquoted(key) == name)?.1 {
            Cow::Borrowed(value) => Some(value),
            Cow::Owned(_) => None,
        }
    }

    /// Names and values, in order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.0.iter().map(|(key, value)| (unquoted(key), &**value))
    }

    /// Sets a member that is there.
    pub(crate) fn replace(&mut self, name: &str, value: impl Into<String>) {
        if let Some(member) = self.0.iter_mut().find(|(key, _)| unquoted(key) == name) {
            member.1 = Cow::Owned(value.into());
        }
    }

    /// Leaves out the members that `leave` names. Says whether there were any.
    pub(crate) fn remove(&mut self, leave: impl Fn(&str) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|(key, _)| !leave(unquoted(key)));
        self.0.len() < before
    }

    /// The object as text.
    pub(crate) fn write(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

fn unquoted(key: &str) -> &str {
    key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key)
}

/// The elements of an array, unparsed.
pub(crate) fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// What is between the quotes of a JSON string; `None` for any other value.
pub(crate) fn inside(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// Where `part` lies in `whole`, of which it is a slice.
pub(crate) fn range_of(part: &str, whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Text as a JSON string, quotes included.
pub(crate) fn encode(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text that the inside of a JSON string stands for.
pub(crate) fn decode(escaped: &[u8]) -> String {
    let text = String::from_utf8_lossy(escaped);
    if !text.contains('\\') {
        return text.into_owned();
    }
    // By UTF-16 units, as JSON has it: halves of a pair find each other wherever they were written.
    let mut units = Vec::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        let (unit, length) = unescape(&rest[at..]);
        units.push(unit);
        rest = &rest[at + length..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

/// The unit of the escape that `text` begins with, and its length in bytes.
fn unescape(text: &str) -> (u16, usize) {
    const UNKNOWN: u16 = 0xFFFD;
    let Some(second) = text.chars().nth(1) else { return (UNKNOWN, 1) };
    let simple = match second {
        '"' | '\\' | '/' => second as u16,
        'b' => 0x08,
        'f' => 0x0C,
        'n' => 0x0A,
        'r' => 0x0D,
        't' => 0x09,
        'u' => {
            let digits = text.get(2..6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
            return unit.map_or((UNKNOWN, 2), |unit| (unit, 6));
        }
        _ => UNKNOWN,
    };
    (simple, 1 + second.len_utf8())
}

/// Where the first half of a surrogate pair begins that the inside of a JSON string ends with (`\ud83d`).
pub(crate) fn half_at_end(escaped: &[u8]) -> Option<usize> {
    let at = escaped.len().checked_sub(6)?;
    let [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] = escaped[at..] else {
        return None;
    };
    let slashes_before = escaped[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
    slashes_before.is_multiple_of(2).then_some(at)
}
