//! What is asked for, whichever API it came through: the mock composes its answers from this alone.

use serde_json::Value;

use crate::chance::hash;
use crate::text::estimate_tokens;

/// Who said a turn of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `system` and `developer`.
    System,
    /// The one who asks.
    User,
    /// The model, in an earlier turn or in one to be continued.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// One turn of the conversation, text only: what is not text has no influence on the answer.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

/// A function the caller offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON schema of its arguments; `null` when there is none.
    pub schema: Value,
}

/// What the answer must look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Prose.
    #[default]
    Text,
    /// Some JSON object.
    Json,
    /// A JSON value of this schema.
    Schema(Value),
}

/// A request for words, in no particular dialect.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The model as the caller names it.
    pub model: String,
    /// The conversation, oldest first.
    pub turns: Vec<Turn>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with a chunk of usage (`stream_options.include_usage`).
    pub include_usage: bool,
    /// Most tokens the caller wants.
    pub tokens_max: Option<u32>,
    /// Exactly how long the whole answer is (`x-mock-tokens`).
    pub tokens_exact: Option<u32>,
    /// Texts that end the answer before they are said.
    pub stops: Vec<String>,
    /// The tool to call instead of talking.
    pub call: Option<Tool>,
    /// Prose or JSON.
    pub format: Format,
    /// Whether to think aloud first.
    pub thinking: bool,
    /// What the model has said already and should go on from, without repeating it.
    pub continues: Option<String>,
}

impl Ask {
    /// What the answer is about: the last thing the user said.
    pub fn topic(&self) -> &str {
        let last_user = self.turns.iter().rev().find(|turn| turn.role == Role::User);
        last_user.or(self.turns.last()).map_or("", |turn| turn.text.as_str())
    }

    /// Who spoke last.
    pub fn last_role(&self) -> Option<Role> {
        self.turns.last().map(|turn| turn.role)
    }

    /// After each turn: a hash of the conversation so far and its length in tokens. The unit in which
    /// prompts are cached.
    pub fn prefixes(&self) -> Vec<(u64, u32)> {
        let mut digest = hash(self.model.as_bytes());
        let mut tokens = 0;
        let mut prefixes = Vec::with_capacity(self.turns.len());
        for turn in &self.turns {
            digest = digest.rotate_left(5) ^ hash(turn.text.as_bytes()).wrapping_add(turn.role as u64);
            tokens += estimate_tokens(&turn.text) + TOKENS_PER_TURN;
            prefixes.push((digest, tokens));
        }
        prefixes
    }

    /// The tool to call, if one is to be called: `choice` as in OpenAI's `tool_choice`, only in reply to the
    /// user.
    pub fn choose_call(&mut self, tools: Vec<Tool>, choice: ToolChoice) {
        if self.last_role() != Some(Role::User) {
            return;
        }
        self.call = match choice {
            ToolChoice::Never => None,
            ToolChoice::First => tools.into_iter().next(),
            ToolChoice::Named(name) => tools.into_iter().find(|tool| tool.name == name),
        };
    }
}

/// Which tool the caller wants called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// `none`.
    Never,
    /// `auto`, `required`, `any` or nothing said: the first one offered.
    First,
    /// This one.
    Named(String),
}

/// Tokens the chat template adds to each turn.
const TOKENS_PER_TURN: u32 = 4;
