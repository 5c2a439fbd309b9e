//! The parts of a response that are said in pieces, in the order in which they are said.

use super::super::read::{Member, elements, get, inside, members, text_of};

/// Which part: of which item, where in the item, and which of those there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) item: usize,
    pub(super) place: Place,
    pub(super) at: usize,
}

/// Where in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The summary of what was thought.
    Summary,
    /// The content.
    Content,
    /// The item itself: what a tool is called with.
    Item,
}

/// A part.
pub(super) struct Part<'a> {
    pub(super) key: Key,
    pub(super) kind: Kind,
    /// As written in the response; of an item, the whole item.
    pub(super) value: &'a str,
    pub(super) members: Vec<Member<'a>>,
    pub(super) text: &'a str,
    pub(super) annotations: Vec<&'a str>,
    pub(super) logprobs: Vec<&'a str>,
}

/// What a part is, and what its events are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thoughts,
    Summary,
    Arguments,
    Input,
    /// Of a kind that is not known: only opened and closed.
    Other,
}

impl Kind {
    /// The name of its events, before `.delta` and `.done`.
    pub(super) const fn events(self) -> &'static str {
        match self {
            Self::Text => "response.output_text",
            Self::Refusal => "response.refusal",
            Self::Thoughts => "response.reasoning_text",
            Self::Summary => "response.reasoning_summary_text",
            Self::Arguments => "response.function_call_arguments",
            Self::Input => "response.custom_tool_call_input",
            Self::Other => "",
        }
    }

    /// The member that has its text.
    pub(super) const fn member(self) -> &'static str {
        match self {
            Self::Text | Self::Thoughts | Self::Summary => "text",
            Self::Refusal => "refusal",
            Self::Arguments => "arguments",
            Self::Input => "input",
            Self::Other => "",
        }
    }

    fn of_part(kind: &str) -> Self {
        match kind {
            "output_text" => Self::Text,
            "refusal" => Self::Refusal,
            "reasoning_text" => Self::Thoughts,
            "summary_text" => Self::Summary,
            _ => Self::Other,
        }
    }
}

impl Key {
    /// Of the part that an event says a piece of.
    pub(super) fn of(kind: &str, event: &[Member<'_>]) -> Option<Self> {
        let number = |name| get(event, name)?.parse().ok();
        let place = match kind {
            "response.output_text.delta"
            | "response.output_text.annotation.added"
            | "response.refusal.delta"
            | "response.reasoning_text.delta" => Place::Content,
            "response.reasoning_summary_text.delta" => Place::Summary,
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => Place::Item,
            _ => return None,
        };
        let at = match place {
            Place::Content => number("content_index")?,
            Place::Summary => number("summary_index")?,
            Place::Item => 0,
        };
        Some(Self { item: number("output_index")?, place, at })
    }
}

/// All parts of a response.
pub(super) fn parts(response: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    for (at, item) in elements(get(&members(response)?, "output")?)?.into_iter().enumerate() {
        parts.extend(parts_of(at, item, &members(item)?)?);
    }
    Some(parts)
}

/// The parts of an item.
pub(super) fn parts_of<'a>(item: usize, value: &'a str, members: &[Member<'a>]) -> Option<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    match text_of(members, "type")? {
        "message" | "reasoning" => {
            for (place, name) in [(Place::Summary, "summary"), (Place::Content, "content")] {
                let list = get(members, name).filter(|list| *list != "null").unwrap_or("[]");
                for (at, part) in elements(list)?.into_iter().enumerate() {
                    parts.push(Part::read(Key { item, place, at }, part)?);
                }
            }
        }
        "function_call" => parts.push(Part::of_item(Kind::Arguments, item, value, members)?),
        "custom_tool_call" => parts.push(Part::of_item(Kind::Input, item, value, members)?),
        _ => {}
    }
    Some(parts)
}

impl<'a> Part<'a> {
    fn read(key: Key, value: &'a str) -> Option<Self> {
        let members = members(value)?;
        let kind = Kind::of_part(text_of(&members, "type")?);
        let text = if kind == Kind::Other { "" } else { text_of(&members, kind.member())? };
        let list = |name| match get(&members, name) {
            Some(list) if kind == Kind::Text && list != "null" => elements(list),
            _ => Some(Vec::new()),
        };
        let (annotations, logprobs) = (list("annotations")?, list("logprobs")?);
        Some(Self { key, kind, value, members, text, annotations, logprobs })
    }

    fn of_item(kind: Kind, item: usize, value: &'a str, members: &[Member<'a>]) -> Option<Self> {
        let text = get(members, kind.member()).and_then(inside)?;
        let key = Key { item, place: Place::Item, at: 0 };
        let (members, annotations, logprobs) = (members.to_vec(), Vec::new(), Vec::new());
        Some(Self { key, kind, value, members, text, annotations, logprobs })
    }
}
