//! Choices said in chunks.
//!
//! What always holds: all of a choice is said, each text in its order, or nothing is played at all.

use super::super::cuts::{Cuts, Queue, Step, Text, words};
use super::super::events::Events;
use super::super::read::{List, Member, array, elements, get, inside, is_blank, members, one_line};
use super::{Says, Shape, TEXTS};

pub(super) fn play(shape: Shape, body: &str, mut cuts: Cuts<'_>, include_usage: bool) -> Option<Events> {
    let body = one_line(body);
    let top = members(&body)?;
    let usage = get(&top, "usage").filter(|usage| usage.starts_with('{'));
    if include_usage && usage.is_none() {
        return None;
    }
    let early = &top[..top.len().checked_sub(cuts.before()?)?];
    // As OpenAI has it: null in every chunk but the last, if usage was asked for.
    let no_usage = include_usage.then_some("null");
    let chunk = Chunk::new(shape, early, no_usage);
    let last = if include_usage { None } else { Some(Chunk::new(shape, &top, None)) };
    let mut stage = Stage { chunk, last, events: Events::default() };
    let choices = elements(get(&top, "choices")?)?;
    let count = choices.len();
    for (at, choice) in choices.into_iter().enumerate() {
        let mut choice = Choice::read(choice, at, shape.says)?;
        let steps = cuts.section(choice.logprobs.len(), || choice.steps(body.len()))?;
        choice.play(&steps, at + 1 == count, &mut stage)?;
    }
    if let Some(usage) = usage.filter(|_| include_usage) {
        let chunk = Chunk::new(shape, &top, Some(usage));
        stage.events.push("", &[&chunk.before, &chunk.after])?;
    }
    stage.events.push("", &["[DONE]"])?;
    cuts.is_over().then_some(stage.events)
}

/// What every chunk repeats, and where chunks go.
struct Stage {
    chunk: Chunk,
    /// The chunk that ends the last choice, unless one with usage follows: it has what is said after all else.
    last: Option<Chunk>,
    events: Events,
}

/// A chunk without its choices.
struct Chunk {
    before: String,
    after: String,
}

impl Chunk {
    /// A chunk with this usage, if it is to have any.
    fn new(shape: Shape, top: &[Member<'_>], usage: Option<&str>) -> Self {
        let (mut before, mut after) = (List::object(), String::new());
        let mut choices_said = false;
        for &(name, value) in top {
            let value = match name {
                "object" => shape.chunk,
                "usage" => match usage {
                    Some(usage) => usage,
                    None => continue,
                },
                "error" => continue,
                _ => value,
            };
            match name {
                "choices" => choices_said = true,
                _ if choices_said => after.extend([",\"", name, "\":", value]),
                _ => before.member(name, &[value]),
            }
        }
        before.member("choices", &["["]);
        Self { before: before.unclosed(), after: format!("]{after}}}") }
    }
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
    Text(&'a str, Text<'a>, &'a str),
    /// All at once, until it is said.
    Whole(&'a str, Option<&'a str>),
    /// The list of calls, which follow the members.
    Calls,
    Call(Call<'a>),
}

struct Call<'a> {
    index: usize,
    members: Vec<Member<'a>>,
    function: Vec<Member<'a>>,
    opened: bool,
    arguments: Text<'a>,
    whole: &'a str,
}

impl<'a> Choice<'a> {
    fn read(choice: &'a str, at: usize, says: Says) -> Option<Self> {
        let members = members(choice)?;
        let index = get(&members, "index").map_or_else(|| at.to_string(), str::to_owned);
        let said = get(&members, says.in_plain())?;
        let parts = match says {
            Says::Delta => parts_of(said)?,
            Says::Text => vec![text_part("text", said)?],
        };
        let mut logprobs = Vec::new();
        let lists = get(&members, "logprobs").filter(|lists| *lists != "null");
        for (name, list) in lists.map_or(Some(Vec::new()), super::super::read::members)? {
            let list = if list == "null" { None } else { Some(Queue::new(elements(list)?)) };
            logprobs.push((name, list));
        }
        Some(Self { says, members, index, parts, logprobs })
    }

    /// How a choice that came plain is said: what was thought first, then the text, then all else.
    fn steps(&self, of: usize) -> Vec<Step> {
        let rank = |part: &Part<'_>| match part {
            Part::Text("content" | "refusal" | "text", ..) => 1,
            Part::Text(..) => 0,
            Part::Whole(..) => 2,
            _ => 3,
        };
        let mut parts: Vec<(usize, &Part<'_>)> = self.parts.iter().enumerate().collect();
        parts.sort_by_key(|(_, part)| rank(part));
        let mut steps = Vec::new();
        for (track, part) in parts {
            match part {
                Part::Text(_, _, text) => steps.extend(words(track, text, of)),
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

    fn play(&mut self, steps: &[Step], is_last: bool, stage: &mut Stage) -> Option<()> {
        let none = vec![0; self.logprobs.len()];
        let spoken: usize = steps.iter().filter(|step| step.along.iter().any(|count| *count > 0)).count();
        let is_empty = spoken == 0 && !self.logprobs.is_empty();
        if self.says == Says::Delta {
            let opening = self.opening(steps.first());
            let logprobs = self.logprobs(&none)?;
            self.chunk(&opening, &logprobs, false, stage)?;
        }
        for step in steps {
            let said = self.step(step)?;
            let has_logprobs = step.along.iter().any(|count| *count > 0);
            let logprobs = if has_logprobs { self.logprobs(&step.along)? } else { "null".to_owned() };
            self.chunk(&said, &logprobs, false, stage)?;
        }
        let (said, logprobs) = match self.says {
            Says::Delta => ("{}", "null".to_owned()),
            // There is no opening that could say that the lists are empty.
            Says::Text if is_empty => ("\"\"", self.logprobs(&none)?),
            Says::Text => ("\"\"", "null".to_owned()),
        };
        if let Some(last) = stage.last.take_if(|_| is_last) {
            stage.chunk = last;
        }
        self.chunk(said, &logprobs, true, stage)?;
        self.is_over().then_some(())
    }

    /// The delta that says whose the message is. Of its texts the first begins with it; what is not yet said is null.
    fn opening(&self, first: Option<&Step>) -> String {
        let mut delta = List::object();
        for (track, part) in self.parts.iter().enumerate() {
            match part {
                Part::Opening(name, value) => delta.member(name, &[value]),
                Part::Text(name, _, text) => {
                    let begins = text.is_empty() || first.is_some_and(|step| step.track == track);
                    delta.member(name, &[if begins { "\"\"" } else { "null" }]);
                }
                Part::Whole(..) | Part::Calls | Part::Call(_) => {}
            }
        }
        delta.close()
    }

    /// The delta, or the text, of a step.
    fn step(&mut self, step: &Step) -> Option<String> {
        match self.parts.get_mut(step.track)? {
            Part::Text(name, text, _) => {
                let piece = text.take(step.length)?;
                Some(match self.says {
                    Says::Delta => format!("{{\"{name}\":\"{piece}\"}}"),
                    Says::Text => format!("\"{piece}\""),
                })
            }
            Part::Whole(name, value) => Some(format!("{{\"{name}\":{}}}", value.take()?)),
            Part::Call(call) => call.say(step.length),
            Part::Opening(..) | Part::Calls => None,
        }
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
        let mut choice = List::object();
        if get(&self.members, "index").is_none() {
            choice.member("index", &[&self.index]);
        }
        for &(name, value) in &self.members {
            match name {
                "logprobs" => choice.member(name, &[logprobs]),
                "finish_reason" if ends => choice.member(name, &[value]),
                _ if name == self.says.in_plain() => choice.member(self.says.in_chunk(), &[said]),
                _ if name == "index" || ends => choice.member(name, &[value]),
                _ => choice.member(name, &["null"]),
            }
        }
        stage.events.push("", &[&stage.chunk.before, &choice.close(), &stage.chunk.after])
    }

    fn is_over(&self) -> bool {
        let said = |part: &Part<'_>| match part {
            Part::Opening(..) | Part::Calls => true,
            Part::Text(_, text, _) => text.is_over(),
            Part::Whole(_, value) => value.is_none(),
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
            _ => Part::Whole(name, Some(value)),
        });
    }
    parts.append(&mut calls);
    Some(parts)
}

fn text_part<'a>(name: &'a str, value: &'a str) -> Option<Part<'a>> {
    inside(value).map(|text| Part::Text(name, Text::new(text), text))
}

impl<'a> Call<'a> {
    fn read(call: &'a str, index: usize) -> Option<Self> {
        let mut members = members(call)?;
        // Plain answers of some services have it, and it is said in any case.
        members.retain(|(name, _)| *name != "index");
        let function = super::super::read::members(get(&members, "function")?)?;
        let whole = inside(get(&function, "arguments")?)?;
        Some(Self { index, members, function, opened: false, arguments: Text::new(whole), whole })
    }

    /// The delta that says the next piece of the arguments; before the first, which call it is.
    fn say(&mut self, length: usize) -> Option<String> {
        let piece = self.arguments.take(length)?;
        let index = self.index;
        if std::mem::replace(&mut self.opened, true) {
            return Some(format!(
                "{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"{piece}\"}}}}]}}"
            ));
        }
        let mut function = List::object();
        for &(name, value) in &self.function {
            match name {
                "arguments" => function.member(name, &["\"", piece, "\""]),
                _ => function.member(name, &[value]),
            }
        }
        let function = function.close();
        let mut call = List::object();
        call.member("index", &[&index.to_string()]);
        for &(name, value) in &self.members {
            call.member(name, &[if name == "function" { &function } else { value }]);
        }
        Some(format!("{{\"tool_calls\":[{}]}}", call.close()))
    }
}
