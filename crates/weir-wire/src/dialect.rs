//! How each operation's answers are read. One file per format, and one line in [`ALL`].

mod anthropic_count_tokens;
mod anthropic_messages;
mod openai_chat;
mod openai_embeddings;
mod openai_responses;
mod openai_usage;

use serde::Deserialize;
use weir_core::{Class, Failure, Finish, Operation, Said, Usage};

/// Every format weir reads. [`Operation::Other`] has none: it passes as bytes.
pub static ALL: &[&dyn Format] = &[
    &openai_chat::CHAT,
    &openai_chat::LEGACY,
    &openai_embeddings::Embeddings,
    &openai_responses::Responses,
    &anthropic_messages::Messages,
    &anthropic_count_tokens::CountTokens,
];

/// The format of an operation's answers; `None` for those that pass as bytes.
pub fn format(operation: Operation) -> Option<&'static dyn Format> {
    ALL.iter().copied().find(|format| format.operation() == operation)
}

/// What a service is doing: how long it may pause depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It writes the answer.
    #[default]
    Content,
    /// It thinks.
    Reasoning,
    /// It calls a tool.
    Tool,
}

/// What one event of a stream says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// It is not for the caller (garbled, or asked for by weir alone).
    pub drop: bool,
    /// It carries something of the answer.
    pub progress: bool,
    /// Tokens it reports.
    pub usage: Option<Usage>,
    /// It reports usage and nothing else.
    pub usage_only: bool,
    /// How the service says the answer ended.
    pub finish: Option<Finish>,
    /// The choices it speaks of, and how each ended. Empty when there is only one to speak of.
    pub choices: Vec<(usize, Option<Finish>)>,
    /// Nothing comes after it.
    pub last: bool,
    /// What the service is doing, when the event says so.
    pub phase: Option<Phase>,
    /// Its one text, and where that lies in the data. An event that differs from this one in nothing else says all the rest
    /// that this one says.
    pub text: Option<Said>,
}

/// What a whole body says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole {
    /// Tokens it reports.
    pub usage: Option<Usage>,
    /// How the service says the answer ended; `None` for one that is made in the background and asked for later.
    pub finish: Option<Finish>,
}

/// How closely an event is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// Something of the answer has been seen. The careful parse that tells a first token from an empty opening chunk is
    /// made only until then.
    pub begun: bool,
    /// The answer may be of several choices, so that it matters which one an event speaks of.
    pub several: bool,
}

/// Reads the answers of one operation.
pub trait Format: Sync {
    /// Which operation's.
    fn operation(&self) -> Operation;

    /// Reads one event: its name, empty when it has none, and its data.
    ///
    /// # Errors
    /// The service says in its stream that it failed, or the event cannot be read and held a piece of the answer.
    fn read_event(&self, name: &[u8], data: &[u8], care: Care) -> Result<Reading, Failure>;

    /// Reads a whole body.
    ///
    /// # Errors
    /// The body is not an answer, though its status said so, or does not say how the answer ended.
    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure>;

    /// What closes a stream after its last event, if the format has such a mark.
    fn closing(&self) -> &'static [u8] {
        b""
    }

    /// Whether `id:` and `retry:` lines must not reach the caller (openai-python raises on them).
    fn strips_id_and_retry(&self) -> bool {
        false
    }
}

/// Parses JSON text; `None` when it is not that. Checking UTF-8 once for the whole costs less than value by value.
fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(bytes).ok()?).ok()
}

/// Data that cannot be read. It is left out, unless it may have held a piece of the answer: then all that follows would
/// be joined on in the wrong place, and whoever continues broken answers can give that piece again.
fn garbled(held_a_piece: bool) -> Result<Reading, Failure> {
    if held_a_piece {
        let message = "a piece of the answer came in an event that cannot be read";
        return Err(Failure::new(Class::Truncated, message));
    }
    Ok(Reading { drop: true, ..Reading::default() })
}

/// A body that does not say how its answer ended: nobody knows what is missing.
fn no_end(what: &str) -> Failure {
    Failure::new(
        Class::Truncated,
        format!("the service answered without {what}, so the answer may be cut short"),
    )
}

/// A body that is no answer in this format.
fn no_answer(what: &str, body: &[u8]) -> Failure {
    let shown: String = String::from_utf8_lossy(body).chars().take(80).collect();
    Failure::new(Class::Hard, format!("the service answered 200 without {what}: `{}`", shown.trim()))
}
