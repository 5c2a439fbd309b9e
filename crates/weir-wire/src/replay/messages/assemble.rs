//! The events of a message, put together.
//!
//! What always holds: events that come in another order than the documented one, or that are not known, make no message.

use super::super::Kept;
use super::super::cuts::{Sections, Step};
use super::super::read::{
    List, Member, Said, Usual, array, elements, get, inside, is_blank, members, set, text_of,
};
use super::{ABOUT, AT_END, BESIDE_END, Spoken, TEXT};
use crate::json::encode;

pub(super) fn assemble(said: &[Said<'_>]) -> Option<Kept> {
    let [start, events @ .., end, stop] = said else { return None };
    let start = open(start, "message_start", &["message"])?;
    let end = open(end, "message_delta", &["delta", "usage", BESIDE_END])?;
    open(stop, "message_stop", &[])?;
    let mut message = members(get(&start, "message")?)?;
    let mut blocks = Blocks::default();
    for event in events {
        blocks.read(event)?;
    }
    let usage = usage(&message, &end)?;
    set(&mut message, "usage", &usage);
    finish(&mut message, &end)?;
    get(&message, "content")?;
    let mut sections = Sections::default();
    let content = blocks.finish(&mut sections)?;
    let mut body = List::object();
    for (name, value) in message {
        body.member(name, &[if name == "content" { &content } else { value }]);
    }
    Some(Kept { body: body.close().into(), cuts: sections.finish().into() })
}

/// The members of an event of this type, which has no others than these.
fn open<'a>(said: &'a Said<'_>, name: &str, known: &[&str]) -> Option<Vec<Member<'a>>> {
    let members = members(&said.data)?;
    let is_it = said.name == name && text_of(&members, "type") == Some(name);
    let is_known = |(name, value): &Member<'_>| *name == "type" || known.contains(name) || *value == "null";
    (is_it && members.iter().all(is_known)).then_some(members)
}

/// The usage at the end: what the opening said, but for what has been said since.
fn usage(message: &[Member<'_>], end: &[Member<'_>]) -> Option<String> {
    let mut usage = members(get(message, "usage").filter(|usage| *usage != "null").unwrap_or("{}"))?;
    for (name, value) in members(get(end, "usage").filter(|usage| *usage != "null").unwrap_or("{}"))? {
        if value != "null" || get(&usage, name).is_none() {
            set(&mut usage, name, value);
        }
    }
    get(&usage, "output_tokens")?.parse::<u64>().ok()?;
    let mut object = List::object();
    usage.into_iter().for_each(|(name, value)| object.member(name, &[value]));
    Some(object.close())
}

/// Adds to the message what only the end says of it.
fn finish<'a>(message: &mut Vec<Member<'a>>, end: &[Member<'a>]) -> Option<()> {
    for (name, value) in members(get(end, "delta")?)? {
        match AT_END.contains(&name) {
            true if value != "null" || get(message, name).is_none() => set(message, name, value),
            false if value != "null" => return None,
            _ => {}
        }
    }
    match get(end, BESIDE_END).filter(|value| *value != "null") {
        Some(_) if get(message, BESIDE_END).is_some() => return None,
        Some(value) => message.push((BESIDE_END, value)),
        None => {}
    }
    Some(())
}

/// The blocks so far.
#[derive(Default)]
struct Blocks<'a> {
    blocks: Vec<Block<'a>>,
    is_open: bool,
    /// The last event, if one like it says more of the same block's text.
    usual: Usual<()>,
}

impl<'a> Blocks<'a> {
    fn read(&mut self, said: &'a Said<'_>) -> Option<()> {
        if let Some(((), piece)) = self.usual.text(&said.data).filter(|_| said.name == "content_block_delta")
        {
            self.blocks.last_mut()?.say(piece);
            return Some(());
        }
        self.usual.forget();
        match said.name {
            "content_block_start" if !self.is_open => {
                let event = open(said, said.name, &["index", "content_block"])?;
                self.blocks.push(Block::read(get(&event, "content_block")?)?);
                self.is_open = true;
                self.is_at(&event)
            }
            "content_block_delta" if self.is_open => {
                let event = open(said, said.name, &["index", "delta"])?;
                self.is_at(&event)?;
                let piece = self.blocks.last_mut()?.delta(&members(get(&event, "delta")?)?)?;
                piece.inspect(|piece| self.usual.learn(&said.data, piece, ()));
                Some(())
            }
            "content_block_stop" if self.is_open => {
                self.is_open = false;
                self.is_at(&open(said, said.name, &["index"])?)
            }
            _ => None,
        }
    }

    fn is_at(&self, event: &[Member<'_>]) -> Option<()> {
        let index: usize = get(event, "index")?.parse().ok()?;
        (index.checked_add(1) == Some(self.blocks.len())).then_some(())
    }

    fn finish(&self, sections: &mut Sections) -> Option<String> {
        let mut content = List::array();
        for block in &self.blocks {
            sections.push(&block.steps, 0);
            content.element(&block.finish()?);
        }
        (!self.is_open).then(|| content.close())
    }
}

/// One block.
struct Block<'a> {
    /// As it opened.
    members: Vec<Member<'a>>,
    spoken: Option<&'static Spoken>,
    text: String,
    citations: Vec<&'a str>,
    signature: Option<&'a str>,
    steps: Vec<Step>,
}

impl<'a> Block<'a> {
    fn read(block: &'a str) -> Option<Self> {
        let members = members(block)?;
        let spoken = Spoken::of(&members)?;
        let (citations, signature, steps) = (Vec::new(), None, Vec::new());
        let mut block = Self { members, spoken, text: String::new(), citations, signature, steps };
        if let Some(spoken) = spoken.filter(|spoken| !spoken.is_input()) {
            let text = text_of(&block.members, spoken.member)?;
            if !text.is_empty() {
                block.say(text);
            }
        }
        if block.cites() {
            let cited = get(&block.members, "citations").filter(|cited| *cited != "null").unwrap_or("[]");
            elements(cited)?.into_iter().for_each(|citation| block.cite(citation));
        }
        Some(block)
    }

    fn cites(&self) -> bool {
        self.spoken.is_some_and(|spoken| spoken.member == "text")
    }

    /// Gives the piece, if one of the text's.
    fn delta(&mut self, delta: &[Member<'a>]) -> Option<Option<&'a str>> {
        let kind = text_of(delta, "type")?;
        let mut said = delta.iter().filter(|(name, value)| *name != "type" && *value != "null");
        let (Some(&(name, value)), None) = (said.next(), said.next()) else { return None };
        let spoken = self.spoken?;
        match (kind, name) {
            _ if kind == spoken.delta && name == spoken.piece && spoken.is_input() => {
                // Decoded and written anew, so that the same is written when the input is said again.
                let decoded: String = serde_json::from_str(value).ok()?;
                self.say(inside(&encode(&decoded))?);
            }
            _ if kind == spoken.delta && name == spoken.piece => self.say(inside(value)?),
            ("citations_delta", "citation") if self.cites() => self.cite(value),
            ("signature_delta", "signature") if spoken.member == "thinking" && self.signature.is_none() => {
                self.signature = Some(inside(value).map(|_| value)?);
                self.steps.push(Step::new(ABOUT, 1));
            }
            _ => return None,
        }
        Some(inside(value).filter(|_| kind == spoken.delta))
    }

    fn say(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.steps.push(Step::new(TEXT, piece.len()));
    }

    fn cite(&mut self, citation: &'a str) {
        self.citations.push(citation);
        self.steps.push(Step::new(ABOUT, 1));
    }

    fn finish(&self) -> Option<String> {
        let text = match self.spoken {
            Some(spoken) if !spoken.is_input() => Some(format!("\"{}\"", self.text)),
            Some(_) if !self.text.is_empty() => Some(self.input()?),
            _ => None,
        };
        let citations = array(self.citations.iter().copied());
        let mut members = self.members.clone();
        if let (Some(spoken), Some(text)) = (self.spoken, &text) {
            set(&mut members, spoken.member, text);
        }
        if !self.citations.is_empty() {
            set(&mut members, "citations", &citations);
        }
        if let Some(signature) = self.signature {
            set(&mut members, "signature", signature);
        }
        let mut block = List::object();
        members.into_iter().for_each(|(name, value)| block.member(name, &[value]));
        Some(block.close())
    }

    /// The input that was said as text. An answer that ended within it has none.
    fn input(&self) -> Option<String> {
        let input: String = serde_json::from_str(&format!("\"{}\"", self.text)).ok()?;
        let is_object = input.trim_ascii() == input && members(&input).is_some();
        // What it opened with would be lost.
        let nothing_before = get(&self.members, "input").is_some_and(is_blank);
        (is_object && nothing_before).then_some(input)
    }
}
