//! A response said in events.
//!
//! What always holds: events come in the documented order and are numbered from 0; each item is opened, said and closed
//! before the next; the last event is the response as it is kept.

use super::super::cuts::{Cuts, Queue, Step, Text, words};
use super::super::events::Events;
use super::super::read::{List, Member, array, elements, get, is_blank, members, text_of};
use super::parts::{Kind, Part, Place, parts_of};
use super::{ANNOTATIONS, TEXT};

pub(super) fn play(response: &str, mut cuts: Cuts<'_>) -> Option<Events> {
    let top = members(response)?;
    let last = match text_of(&top, "status")? {
        "completed" => "response.completed",
        "incomplete" => "response.incomplete",
        _ => return None,
    };
    let begun = begun(&top);
    let mut stage = Stage { events: Events::default(), of: response.len() };
    stage.say("response.created", &[("response", &begun)])?;
    stage.say("response.in_progress", &[("response", &begun)])?;
    for (at, item) in elements(get(&top, "output")?)?.into_iter().enumerate() {
        stage.item(at, item, &mut cuts)?;
    }
    stage.say(last, &[("response", response)])?;
    cuts.is_over().then_some(stage.events)
}

/// The response as it was when it began.
fn begun(top: &[Member<'_>]) -> String {
    let mut response = List::object();
    for &(name, value) in top {
        let value = match name {
            "status" => "\"in_progress\"",
            "output" => "[]",
            "usage" | "completed_at" | "incomplete_details" | "error" => "null",
            _ => value,
        };
        response.member(name, &[value]);
    }
    response.close()
}

struct Stage {
    events: Events,
    /// How long the response is.
    of: usize,
}

impl Stage {
    fn say(&mut self, kind: &str, members: &[(&str, &str)]) -> Option<()> {
        let mut event = List::object();
        event.member("type", &["\"", kind, "\""]);
        event.member("sequence_number", &[&self.events.count().to_string()]);
        members.iter().for_each(|(name, value)| event.member(name, &[value]));
        self.events.push(kind, &[&event.close()])
    }

    fn item(&mut self, at: usize, item: &str, cuts: &mut Cuts<'_>) -> Option<()> {
        let members = members(item)?;
        let index = at.to_string();
        let parts = parts_of(at, item, &members)?;
        let opening = match text_of(&members, "type")? {
            "message" | "reasoning" | "function_call" | "custom_tool_call" => opening_item(&members),
            _ => in_progress(&members),
        };
        self.say("response.output_item.added", &[("output_index", &index), ("item", &opening)])?;
        let id = get(&members, "id").filter(|id| !is_blank(id));
        for part in parts {
            let along = usize::from(!part.logprobs.is_empty());
            let steps = cuts.section(along, || steps(&part, self.of))?;
            self.part(id?, &index, &part, &steps)?;
        }
        self.say("response.output_item.done", &[("output_index", &index), ("item", item)])
    }

    fn part(&mut self, id: &str, item: &str, part: &Part<'_>, steps: &[Step]) -> Option<()> {
        let at = part.key.at.to_string();
        let mut place = vec![("item_id", id), ("output_index", item)];
        let (name, added, done) = match part.key.place {
            Place::Summary => (
                "summary_index",
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_part.done",
            ),
            Place::Content => ("content_index", "response.content_part.added", "response.content_part.done"),
            Place::Item => return self.text(&place, part, steps),
        };
        place.push((name, &at));
        self.say(added, &with(&place, &[("part", &opening_part(part))]))?;
        match part.kind {
            Kind::Other if steps.is_empty() => {}
            Kind::Other => return None,
            _ => self.text(&place, part, steps)?,
        }
        self.say(done, &with(&place, &[("part", part.value)]))
    }

    /// What is said of a part between its opening and its closing.
    fn text(&mut self, place: &[(&str, &str)], part: &Part<'_>, steps: &[Step]) -> Option<()> {
        let (delta, done) = (format!("{}.delta", part.kind.events()), format!("{}.done", part.kind.events()));
        let mut text = Text::new(part.text);
        let mut logprobs = Queue::new(part.logprobs.clone());
        let mut annotations = Queue::new(part.annotations.clone());
        for step in steps {
            if step.track == ANNOTATIONS && step.length == 1 {
                let index = annotations.said().to_string();
                let annotation = [("annotation_index", index.as_str()), ("annotation", annotations.next()?)];
                self.say("response.output_text.annotation.added", &with(place, &annotation))?;
                continue;
            }
            let piece = format!("\"{}\"", text.take(step.length).filter(|_| step.track == TEXT)?);
            let along = logprobs.take(step.along.first().copied().unwrap_or(0))?;
            let along = array(along.iter().copied());
            let said = [("delta", piece.as_str()), ("logprobs", &along)];
            let said = if part.kind == Kind::Text { &said[..] } else { &said[..1] };
            self.say(&delta, &with(place, said))?;
        }
        let whole = format!("\"{}\"", part.text);
        let all = array(part.logprobs.iter().copied());
        let mut said = vec![(part.kind.member(), whole.as_str())];
        match part.kind {
            Kind::Text => said.push(("logprobs", &all)),
            Kind::Arguments => said.extend(get(&part.members, "name").map(|name| ("name", name))),
            _ => {}
        }
        self.say(&done, &with(place, &said))?;
        (text.is_over() && logprobs.is_over() && annotations.is_over()).then_some(())
    }
}

fn with<'a>(place: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [place, more].concat()
}

/// How a part that came plain is said.
fn steps(part: &Part<'_>, of: usize) -> Vec<Step> {
    let mut steps = words(TEXT, part.text, of);
    if !part.logprobs.is_empty() {
        if steps.is_empty() {
            steps.push(Step::new(TEXT, 0));
        }
        steps[0].along = vec![part.logprobs.len()];
    }
    steps.extend(part.annotations.iter().map(|_| Step::new(ANNOTATIONS, 1)));
    steps
}

/// An item as it opens: nothing of it is said yet.
fn opening_item(members: &[Member<'_>]) -> String {
    let mut item = List::object();
    for &(name, value) in members {
        let value = match name {
            "status" if value != "null" => "\"in_progress\"",
            "content" | "summary" if value != "null" => "[]",
            "arguments" | "input" => "\"\"",
            _ => value,
        };
        item.member(name, &[value]);
    }
    item.close()
}

/// An item of another kind as it opens. What of it is known by then nobody can tell, so it is all there.
fn in_progress(members: &[Member<'_>]) -> String {
    let mut item = List::object();
    for &(name, value) in members {
        item.member(name, &[if name == "status" { "\"in_progress\"" } else { value }]);
    }
    item.close()
}

/// A part as it opens.
fn opening_part(part: &Part<'_>) -> String {
    let mut opening = List::object();
    for &(name, value) in &part.members {
        let value = match name {
            "annotations" | "logprobs" if part.kind == Kind::Text && value != "null" => "[]",
            _ if name == part.kind.member() => "\"\"",
            _ => value,
        };
        opening.member(name, &[value]);
    }
    opening.close()
}
