//! Responses: the last event of a stream is the plain answer, and all events before it can be told from it.
//!
//! What always holds: nothing is taken on trust. A stream is kept only if the one played from what is kept has the same
//! events in the same order, each saying the same.

mod parts;
mod play;

use std::collections::HashMap;

use weir_core::Operation;

use self::parts::{Key, parts};
use super::cuts::{Cuts, Sections, Step};
use super::events::Events;
use super::read::{self, Member, Said, elements, get, members, same, text_of};
use super::{Kept, Player};

pub(super) struct Responses;

/// The track of a part's text.
const TEXT: usize = 0;
/// The track of its annotations.
const ANNOTATIONS: usize = 1;

impl Player for Responses {
    fn operation(&self) -> Operation {
        Operation::Responses
    }

    fn assemble(&self, said: &[Said<'_>]) -> Option<Kept> {
        // Some services close with the mark of the other dialects, which tells nobody anything.
        let said = match said {
            [said @ .., mark] if mark.data.trim_ascii() == "[DONE]" => said,
            said => said,
        };
        let events: Vec<Vec<Member<'_>>> =
            said.iter().map(|event| members(&event.data)).collect::<Option<_>>()?;
        let last = events.last()?;
        let response = get(last, "response")?;
        let mut steps = steps(&events)?;
        let mut sections = Sections::default();
        for part in parts(response)? {
            let along = usize::from(!part.logprobs.is_empty());
            sections.push(&steps.remove(&part.key).unwrap_or_default(), along);
        }
        let kept = Kept { body: response.to_owned().into(), cuts: sections.finish().into() };
        let played = play::play(response, Cuts::read(&kept.cuts))?;
        is_said_by(&events, &played).then_some(kept)
    }

    fn play(&self, body: &str, cuts: Cuts<'_>, _include_usage: bool) -> Option<Events> {
        play::play(&read::one_line(body), cuts)
    }
}

/// How each part of the response was said.
fn steps(events: &[Vec<Member<'_>>]) -> Option<HashMap<Key, Vec<Step>>> {
    let mut steps: HashMap<Key, Vec<Step>> = HashMap::new();
    for event in events {
        let kind = text_of(event, "type")?;
        let Some(key) = Key::of(kind, event) else { continue };
        let steps = steps.entry(key).or_default();
        if kind == "response.output_text.annotation.added" {
            steps.push(Step::new(ANNOTATIONS, 1));
            continue;
        }
        let logprobs = get(event, "logprobs").filter(|logprobs| *logprobs != "null").unwrap_or("[]");
        let along = match elements(logprobs)?.len() {
            0 => Vec::new(),
            count => vec![count],
        };
        steps.push(Step { track: TEXT, length: text_of(event, "delta")?.len(), along });
    }
    Some(steps)
}

/// Whether a played stream says what these events say.
fn is_said_by(events: &[Vec<Member<'_>>], played: &Events) -> bool {
    let Some(played) = read::said(played.as_bytes()) else { return false };
    let says = |(event, said): (&Vec<Member<'_>>, &Said<'_>)| {
        members(&said.data).is_some_and(|said| is_said(event, &said))
    };
    events.len() == played.len() && events.iter().zip(&played).all(says)
}

/// Whether an event is said by another: but for how it is numbered and padded, and for what is not yet said in openings,
/// whose words for that differ.
fn is_said(event: &[Member<'_>], by: &[Member<'_>]) -> bool {
    let kind = text_of(by, "type").unwrap_or_default();
    event.iter().all(|&(name, value)| match (name, get(by, name)) {
        ("sequence_number" | "obfuscation", _) => true,
        (_, None) => value == "null",
        ("response", Some(said)) if matches!(kind, "response.created" | "response.in_progress") => {
            agree(value, said, &["id", "model"])
        }
        ("item", Some(said)) if kind == "response.output_item.added" => {
            agree(value, said, &["id", "type", "call_id", "name", "role"])
        }
        ("part", Some(said)) if kind.ends_with("part.added") => agree(value, said, &["type"]),
        (_, Some(said)) => same(value, said),
    })
}

/// Whether two objects do not differ in these members.
fn agree(one: &str, other: &str, names: &[&str]) -> bool {
    let (Some(one), Some(other)) = (members(one), members(other)) else { return false };
    names.iter().all(|name| get(&one, name).is_none_or(|value| get(&other, name) == Some(value)))
}
