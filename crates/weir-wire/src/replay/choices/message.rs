//! The message of one choice, put together from deltas: texts, calls of tools, and what is said once.
//!
//! What always holds: in the plain message, what its opening delta says comes first, then what is said once and the calls,
//! each in the order in which it came; so that the message of the played stream has the same order.

use super::super::cuts::{Sections, Step};
use super::super::read::{self, List, Member, elements, get, inside, is_blank, members, text_of};
use super::TEXTS;

/// How many members a message may have.
const MEMBERS_MAX: usize = 128;

/// Tracks of calls begin here until it is known how many members the message has.
const CALLS: usize = 1 << 32;

/// What has been said.
#[derive(Default)]
pub(super) struct Message<'a> {
    members: Vec<(&'a str, Part<'a>)>,
    calls: Vec<Call<'a>>,
    pub(super) steps: Vec<Step>,
    usual: Option<(usize, &'a str)>,
    /// The texts that the opening delta said were empty, rather than null.
    begun: Vec<usize>,
    /// The members that were null beside a piece of text.
    beside: Vec<usize>,
}

enum Part<'a> {
    /// Nothing so far: null, or an empty list.
    Blank(&'a str),
    /// The role.
    Fixed(&'a str),
    /// In pieces.
    Text(String),
    /// All at once.
    Whole(&'a str),
    /// Calls of tools.
    Calls,
}

struct Call<'a> {
    members: Vec<Member<'a>>,
    function: Vec<Member<'a>>,
    arguments: String,
}

impl<'a> Message<'a> {
    /// Takes a delta. Gives the text that it says is empty, if it says no other thing.
    pub(super) fn delta(&mut self, delta: &'a str, is_first: bool) -> Option<Option<usize>> {
        let mut empty = None;
        let said_before = self.steps.len();
        let members = if delta == "null" { Vec::new() } else { members(delta)? };
        for &(name, value) in &members {
            self.member(name, value)?;
        }
        let texts = members.iter().filter(|(name, _)| TEXTS.contains(name));
        let says_text = texts.clone().any(|(_, value)| !is_blank(value));
        for &(name, value) in texts {
            let at = self.place(name)?;
            match value {
                "\"\"" if is_first => note(&mut self.begun, at),
                "\"\"" if self.steps.len() == said_before => empty = Some(at),
                "null" if says_text => note(&mut self.beside, at),
                _ => {}
            }
        }
        Some(empty)
    }

    /// Takes a member of a delta.
    pub(super) fn member(&mut self, name: &'a str, value: &'a str) -> Option<()> {
        let at = self.place(name)?;
        let part = &mut self.members[at].1;
        match (name, value) {
            ("role", "null") => {}
            ("role", _) => match part {
                Part::Fixed(role) if *role != value => return None,
                _ => *part = Part::Fixed(inside(value).map(|_| value)?),
            },
            (_, "null") => {}
            (_, _) if TEXTS.contains(&name) => self.say(at, inside(value)?),
            ("tool_calls", calls) if !is_blank(calls) => {
                *part = Part::Calls;
                for call in elements(calls)? {
                    self.call(call)?;
                }
            }
            _ => match part {
                Part::Blank(blank) if is_blank(value) => *blank = value,
                Part::Blank(_) => {
                    *part = Part::Whole(value);
                    self.usual = None;
                    self.steps.push(Step::new(at, 1));
                }
                // More of a list, or the same again: nobody knows which.
                _ if !is_blank(value) => return None,
                _ => {}
            },
        }
        Some(())
    }

    /// Takes the text of a legacy choice. Gives it if it is empty.
    pub(super) fn text(&mut self, name: &'a str, value: &'a str) -> Option<Option<usize>> {
        let at = self.place(name)?;
        let text = inside(value)?;
        self.say(at, text);
        Some(text.is_empty().then_some(at))
    }

    /// Says an empty piece of a text.
    pub(super) fn say_nothing(&mut self, track: usize) {
        self.steps.push(Step::new(track, 0));
        self.usual = None;
    }

    /// Says more of a text or of a call's arguments that has been begun.
    pub(super) fn go_on(&mut self, track: usize, piece: &str) -> Option<()> {
        match track.checked_sub(CALLS) {
            None => match &mut self.members.get_mut(track)?.1 {
                Part::Text(text) => text.push_str(piece),
                _ => return None,
            },
            Some(call) => self.calls.get_mut(call)?.arguments.push_str(piece),
        }
        self.steps.push(Step::new(track, piece.len()));
        Some(())
    }

    /// The track and the piece of what was said last, if that was more of what had been begun.
    pub(super) fn usual(&self) -> Option<(usize, &'a str)> {
        self.usual
    }

    /// What was said last is not like what comes next.
    pub(super) fn forget_usual(&mut self) {
        self.usual = None;
    }

    /// The track of a text that has been named, be it null.
    pub(super) fn text_track(&mut self, name: &str) -> Option<usize> {
        let at = self.members.iter().position(|(known, _)| *known == name)?;
        if let Part::Blank(_) = self.members[at].1 {
            self.members[at].1 = Part::Text(String::new());
        }
        matches!(self.members[at].1, Part::Text(_)).then_some(at)
    }

    fn place(&mut self, name: &'a str) -> Option<usize> {
        let known = self.members.iter().position(|(known, _)| *known == name);
        known.or_else(|| {
            self.members.push((name, Part::Blank("null")));
            (self.members.len() <= MEMBERS_MAX).then(|| self.members.len() - 1)
        })
    }

    fn say(&mut self, at: usize, piece: &'a str) {
        if !piece.is_empty() {
            self.steps.push(Step::new(at, piece.len()));
            self.usual = Some((at, piece));
        }
        match &mut self.members[at].1 {
            Part::Text(text) => text.push_str(piece),
            part => *part = Part::Text(piece.to_owned()),
        }
    }

    fn call(&mut self, call: &'a str) -> Option<()> {
        let mut members = members(call)?;
        let index: usize = get(&members, "index")?.parse().ok()?;
        members.retain(|(name, _)| *name != "index");
        let function = get(&members, "function").filter(|function| *function != "null");
        let function = function.map_or(Some(Vec::new()), read::members)?;
        let arguments = match get(&function, "arguments") {
            None | Some("null") => None,
            Some(arguments) => Some(inside(arguments)?),
        };
        if index > self.calls.len() {
            return None;
        }
        let is_new = index == self.calls.len();
        if is_new {
            get(&members, "function")?;
            self.calls.push(Call { members, function, arguments: String::new() });
        } else {
            self.calls[index].goes_on(&members, &function).then_some(())?;
        }
        // An empty piece, too, is an event that SDKs tell of.
        if is_new || arguments.is_some() {
            let arguments = arguments.unwrap_or_default();
            self.calls[index].arguments.push_str(arguments);
            self.steps.push(Step::new(CALLS + index, arguments.len()));
            self.usual = (!is_new).then_some((CALLS + index, arguments));
        }
        Some(())
    }

    /// The plain message; its cuts into `sections`.
    pub(super) fn finish(&self, sections: &mut Sections, along: usize) -> Option<String> {
        let mut object = List::object();
        let mut tracks = vec![0; self.members.len()];
        let mut count = 0;
        for comes_late in [false, true] {
            let found = self.members.iter().enumerate();
            for (at, (name, part)) in found.filter(|(_, (_, part))| part.comes_late() == comes_late) {
                tracks[at] = count;
                count += 1;
                match part {
                    Part::Blank(value) | Part::Fixed(value) | Part::Whole(value) => {
                        object.member(name, &[value]);
                    }
                    Part::Text(text) => object.member(name, &["\"", text, "\""]),
                    Part::Calls => object.member(name, &[&self.finish_calls()]),
                }
            }
        }
        let is_text = |at: &usize| matches!(self.members[*at].1, Part::Text(_));
        let is_said = |at: usize| self.steps.iter().any(|step| step.track == at);
        // A text that nothing else says is empty.
        let is_unsaid =
            |at: usize| matches!(&self.members[at].1, Part::Text(text) if text.is_empty()) && !is_said(at);
        let begun = (0..self.members.len()).filter(|at| self.begun.contains(at) || is_unsaid(*at));
        let mut begun: Vec<usize> = begun.map(|at| tracks[at]).collect();
        begun.sort_unstable();
        sections.tracks(&begun);
        sections.number(usize::from(self.beside.iter().any(is_text)));
        let track = |track: usize| tracks.get(track).copied().unwrap_or(count + track.saturating_sub(CALLS));
        let steps = self.steps.iter().map(|step| Step { track: track(step.track), ..step.clone() });
        sections.push(&steps.collect::<Vec<_>>(), along);
        Some(object.close())
    }

    /// The text of a legacy choice.
    pub(super) fn finish_text(&self, sections: &mut Sections, along: usize) -> Option<String> {
        sections.push(&self.steps, along);
        match &self.members[..] {
            [(_, Part::Text(text))] => Some(format!("\"{text}\"")),
            _ => None,
        }
    }

    fn finish_calls(&self) -> String {
        let mut calls = List::array();
        for call in &self.calls {
            calls.element(&call.finish());
        }
        calls.close()
    }
}

/// Adds a track that is not there yet.
fn note(tracks: &mut Vec<usize>, track: usize) {
    if !tracks.contains(&track) {
        tracks.push(track);
    }
}

impl Part<'_> {
    /// Whether it is no part of the opening delta.
    const fn comes_late(&self) -> bool {
        matches!(self, Self::Whole(_) | Self::Calls)
    }
}

impl Call<'_> {
    /// Whether a later piece of the call says nothing but arguments. SDKs would put a name that came again behind the first.
    fn goes_on(&self, members: &[Member<'_>], function: &[Member<'_>]) -> bool {
        let same_kind = get(members, "type")
            .is_none_or(|kind| is_blank(kind) || text_of(members, "type") == text_of(&self.members, "type"));
        let said_once = |(name, value): &Member<'_>| {
            matches!(*name, "type" | "function" | "arguments") || is_blank(value)
        };
        same_kind && members.iter().chain(function).all(said_once)
    }

    fn finish(&self) -> String {
        let mut function = List::object();
        let named = self.function.iter().filter(|(name, _)| *name != "arguments");
        named.for_each(|(name, value)| function.member(name, &[value]));
        function.member("arguments", &["\"", &self.arguments, "\""]);
        let function = function.close();
        let mut call = List::object();
        for &(name, value) in &self.members {
            call.member(name, &[if name == "function" { &function } else { value }]);
        }
        call.close()
    }
}
