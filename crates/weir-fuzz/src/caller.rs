//! What a caller makes of the bytes it gets, in the three dialects that are relayed.
//!
//! What always holds: text is put together as JSON has it, by UTF-16 units, so that halves of a character find each
//! other whatever events they came in.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::Operation;
use weir_wire::sse::events;

/// What a caller has.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    /// The text of the answer, as written: the insides of JSON strings.
    written: String,
    /// Every id, as written.
    pub(crate) ids: Vec<String>,
    /// How often it was told how the answer ended.
    pub(crate) finishes: usize,
    /// How often it was told that nothing follows.
    pub(crate) closings: usize,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(borrow, default)]
    message: Option<Named<'a>>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Delta<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(default)]
    stop_reason: Option<String>,
}

impl Caller {
    /// Takes all bytes of an answer at once.
    ///
    /// # Panics
    /// An event is nothing that an SDK reads.
    pub(crate) fn read(operation: Operation, bytes: &[u8]) -> Self {
        let mut caller = Self::default();
        for event in events(bytes).filter(|event| event.data_lines > 0) {
            let data = std::str::from_utf8(&bytes[event.data]).expect("a caller gets UTF-8");
            if data == "[DONE]" {
                caller.closings += 1;
                continue;
            }
            let written: Written<'_> = serde_json::from_str(data)
                .unwrap_or_else(|error| panic!("a caller gets events it can read: {error}: {data}"));
            match operation {
                Operation::Messages => caller.message(&written),
                _ => caller.choice(&written),
            }
        }
        caller
    }

    /// The text of the answer.
    pub(crate) fn text(&self) -> String {
        let mut units = Vec::with_capacity(self.written.len());
        let mut rest = &self.written[..];
        while let Some(at) = rest.find('\\') {
            units.extend(rest[..at].encode_utf16());
            let code = rest[at..].strip_prefix("\\u").and_then(|rest| rest.get(..4));
            let length = match code.and_then(|code| u16::from_str_radix(code, 16).ok()) {
                Some(unit) => {
                    units.push(unit);
                    6
                }
                None => {
                    let escape = format!("\"{}\"", &rest[at..at + 2]);
                    let plain: String = serde_json::from_str(&escape).expect("serde_json let it pass");
                    units.extend(plain.encode_utf16());
                    2
                }
            };
            rest = &rest[at + length..];
        }
        units.extend(rest.encode_utf16());
        String::from_utf16(&units).expect("a caller gets whole characters")
    }

    fn choice(&mut self, written: &Written<'_>) {
        self.named(written.id);
        let Some(choice) = written.choices.first() else { return };
        self.say(choice.delta.as_ref().and_then(|delta| delta.content).or(choice.text));
        self.finishes += usize::from(choice.finish_reason.is_some());
    }

    fn message(&mut self, written: &Written<'_>) {
        self.named(written.message.as_ref().map(|message| message.id));
        for part in written.delta.iter().chain(&written.content_block) {
            self.say(part.text);
            self.finishes += usize::from(part.stop_reason.is_some());
        }
        self.closings += usize::from(written.kind.as_deref() == Some("message_stop"));
    }

    fn named(&mut self, id: Option<&RawValue>) {
        let id = id.map(|id| id.get().to_owned());
        self.ids.extend(id.filter(|id| !self.ids.contains(id)));
    }

    fn say(&mut self, text: Option<&RawValue>) {
        let inside = |text: &RawValue| text.get().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
        self.written.extend(text.and_then(inside));
    }
}
