//! Answers: what the mock says to an [`Ask`], before any dialect words it.
//!
//! A pure function of the question, so a streamed answer, a plain one and a continued one are the same text.

use crate::ask::{Ask, Format};
use crate::chance::hash;
use crate::schema;
use crate::text::{self, Pieces};

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is complete, or a stop text was reached.
    Stop,
    /// The caller's token limit was reached.
    Length,
    /// It is a tool call.
    ToolCalls,
    /// The service's filter ended it.
    ContentFilter,
    /// DeepSeek ran out of room while answering: no answer, though the status was 200.
    InsufficientSystemResource,
}

/// A call of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What its id consists of, after the dialect's prefix.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments, as JSON text.
    pub arguments: Pieces,
}

/// Tokens read and said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt that were read anew.
    pub cache_miss: u32,
    /// Tokens of the prompt that had been read before.
    pub cache_hit: u32,
    /// Tokens thought aloud; part of `completion`.
    pub reasoning: u32,
    /// Tokens said, thoughts and calls included.
    pub completion: u32,
}

impl Usage {
    /// All tokens of the prompt.
    pub fn prompt(&self) -> u32 {
        self.cache_miss + self.cache_hit
    }
}

/// Words that take the place of those the prompt would have picked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The text of the answer.
    pub text: Option<&'a str>,
    /// The thoughts before it.
    pub thoughts: Option<&'a str>,
}

/// What is said in reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Thoughts said aloud, if any.
    pub reasoning: Pieces,
    /// The text; empty when a tool is called.
    pub content: Pieces,
    /// The tool called, if one is.
    pub call: Option<Call>,
    /// Why it ends.
    pub finish: Finish,
    /// The stop text that ended it.
    pub stopped_by: Option<String>,
}

impl Answer {
    /// The answer to `ask`; `given` replaces the words the prompt would have picked.
    pub fn compose(ask: &Ask, given: Given) -> Self {
        let mut answer = Answer::unlimited(ask, given);
        if let Some(said) = &ask.continues {
            answer.go_on_from(said, ask);
        }
        answer.obey_stops(&ask.stops);
        if let Some(tokens_max) = ask.tokens_max
            && answer.keep(tokens_max)
        {
            answer.finish = Finish::Length;
            answer.stopped_by = None;
        }
        answer
    }

    /// How many tokens are said in all.
    pub fn tokens(&self) -> u32 {
        self.reasoning.len() + self.content.len() + self.call.as_ref().map_or(0, |call| call.arguments.len())
    }

    /// Keeps the first `tokens` tokens of all that is said; true when something was dropped.
    pub fn keep(&mut self, tokens: u32) -> bool {
        let all = self.tokens();
        self.reasoning.keep(tokens);
        let left = tokens - self.reasoning.len();
        self.content.keep(left);
        let left = left - self.content.len();
        if let Some(call) = &mut self.call {
            call.arguments.keep(left);
        }
        tokens < all
    }

    fn unlimited(ask: &Ask, given: Given) -> Self {
        let reasoning = match (ask.thinking && ask.continues.is_none(), given.thoughts) {
            (false, _) => Pieces::default(),
            (true, Some(thoughts)) => Pieces::split(thoughts),
            (true, None) => text::thoughts(&ask.model, ask.topic()),
        };
        let plain = Answer {
            reasoning,
            content: Pieces::default(),
            call: None,
            finish: Finish::Stop,
            stopped_by: None,
        };
        if let Some(tool) = &ask.call {
            let arguments = schema::example(&tool.schema).to_string();
            let digest = hash(format!("{}\n{}\n{arguments}", ask.topic(), tool.name).as_bytes());
            let id = format!("{digest:016x}");
            let call = Call { id, name: tool.name.clone(), arguments: Pieces::split(&arguments) };
            return Answer { call: Some(call), finish: Finish::ToolCalls, ..plain };
        }
        let words = || match given.text {
            Some(text) => Pieces::split(text),
            None => text::passage(&ask.model, ask.topic(), ask.tokens_exact),
        };
        let content = match &ask.format {
            Format::Text => words(),
            Format::Json => Pieces::split(&serde_json::json!({"answer": words().text()}).to_string()),
            Format::Schema(schema) => Pieces::split(&schema::example(schema).to_string()),
        };
        Answer { content, ..plain }
    }

    /// Says only what comes after `said`. A caller may have trimmed the end of it; a text that is not the
    /// beginning of the answer is followed by other words, as a model would do.
    fn go_on_from(&mut self, said: &str, ask: &Ask) {
        self.content = if self.content.text().starts_with(said) {
            self.content.after(said.len())
        } else {
            text::passage(&ask.model, &format!("{}{said}", ask.topic()), ask.tokens_exact)
        };
    }

    fn obey_stops(&mut self, stops: &[String]) {
        let found = stops.iter().filter(|stop| !stop.is_empty());
        let first = found.filter_map(|stop| Some((self.content.text().find(stop.as_str())?, stop))).min();
        if let Some((at, stop)) = first {
            self.content.truncate(at);
            self.finish = Finish::Stop;
            self.stopped_by = Some(stop.clone());
        }
    }
}

#[cfg(test)]
mod tests;
