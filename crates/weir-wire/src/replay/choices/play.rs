//! Choices said in chunks.
//!
//! What always holds: all of a choice is said, each text in its order, or nothing is played at all.

use super::super::cuts::{Cuts, Queue, Step, Text, words};
use super::super::events::Events;
use super::super::read::{
    self, Gap, List, Member, array, elements, get, inside, is_blank, members, one_line,
};
use super::{Says, Shape, TEXTS};

pub(super) fn play(shape: Shape, body: &str, mut cuts: Cuts<'_>, include_usage: bool) -> Option<Events> {
    let body = one_line(body);
    let top = members(&body)?;
    let usage = get(&top, "usage").filter(|usage| usage.starts_with('{'));
    if include_usage && usage.is_none() {
        return None;
    }
    let early = &top[..top.len().checked_sub(cuts.before()?)?];
    let choices = elements(get(early, "choices")?)?;
    // As OpenAI has it: null in every chunk but the last, if usage was asked for.
    let no_usage = include_usage.then_some("null");
    let mut stage = Stage {
        chunk: chunk(shape, early, no_usage),
        last: (!include_usage).then(|| chunk(shape, &top, None)),
        events: Events::default(),
    };
    let count = choices.len();
    for (at, choice) in choices.into_iter().enumerate() {
        let mut choice = Choice::read(choice, at, shape.says)?;
        let opening = match shape.says {
            Says::Delta => {
                let has_logprobs = cuts.before()? == 0;
                Some((choice.opening(&mut cuts)?, has_logprobs))
            }
            Says::Text => None,
        };
        let steps = cuts.section(choice.logprobs.len(), || choice.steps(body.len()))?;
        stage.make_room(steps.len());
        choice.play(opening, &steps, at + 1 == count, &mut stage)?;
    }
    if let Some(usage) = usage.filter(|_| include_usage) {
        let [before, after] = chunk(shape, &top, Some(usage));
        stage.events.push("", &[&before, &after])?;
    }
    stage.events.push("", &["[DONE]"])?;
    cuts.is_over().then_some(stage.events)
}

/// What every chunk repeats, and where chunks go.
struct Stage {
    chunk: [String; 2],
    /// The chunk that ends the last choice, unless one with usage follows: it has what is said after all else.
    last: Option<[String; 2]>,
    events: Events,
}

impl Stage {
    /// Room for a choice of so many steps: growing little by little would copy what is written again and again.
    fn make_room(&mut self, steps: usize) {
        /// A choice with a few words in it, and the ends of its line.
        const CHOICE_BYTES: usize = 100;
        /// The opening, the end, usage and the closing mark.
        const OTHERS: usize = 4;
        let [before, after] = &self.chunk;
        self.events.make_room(steps.saturating_add(OTHERS), before.len() + after.len() + CHOICE_BYTES);
    }
}

/// What stands before and after the choices in a chunk with this usage, if it is to have any.
fn chunk(shape: Shape, top: &[Member<'_>], usage: Option<&str>) -> [String; 2] {
    let mut chunk = Gap::object();
    for &(name, value) in top {
        match (name, usage) {
            ("choices", _) => chunk.gap(name, "[", "]"),
            ("object", _) => chunk.member(name, shape.chunk),
            ("usage", Some(usage)) => chunk.member(name, usage),
            ("usage", None) | ("error", _) => {}
            _ => chunk.member(name, value),
        }
    }
    chunk.close()
}

/// A choice being said.
struct Choice<'a> {
    says: Says,
    members: Vec<Member<'a>>,
    index: String,
    /// What it says: members of its message, then calls.
    parts: Vec<Part<'a>>,
    logprobs: Vec<(&'a str, Option<Queue<'a>>)>,
}

enum Part<'a> {
    /// In the opening delta: the role, and what says nothing.
    Opening(&'a str, &'a str),
    /// In pieces: its name, what stands around each piece, and all of it.
    Text(&'a str, [String; 2], Text<'a>, &'a str),
    /// All at once: what stands before it, itself, and whether it has been said.
    Whole(String, &'a str, bool),
    /// The list of calls, which follow the members.
    Calls,
    Call(Call<'a>),
}

struct Call<'a> {
    /// What stands around the first piece of the arguments: which call it is.
    opening: [String; 2],
    /// What stands around the others.
    around: [String; 2],
    opened: bool,
    arguments: Text<'a>,
    whole: &'a str,
}

impl<'a> Choice<'a> {
    fn read(choice: &'a str, at: usize, says: Says) -> Option<Self> {
        let members = members(choice)?;
        let is_there = get(&members, "index").is_none_or(|index| index.parse() == Ok(at));
        if !is_there || get(&members, "delta").is_some() {
            return None;
        }
        let said = get(&members, says.in_plain())?;
        let parts = match says {
            Says::Delta => parts_of(said)?,
            Says::Text => vec![text_part("text", said)?],
        };
        let mut logprobs = Vec::new();
        let lists = get(&members, "logprobs").filter(|lists| *lists != "null");
        for (name, list) in lists.map_or(Some(Vec::new()), read::members)? {
            let list = if list == "null" { None } else { Some(Queue::new(elements(list)?)) };
            logprobs.push((name, list));
        }
        Some(Self { says, members, index: at.to_string(), parts, logprobs })
    }

    /// The parts in the order in which those of a plain choice are said: what was thought first, then the text, then all
    /// else.
    fn in_order(&self) -> Vec<(usize, &Part<'a>)> {
        let rank = |part: &Part<'_>| match part {
            Part::Text("content" | "refusal" | "text", ..) => 1,
            Part::Text(..) => 0,
            Part::Whole(..) => 2,
            _ => 3,
        };
        let mut parts: Vec<(usize, &Part<'_>)> = self.parts.iter().enumerate().collect();
        parts.sort_by_key(|(_, part)| rank(part));
        parts
    }

    /// How a choice that came plain is said.
    fn steps(&self, of: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        for (track, part) in self.in_order() {
            match part {
                Part::Text(_, _, _, text) => steps.extend(words(track, text, of)),
                Part::Whole(..) => steps.push(Step::new(track, 1)),
                Part::Call(call) => {
                    steps.push(Step::new(track, 0));
                    steps.extend(words(track, call.whole, of));
                }
                Part::Opening(..) | Part::Calls => {}
            }
        }
        self.add_logprobs(&mut steps);
        steps
    }

    /// All that goes along with texts, with the first piece of the answer's text.
    fn add_logprobs(&self, steps: &mut Vec<Step>) {
        let all: Vec<usize> =
            self.logprobs.iter().map(|(_, list)| list.as_ref().map_or(0, Queue::len)).collect();
        let is_text = |part: &Part<'_>| matches!(part, Part::Text("content" | "text" | "refusal", ..));
        let Some(track) = self.parts.iter().position(is_text).filter(|_| all.iter().any(|count| *count > 0))
        else {
            return;
        };
        match steps.iter_mut().find(|step| step.track == track) {
            Some(step) => step.along = all,
            None => steps.push(Step { track, length: 0, along: all }),
        }
    }

    fn play(
        &mut self,
        opening: Option<(String, bool)>,
        steps: &[Step],
        is_last: bool,
        stage: &mut Stage,
    ) -> Option<()> {
        let none = vec![0; self.logprobs.len()];
        let has_logprobs = |step: &Step| step.along.iter().any(|count| *count > 0);
        if let Some((opening, opens_with_logprobs)) = opening {
            let logprobs = if opens_with_logprobs { self.logprobs(&none)? } else { "null".to_owned() };
            self.chunk(&opening, &logprobs, false, stage)?;
        }
        let [before, after] = self.around("null", false, &stage.chunk);
        for step in steps {
            let said = self.parts.get_mut(step.track)?.say(step.length)?;
            if has_logprobs(step) {
                let said = said.concat();
                let logprobs = self.logprobs(&step.along)?;
                self.chunk(&said, &logprobs, false, stage)?;
            } else {
                let [open, piece, close] = said;
                stage.events.push("", &[&before, open, piece, close, &after])?;
            }
        }
        let (said, logprobs) = match self.says {
            Says::Delta => ("{}", "null".to_owned()),
            // There is no opening that could say that the lists are empty.
            Says::Text if !steps.iter().any(has_logprobs) => ("\"\"", self.logprobs(&none)?),
            Says::Text => ("\"\"", "null".to_owned()),
        };
        if let Some(last) = stage.last.take_if(|_| is_last) {
            stage.chunk = last;
        }
        self.chunk(said, &logprobs, true, stage)?;
        self.is_over().then_some(())
    }

    /// The delta that says whose the message is, and which of its texts are begun; the others are null. Sets, too, whether
    /// they are null beside each piece of another: some clients keep what was said last.
    fn opening(&mut self, cuts: &mut Cuts<'_>) -> Option<String> {
        let begun = cuts.tracks(|| self.begun())?;
        let nulls = cuts.before()? == 1;
        let mut delta = List::object();
        let mut texts = Vec::new();
        for (track, part) in self.parts.iter().enumerate() {
            match part {
                Part::Opening(name, value) => delta.member(name, &[value]),
                Part::Text(name, ..) => {
                    texts.push(*name);
                    delta.member(name, &[if begun.contains(&track) { "\"\"" } else { "null" }]);
                }
                Part::Whole(..) | Part::Calls | Part::Call(_) => {}
            }
        }
        for part in &mut self.parts {
            if let Part::Text(name, around, ..) = part {
                let mut delta = Gap::object();
                for text in texts.iter().filter(|text| nulls || *text == name) {
                    if text == name { delta.gap(name, "\"", "\"") } else { delta.member(text, "null") }
                }
                *around = delta.close();
            }
        }
        Some(delta.close())
    }

    /// The texts that a plain choice begins with: the first that is said, and those that are empty.
    fn begun(&self) -> Vec<usize> {
        let texts = self.in_order().into_iter().filter_map(|(track, part)| match part {
            Part::Text(_, _, _, text) => Some((track, text.is_empty())),
            _ => None,
        });
        let first = texts.clone().find(|(_, is_empty)| !is_empty).map(|(track, _)| track);
        texts.filter(|(track, is_empty)| *is_empty || Some(*track) == first).map(|(track, _)| track).collect()
    }

    fn logprobs(&mut self, counts: &[usize]) -> Option<String> {
        if self.logprobs.is_empty() {
            let is_object = get(&self.members, "logprobs").is_some_and(|lists| lists != "null");
            return Some(if is_object { "{}" } else { "null" }.to_owned());
        }
        let mut object = List::object();
        for ((name, list), count) in self.logprobs.iter_mut().zip(counts) {
            match list {
                Some(list) => object.member(name, &[&array(list.take(*count)?.iter().copied())]),
                None if *count > 0 => return None,
                None => object.member(name, &["null"]),
            }
        }
        Some(object.close())
    }

    fn chunk(&self, said: &str, logprobs: &str, ends: bool, stage: &mut Stage) -> Option<()> {
        let [before, after] = self.around(logprobs, ends, &stage.chunk);
        stage.events.push("", &[&before, said, &after])
    }

    /// What stands before and after the delta, or the text, in a chunk.
    fn around(&self, logprobs: &str, ends: bool, chunk: &[String; 2]) -> [String; 2] {
        let mut choice = Gap::object();
        if get(&self.members, "index").is_none() {
            choice.member("index", &self.index);
        }
        for &(name, value) in &self.members {
            match name {
                "logprobs" => choice.member(name, logprobs),
                _ if name == self.says.in_plain() => choice.gap(self.says.in_chunk(), "", ""),
                _ if name == "index" || ends => choice.member(name, value),
                _ => choice.member(name, "null"),
            }
        }
        let [before, after] = choice.close();
        [chunk[0].clone() + &before, after + &chunk[1]]
    }

    fn is_over(&self) -> bool {
        let said = |part: &Part<'_>| match part {
            Part::Opening(..) | Part::Calls => true,
            Part::Text(_, _, text, _) => text.is_over(),
            Part::Whole(_, _, said) => *said,
            Part::Call(call) => call.opened && call.arguments.is_over(),
        };
        let lists = |(_, list): &(&str, Option<Queue<'_>>)| list.as_ref().is_none_or(Queue::is_over);
        self.parts.iter().all(said) && self.logprobs.iter().all(lists)
    }
}

/// The parts of a message.
fn parts_of(message: &str) -> Option<Vec<Part<'_>>> {
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for (name, value) in members(message)? {
        parts.push(match name {
            _ if TEXTS.contains(&name) && value != "null" => text_part(name, value)?,
            "role" => Part::Opening(name, value),
            _ if is_blank(value) => Part::Opening(name, value),
            "tool_calls" => {
                for (index, call) in elements(value)?.into_iter().enumerate() {
                    calls.push(Part::Call(Call::read(call, index)?));
                }
                Part::Calls
            }
            _ => Part::Whole(format!("{{\"{name}\":"), value, false),
        });
    }
    parts.append(&mut calls);
    Some(parts)
}

fn text_part<'a>(name: &'a str, value: &'a str) -> Option<Part<'a>> {
    // A legacy text stands alone; that of a message is set when it opens.
    let around = ["\"".to_owned(), "\"".to_owned()];
    inside(value).map(|text| Part::Text(name, around, Text::new(text), text))
}

impl Part<'_> {
    /// Says so much more. Gives the delta, or the text, in three parts.
    fn say(&mut self, length: usize) -> Option<[&str; 3]> {
        match self {
            Part::Text(_, [before, after], text, _) => Some([before, text.take(length)?, after]),
            Part::Whole(before, value, said) if length == 1 && !*said => {
                *said = true;
                Some([before, value, "}"])
            }
            Part::Call(call) => call.say(length),
            _ => None,
        }
    }
}

impl<'a> Call<'a> {
    fn read(call: &'a str, index: usize) -> Option<Self> {
        let members = members(call)?;
        let function = read::members(get(&members, "function")?)?;
        let whole = inside(get(&function, "arguments")?)?;
        let index = index.to_string();
        let mut said = Gap::object();
        said.member("index", &index);
        // Plain answers of some services have an index of their own.
        for (name, value) in members.into_iter().filter(|(name, _)| *name != "index") {
            if name != "function" {
                said.member(name, value);
                continue;
            }
            let mut called = Gap::object();
            for &(name, value) in &function {
                match name {
                    "arguments" => called.gap(name, "\"", "\""),
                    _ => called.member(name, value),
                }
            }
            let [before, after] = called.close();
            said.gap(name, &before, &after);
        }
        let [before, after] = said.close();
        let opening = ["{\"tool_calls\":[".to_owned() + &before, after + "]}"];
        let more = format!("{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"");
        let around = [more, "\"}}]}".to_owned()];
        Some(Self { opening, around, opened: false, arguments: Text::new(whole), whole })
    }

    /// The delta that says the next piece of the arguments; with the first, which call it is.
    fn say(&mut self, length: usize) -> Option<[&str; 3]> {
        let piece = self.arguments.take(length)?;
        let was_opened = std::mem::replace(&mut self.opened, true);
        let [before, after] = if was_opened { &self.around } else { &self.opening };
        Some([before, piece, after])
    }
}
