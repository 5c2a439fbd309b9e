//! A message said in events.
//!
//! What always holds: all of each block is said, or nothing is played at all.

use super::super::cuts::{Cuts, Queue, Step, Text, words};
use super::super::events::Events;
use super::super::read::{List, Member, elements, get, inside, is_blank, members, one_line, text_of};
use super::{ABOUT, AT_END, BESIDE_END, Spoken, TEXT, USAGE_AT_START};
use crate::json::encode;

pub(super) fn play(body: &str, mut cuts: Cuts<'_>) -> Option<Events> {
    let message = members(body)?;
    let usage = members(get(&message, "usage")?)?;
    get(&usage, "output_tokens")?.parse::<u64>().ok()?;
    let mut events = Events::default();
    start(&message, &usage, &mut events)?;
    for (index, block) in elements(get(&message, "content")?)?.into_iter().enumerate() {
        let block = Block::read(block)?;
        let steps = cuts.section(0, || block.steps(body.len()))?;
        block.play(&index.to_string(), &steps, &mut events)?;
    }
    end(&message, &usage, &mut events)?;
    events.push("message_stop", &[r#"{"type":"message_stop"}"#])?;
    cuts.is_over().then_some(events)
}

fn start(message: &[Member<'_>], usage: &[Member<'_>], events: &mut Events) -> Option<()> {
    let mut counts = List::object();
    for &(name, value) in usage {
        counts.member(name, &[if name == "output_tokens" { "0" } else { value }]);
    }
    let counts = counts.close();
    let mut opening = List::object();
    for &(name, value) in message {
        match name {
            "content" => opening.member(name, &["[]"]),
            "usage" => opening.member(name, &[&counts]),
            BESIDE_END => {}
            _ if AT_END.contains(&name) => opening.member(name, &["null"]),
            _ => opening.member(name, &[value]),
        }
    }
    let opening = opening.close();
    events.push("message_start", &[r#"{"type":"message_start","message":"#, &one_line(&opening), "}"])
}

fn end(message: &[Member<'_>], usage: &[Member<'_>], events: &mut Events) -> Option<()> {
    let mut delta = List::object();
    let said = message.iter().filter(|(name, _)| AT_END.contains(name));
    said.for_each(|(name, value)| delta.member(name, &[value]));
    let mut counts = List::object();
    let said = usage.iter().filter(|(name, _)| !USAGE_AT_START.contains(name));
    said.for_each(|(name, value)| counts.member(name, &[value]));
    let mut event = List::object();
    event.member("type", &["\"message_delta\""]);
    event.member("delta", &[&delta.close()]);
    event.member("usage", &[&counts.close()]);
    if let Some(value) = get(message, BESIDE_END) {
        event.member(BESIDE_END, &[value]);
    }
    events.push("message_delta", &[&one_line(&event.close())])
}

/// A block to be said.
struct Block<'a> {
    members: Vec<Member<'a>>,
    spoken: Option<&'static Spoken>,
    /// The text, the thoughts, or the input as the text that it is said in.
    text: String,
    /// Its citations, or its signature.
    about: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn read(block: &'a str) -> Option<Self> {
        let members = members(block)?;
        let spoken = Spoken::of(&members)?;
        let text = match spoken {
            Some(spoken) if spoken.is_input() => inside(&encode(get(&members, spoken.member)?))?.to_owned(),
            Some(spoken) => text_of(&members, spoken.member)?.to_owned(),
            None => String::new(),
        };
        let about = match spoken.map(|spoken| spoken.member) {
            Some("text") => {
                elements(get(&members, "citations").filter(|cited| *cited != "null").unwrap_or("[]"))?
            }
            Some("thinking") => {
                get(&members, "signature").filter(|signature| !is_blank(signature)).into_iter().collect()
            }
            _ => Vec::new(),
        };
        Some(Self { members, spoken, text, about })
    }

    fn has_input(&self) -> bool {
        self.spoken.is_some_and(Spoken::is_input)
    }

    /// How a block that came plain is said.
    fn steps(&self, of: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.has_input() {
            // As Anthropic begins every input.
            steps.push(Step::new(TEXT, 0));
        }
        if !self.has_input() || self.text != "{}" {
            steps.extend(words(TEXT, &self.text, of));
        }
        steps.extend(self.about.iter().map(|_| Step::new(ABOUT, 1)));
        steps
    }

    fn play(&self, index: &str, steps: &[Step], events: &mut Events) -> Option<()> {
        let is_said = |step: &Step| step.track == TEXT && step.length > 0;
        // An input without pieces is what its opening says.
        let opens_with_input = self.has_input() && !steps.iter().any(is_said);
        let block = self.opening(opens_with_input);
        let before = r#"{"type":"content_block_start","index":"#;
        events.push("content_block_start", &[before, index, r#","content_block":"#, &block, "}"])?;
        let mut text = Text::new(if opens_with_input { "" } else { &self.text });
        let mut about = Queue::new(self.about.clone());
        let before = r#"{"type":"content_block_delta","index":"#;
        for step in steps {
            let spoken = self.spoken?;
            let (kind, name, quote, value) = match step.track {
                TEXT => (spoken.delta, spoken.piece, "\"", text.take(step.length)?),
                ABOUT if step.length != 1 => return None,
                ABOUT if spoken.member == "text" => ("citations_delta", "citation", "", about.next()?),
                ABOUT => ("signature_delta", "signature", "", self.signature(&mut about)?),
                _ => return None,
            };
            let value = one_line(value);
            let kind = [r#","delta":{"type":""#, kind, "\",\""].concat();
            let data = [before, index, &kind, name, "\":", quote, &value, quote, "}}"];
            events.push("content_block_delta", &data)?;
        }
        events.push("content_block_stop", &[r#"{"type":"content_block_stop","index":"#, index, "}"])?;
        (text.is_over() && about.is_over()).then_some(())
    }

    /// The signature, which some services give as an empty text.
    fn signature(&self, about: &mut Queue<'a>) -> Option<&'a str> {
        if about.len() == 0 { get(&self.members, "signature") } else { about.next() }
    }

    /// The block as it opens: without what is said in deltas.
    fn opening(&self, with_input: bool) -> String {
        let mut block = List::object();
        for &(name, value) in &self.members {
            let is_spoken = self.spoken.is_some_and(|spoken| spoken.member == name);
            let value = match name {
                _ if is_spoken && with_input => value,
                "input" if is_spoken => "{}",
                _ if is_spoken => "\"\"",
                "citations" if !self.about.is_empty() => "[]",
                "signature" if !self.about.is_empty() => "\"\"",
                _ => value,
            };
            block.member(name, &[value]);
        }
        one_line(&block.close()).into_owned()
    }
}
