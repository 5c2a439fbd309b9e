//! Chunks of choices, put together.
//!
//! What always holds: what a chunk repeats must be the same each time; what is said once must come at the end, of its choice
//! or of all. Anything else is said in one chunk and no other, and a plain answer has no place for when.

use super::super::Kept;
use super::super::cuts::{Sections, Step};
use super::super::read::{self, List, Member, Said, Usual, array, elements, get, inside, members};
use super::message::Message;
use super::{Says, Shape};

/// How many members an answer, or a choice of it, may have.
const MEMBERS_MAX: usize = 64;
/// How many lists there may be in `logprobs`; legacy completions have four.
const LISTS_MAX: usize = 8;

/// The most choices an answer may have; OpenAI gives no more.
const CHOICES_MAX: usize = 128;

pub(super) fn assemble(shape: Shape, said: &[Said<'_>]) -> Option<Kept> {
    let (last, chunks) = said.split_last()?;
    if last.data.trim_ascii() != "[DONE]" {
        return None;
    }
    let (top, late, choices) = (Vec::new(), Vec::new(), Vec::new());
    let mut answer = Answer { shape, top, late, usage: None, choices, usual: Usual::default() };
    for chunk in chunks {
        answer.read(&chunk.data)?;
    }
    answer.finish()
}

/// What has been said so far.
struct Answer<'a> {
    shape: Shape,
    /// What the first chunk said besides its choices, and all others repeat.
    top: Vec<Member<'a>>,
    /// What was said besides after all else was.
    late: Vec<Member<'a>>,
    usage: Option<&'a str>,
    choices: Vec<Choice<'a>>,
    /// The last chunk, if one like it says more of the same text and nothing else: of which choice, and which text.
    usual: Usual<(usize, usize)>,
}

impl<'a> Answer<'a> {
    fn read(&mut self, chunk: &'a str) -> Option<()> {
        if let Some(((choice, track), piece)) = self.usual.text(chunk) {
            return self.choices.get_mut(choice)?.message.go_on(track, piece);
        }
        self.usual.forget();
        let mut usual = None;
        let (is_first, was_late) = (self.top.is_empty(), !self.late.is_empty());
        for (name, value) in members(chunk)? {
            match name {
                "choices" => {
                    // Where its place among the others is.
                    read::set(&mut self.top, name, "");
                    let choices = elements(value)?;
                    let is_one = choices.len() == 1;
                    for choice in choices {
                        let (at, count) = self.read_choice(choice)?;
                        (count == 0 || !was_late).then_some(())?;
                        usual = (is_one && count == 1).then(|| self.usual_piece(at)).flatten();
                    }
                }
                "usage" | "error" if value == "null" => {}
                "usage" if !value.starts_with('{') => return None,
                "usage" => self.usage = Some(value),
                // Padding of random length, so that nobody can tell the words by their lengths on the wire: OpenAI's and
                // Mistral's.
                "obfuscation" | "p" if inside(value).is_some() => {}
                "object" if value != self.shape.chunk => return None,
                "object" => read::set(&mut self.top, name, self.shape.plain),
                _ => self.repeat(name, value, is_first)?,
            }
        }
        if let Some((says, piece)) = usual.filter(|_| self.late.is_empty()) {
            self.usual.learn(chunk, piece, says);
        }
        Some(())
    }

    /// What a choice said last, if a chunk that differs in nothing but the text would say more of the same.
    fn usual_piece(&self, at: usize) -> Option<((usize, usize), &'a str)> {
        let choice = self.choices.get(at).filter(|choice| choice.finish.is_none())?;
        let (track, piece) = choice.message.usual()?;
        Some(((at, track), piece))
    }

    fn repeat(&mut self, name: &'a str, value: &'a str, is_first: bool) -> Option<()> {
        let known = get(&self.top, name).or_else(|| get(&self.late, name));
        match known {
            // Some stamp each chunk with its own time.
            Some(known) => return (known == value || name == "created").then_some(()),
            None if is_first => self.top.push((name, value)),
            None if value == "null" => {}
            None => self.late.push((name, value)),
        }
        (self.top.len() + self.late.len() <= MEMBERS_MAX).then_some(())
    }

    /// Gives which choice it is, and in how many steps it says more.
    fn read_choice(&mut self, choice: &'a str) -> Option<(usize, usize)> {
        let members = members(choice)?;
        let index = get(&members, "index").map_or(Some(0), |index| index.parse().ok())?;
        let known = self.choices.iter().position(|choice| choice.index == index);
        let at = known.unwrap_or(self.choices.len());
        if known.is_none() {
            self.choices.push(Choice::new(index));
        }
        let choice = self.choices.get_mut(at).filter(|_| at < CHOICES_MAX)?;
        let said_before = choice.message.steps.len();
        choice.read(&members, self.shape.says)?;
        Some((at, choice.message.steps.len() - said_before))
    }

    fn finish(mut self) -> Option<Kept> {
        self.choices.sort_unstable_by_key(|choice| choice.index);
        let in_order = self.choices.iter().enumerate().all(|(at, choice)| choice.index == at);
        // The one chunk of an empty legacy text would be the first and the last.
        let says_nothing = |choice: &Choice<'_>| choice.message.steps.is_empty();
        let is_one_chunk = self.shape.says == Says::Text && self.choices.iter().all(says_nothing);
        if self.choices.is_empty() || !in_order || (is_one_chunk && !self.late.is_empty()) {
            return None;
        }
        let mut sections = Sections::default();
        sections.number(self.late.len());
        let mut choices = List::array();
        for choice in &self.choices {
            choices.element(&choice.finish(self.shape.says, &mut sections)?);
        }
        let choices = choices.close();
        let mut body = List::object();
        for (name, value) in self.top.into_iter().chain(self.late) {
            match (name, self.usage) {
                ("choices", usage) => {
                    body.member(name, &[&choices]);
                    usage.inspect(|usage| body.member("usage", &[usage]));
                }
                _ => body.member(name, &[value]),
            }
        }
        Some(Kept { body: body.close().into(), cuts: sections.finish().into() })
    }
}

/// What has been said of one choice.
struct Choice<'a> {
    index: usize,
    /// Its members in the order in which they came.
    names: Vec<&'a str>,
    message: Message<'a>,
    logprobs: Option<Lists<'a>>,
    /// Its first chunk had them, be it without any element.
    opens_with_logprobs: bool,
    finish: Option<&'a str>,
    /// What is said with its end; null until then.
    others: Vec<Member<'a>>,
}

impl<'a> Choice<'a> {
    fn new(index: usize) -> Self {
        Self {
            index,
            names: Vec::new(),
            message: Message::default(),
            logprobs: None,
            opens_with_logprobs: false,
            finish: None,
            others: Vec::new(),
        }
    }

    fn read(&mut self, members: &[Member<'a>], says: Says) -> Option<()> {
        let was_over = self.finish.is_some();
        let said_before = self.message.steps.len();
        let is_first = self.names.is_empty();
        let mut empty = None;
        let ends = get(members, "finish_reason").is_some_and(|reason| reason != "null");
        if is_first && get(members, "index").is_none() {
            self.names.push("index");
        }
        for &(name, value) in members {
            if !self.names.contains(&name) {
                self.names.push(name);
                (self.names.len() <= MEMBERS_MAX).then_some(())?;
            }
            match name {
                "index" | "logprobs" => {}
                "finish_reason" if !ends => {}
                "finish_reason" if was_over && self.finish != Some(value) => return None,
                "finish_reason" => self.finish = Some(value),
                _ if name == says.in_chunk() => {
                    empty = match says {
                        Says::Delta => self.message.delta(value, is_first)?,
                        Says::Text => self.message.text(name, value)?,
                    };
                }
                // What would then be there twice, here or in the plain answer.
                "delta" | "message" => return None,
                _ => self.other(name, value, ends)?,
            }
        }
        // After the text that they are about.
        if let Some(value) = get(members, "logprobs").filter(|value| *value != "null") {
            self.opens_with_logprobs |= is_first;
            let lists = self.logprobs.get_or_insert_default();
            let counts = lists.read(value)?;
            self.message.along(counts, says, said_before)?;
        }
        let says_more = self.message.steps.len() > said_before;
        match empty.filter(|_| !says_more && !ends && !was_over) {
            Some(track) => self.message.say_nothing(track),
            None if says_more && was_over => return None,
            None => {}
        }
        Some(())
    }

    fn other(&mut self, name: &'a str, value: &'a str, ends: bool) -> Option<()> {
        let known = get(&self.others, name).filter(|known| *known != "null");
        match known {
            Some(known) => (value == "null" || value == known).then_some(()),
            None if value == "null" || ends => {
                read::set(&mut self.others, name, value);
                Some(())
            }
            None => None,
        }
    }

    /// The choice of a plain answer; its cuts into `sections`.
    fn finish(&self, says: Says, sections: &mut Sections) -> Option<String> {
        let finish = self.finish?;
        let along = self.logprobs.as_ref().map_or(0, |lists| lists.0.len());
        let message = match says {
            Says::Delta => {
                // Unless nothing else would say that there are such lists.
                let comes_later = self.message.steps.iter().any(|step| !step.along.is_empty());
                sections.number(usize::from(comes_later && !self.opens_with_logprobs));
                self.message.finish(sections, along)?
            }
            Says::Text => self.message.finish_text(sections, along)?,
        };
        let mut choice = List::object();
        let mut has_message = false;
        for &name in &self.names {
            match name {
                "index" => choice.member(name, &[&self.index.to_string()]),
                "finish_reason" => choice.member(name, &[finish]),
                "logprobs" => match &self.logprobs {
                    Some(lists) => choice.member(name, &[&lists.finish()]),
                    None => choice.member(name, &["null"]),
                },
                _ if name == says.in_chunk() => {
                    has_message = true;
                    choice.member(says.in_plain(), &[&message]);
                }
                _ => choice.member(name, &[get(&self.others, name)?]),
            }
        }
        has_message.then(|| choice.close())
    }
}

/// An object whose members are lists, or null until there is one.
#[derive(Default)]
struct Lists<'a>(Vec<(&'a str, Option<Vec<&'a str>>)>);

impl<'a> Lists<'a> {
    /// Adds what an object of the same kind says. Gives how much that is, list by list.
    fn read(&mut self, value: &'a str) -> Option<Vec<usize>> {
        let mut counts = vec![0; self.0.len()];
        for (name, value) in members(value)? {
            let at = self.0.iter().position(|(known, _)| *known == name).unwrap_or(self.0.len());
            if at == self.0.len() {
                self.0.push((name, None));
                counts.push(0);
                (at < LISTS_MAX).then_some(())?;
            }
            if value != "null" {
                let found = elements(value)?;
                counts[at] = found.len();
                self.0[at].1.get_or_insert_default().extend(found);
            }
        }
        Some(counts)
    }

    fn finish(&self) -> String {
        let mut object = List::object();
        for (name, list) in &self.0 {
            match list {
                Some(list) => object.member(name, &[&array(list.iter().copied())]),
                None => object.member(name, &["null"]),
            }
        }
        object.close()
    }
}

impl Message<'_> {
    /// Lets elements of lists go along with what the chunk said last, or with no text if it said nothing.
    fn along(&mut self, counts: Vec<usize>, says: Says, said_before: usize) -> Option<()> {
        if counts.iter().all(|count| *count == 0) {
            return Some(());
        }
        if self.steps.len() == said_before {
            let name = if says == Says::Delta { "content" } else { "text" };
            let track = self.text_track(name)?;
            self.steps.push(Step::new(track, 0));
        }
        self.steps.last_mut()?.along = counts;
        self.forget_usual();
        Some(())
    }
}
