//! Scenarios as data: what goes wrong, how it is asked, and what a right gateway makes of it.
//!
//! Nothing here acts. The fault rules are those of `weir mock` (`weir mock --help`, `GET /__mock/catalogue`),
//! as JSON, so that a scenario can be tried by hand with `curl`.

use std::time::Duration;

use crate::question::Question;

/// One thing that goes wrong.
#[derive(Debug)]
pub struct Scenario {
    /// `S01` to `S16` or `X01` onward; never given to another scenario.
    pub id: &'static str,
    /// A few words, for tables.
    pub title: &'static str,
    /// What the services do.
    pub fault: &'static str,
    /// What a right gateway makes of it.
    pub right: &'static str,
    /// What is asked.
    pub question: Question,
    /// The ways it is asked, each a case of its own.
    pub ways: &'static [Way],
    /// Fault rules of the primary service: a JSON list.
    pub primary: &'static str,
    /// Fault rules of the fallback service: a JSON list.
    pub fallback: &'static str,
    /// The primary is well again so long after the first call.
    pub well_after: Option<Duration>,
    /// The services are spoken to over HTTP/2, where whoever runs the drill also runs the gateway.
    pub http2: bool,
    /// The gateway is told that both services go on from a begun answer (weir: `continuation = "trailing"`), where
    /// whoever runs the drill also runs the gateway.
    pub takes_prefill: bool,
    /// How many calls.
    pub calls: u32,
    /// From one call's beginning to the next one's.
    pub every: Duration,
    /// What the caller should be told.
    pub wanted: Wanted,
    /// A call that takes longer hangs.
    pub limit: Duration,
    /// What else should hold.
    pub checks: &'static [Check],
}

impl Scenario {
    /// One streamed chat call for sixty words, from two healthy services.
    pub const USUAL: Self = Self {
        id: "",
        title: "",
        fault: "",
        right: "",
        question: Question::Words,
        ways: &[CHAT_STREAM],
        primary: "[]",
        fallback: "[]",
        well_after: None,
        http2: false,
        takes_prefill: false,
        calls: 1,
        every: Duration::ZERO,
        wanted: Wanted::Answer,
        limit: Duration::from_secs(45),
        checks: &[],
    };
}

/// One way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// In which dialect.
    pub dialect: Dialect,
    /// Whether the answer is streamed.
    pub stream: bool,
}

/// Whose API the caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's `POST /v1/chat/completions`.
    Chat,
    /// Anthropic's `POST /v1/messages`.
    Messages,
}

/// Chat, streamed.
pub const CHAT_STREAM: Way = Way { dialect: Dialect::Chat, stream: true };
/// Chat, in one piece.
pub const CHAT_PLAIN: Way = Way { dialect: Dialect::Chat, stream: false };
/// Messages, streamed.
pub const MESSAGES_STREAM: Way = Way { dialect: Dialect::Messages, stream: true };
/// Messages, in one piece.
pub const MESSAGES_PLAIN: Way = Way { dialect: Dialect::Messages, stream: false };

/// Both dialects, streamed and not.
pub const ALL_WAYS: &[Way] = &[CHAT_STREAM, CHAT_PLAIN, MESSAGES_STREAM, MESSAGES_PLAIN];
/// Both dialects, streamed.
pub const STREAMS: &[Way] = &[CHAT_STREAM, MESSAGES_STREAM];

impl Way {
    /// The end of a case's id, such as `chat-stream`.
    pub fn name(self) -> &'static str {
        match (self.dialect, self.stream) {
            (Dialect::Chat, true) => "chat-stream",
            (Dialect::Chat, false) => "chat-plain",
            (Dialect::Messages, true) => "messages-stream",
            (Dialect::Messages, false) => "messages-plain",
        }
    }
}

/// What the caller should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole answer.
    Answer,
    /// An error; an answer would be wrong.
    Error,
    /// The whole answer, or an error where none can be given honestly.
    AnswerOrError,
}

/// Something that should hold besides the answer. A right answer with a check that does not hold is a partial
/// success.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Attempts the primary sees, in all.
    PrimaryAtLeast(usize),
    /// Attempts the primary sees, in all.
    PrimaryAtMost(usize),
    /// Attempts the primary sees in the time after its first.
    PrimaryAtMostWithin(usize, Duration),
    /// Time between the primary's first two attempts.
    FirstGapAtLeast(Duration),
    /// Attempts the fallback sees, in all.
    FallbackAtLeast(usize),
    /// Attempts the fallback sees, in all.
    FallbackAtMost(usize),
    /// A call's whole time.
    AnsweredWithin(Duration),
    /// The answer names the model the fallback was asked for.
    NamesFallbackModel,
    /// The primary answers again so soon after it is well.
    BackWithin(Duration),
    /// The status is the service's own.
    Status(u16),
    /// An error says this, as the service did.
    PassesOn(&'static str),
    /// A service was given the begun answer, and went on from it to the end.
    TakenUp,
    /// A service was given the begun answer, and refused it: without that the drill tests something else.
    PrefillRefused,
    /// A service that refused a begun answer is not given another, not even in a later call.
    PrefillNotRepeated,
    /// An error does not say this, which is the gateway's own doing; else the drill is failed.
    NotMaskedBy(&'static str),
    /// A call made afterwards, with both services well, is answered; else the drill is failed.
    AliveAfter,
}
