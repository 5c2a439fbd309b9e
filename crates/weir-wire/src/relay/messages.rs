//! Events of Anthropic messages: what they say, and small changes to them.
//!
//! What always holds: fields that weir does not act on stay as the service wrote them. Calls of tools are
//! known by their block; whatever is neither text, unsigned thinking nor a call of a tool cannot be
//! continued.

use bytes::Bytes;

use super::piece::Said;
use super::wire::{data_of, rewritten};
use crate::delta::Kind;
use crate::json::{Object, elements, encode, inside, range_of};

/// The highest index of a block that is continued. Answers have a few dozen blocks; the blocks of later attempts are
/// counted on from here, and the count must not end.
const INDEX_MAX: usize = 1 << 16;

/// An event opened down to its block or delta.
pub(super) struct Opened<'a> {
    pub(super) top: Object<'a>,
    /// The event's type.
    pub(super) kind: &'a str,
    pub(super) index: usize,
    /// `delta` or `content_block`.
    pub(super) part: Option<Object<'a>>,
    /// The part's type.
    pub(super) part_kind: &'a str,
}

impl<'a> Opened<'a> {
    pub(super) fn read(data: &'a str) -> Option<Self> {
        let top = Object::read(data)?;
        let kind = top.get("type").and_then(inside)?;
        let index = top.get("index").and_then(|index| index.parse().ok()).unwrap_or(0);
        let part = top.get("delta").or_else(|| top.get("content_block")).and_then(Object::read);
        let part_kind = part.as_ref().and_then(|part| inside(part.get("type")?)).unwrap_or_default();
        Some(Self { top, kind, index, part, part_kind })
    }

    /// The text of a text delta, or that a text block opens with, as written.
    pub(super) fn text(&self) -> Option<&'a str> {
        let part = self.part.as_ref().filter(|_| matches!(self.part_kind, "text" | "text_delta"))?;
        part.get("text").and_then(inside).filter(|text| !text.is_empty())
    }

    fn thinking(&self) -> Option<&'a str> {
        let part = self.part.as_ref().filter(|_| matches!(self.part_kind, "thinking" | "thinking_delta"))?;
        part.get("thinking").and_then(inside).filter(|text| !text.is_empty())
    }

    /// It says the seal of a block of thinking, or some of it.
    pub(super) fn is_signed(&self) -> bool {
        let signature = self.part.as_ref().and_then(|part| inside(part.get("signature")?));
        signature.is_some_and(|signature| !signature.is_empty())
    }

    /// How the answer ended.
    pub(super) fn finish(&self) -> bool {
        let reason = self.part.as_ref().and_then(|part| part.get("stop_reason"));
        self.kind == "message_delta" && reason.is_some_and(|reason| reason != "null")
    }

    fn said(&self, event: &[u8]) -> Said {
        let mut said = Said {
            content: self.text().map(|text| range_of(text, event)),
            reasoning: self.thinking().map(|text| range_of(text, event)),
            ..Said::default()
        };
        match self.kind {
            "ping" => said.idle = true,
            "message_start" => {}
            "message_stop" => said.last = true,
            "message_delta" => said.finish = self.finish(),
            "content_block_stop" => said.stop = Some(self.index),
            "content_block_start" => {
                let kind = match self.part_kind {
                    "text" => Some(Kind::Content),
                    "thinking" => Some(Kind::Reasoning),
                    _ => None,
                };
                said.start = Some((self.index, kind));
                said.tools = self.part_kind == "tool_use";
                said.other = (kind.is_none() && !said.tools) || self.is_signed() || self.index > INDEX_MAX;
                // Citations are about the text as it was: a continuation would have none.
                let cites = self.part.as_ref().and_then(|part| elements(part.get("citations")?));
                said.other |= cites.is_some_and(|cites| !cites.is_empty());
            }
            // A call's input waits with its block, if that waits.
            "content_block_delta" => {
                said.other = !matches!(self.part_kind, "text_delta" | "thinking_delta");
            }
            _ => said.other = true,
        }
        said
    }
}

/// What an event says.
pub(super) fn read(event: &[u8]) -> Said {
    let opened = data_of(event).and_then(|(data, _)| Opened::read(data));
    opened.map_or_else(Said::unknown, |opened| opened.said(event))
}

/// The event with `rest` as its text; `None` when then it says nothing.
pub(super) fn with_text(event: &Bytes, rest: &str) -> Option<Bytes> {
    if rest.is_empty() {
        return None;
    }
    let (data, place) = data_of(event)?;
    let mut opened = Opened::read(data)?;
    let mut part = opened.part?;
    part.replace("text", encode(rest));
    opened.top.replace("delta", part.write());
    Some(rewritten(event, &place, &opened.top.write()))
}

/// The event with another block index.
pub(super) fn with_index(event: &Bytes, index: usize) -> Bytes {
    let renumbered = || {
        let (data, place) = data_of(event)?;
        let mut top = Object::read(data)?;
        top.replace("index", index.to_string());
        Some(rewritten(event, &place, &top.write()))
    };
    renumbered().unwrap_or_else(|| event.clone())
}

/// A text block's opening event without the text it opens with.
pub(super) fn without_text(event: &Bytes) -> Bytes {
    let emptied = || {
        let (data, place) = data_of(event)?;
        let mut top = Object::read(data)?;
        let mut block = Object::read(top.get("content_block")?)?;
        block.replace("text", "\"\"");
        top.replace("content_block", block.write());
        Some(rewritten(event, &place, &top.write()))
    };
    emptied().unwrap_or_else(|| event.clone())
}

/// An event that says a piece of text.
pub(super) fn text_delta(index: usize, text: &str) -> Bytes {
    let text = encode(text);
    let delta = format!("{{\"type\":\"text_delta\",\"text\":{text}}}");
    let data = format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}");
    format!("event: content_block_delta\ndata: {data}\n\n").into()
}

/// An event that closes a block.
pub(super) fn block_stop(index: usize) -> Bytes {
    format!("event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n")
        .into()
}
