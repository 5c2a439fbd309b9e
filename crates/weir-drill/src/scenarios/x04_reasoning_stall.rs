//! DeepSeek on long reasoning turns: thoughts, then silence on an open connection. (X31 has streams of messages,
//! whose thoughts are signed.)

use std::time::Duration;

use crate::question::Question;
use crate::scenario::{CHAT_PLAIN, CHAT_STREAM, MESSAGES_PLAIN, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X04",
    title: "silent stall in the thoughts",
    fault: "The primary thinks aloud for ten tokens and then sends nothing more; an answer in one piece stops at the \
        same share of its body.",
    right: "The stall is noticed, and the caller gets the whole answer; thoughts are not said twice.",
    question: Question::Thoughts,
    ways: &[CHAT_STREAM, CHAT_PLAIN, MESSAGES_PLAIN],
    primary: r#"[{"fault":"stall_after_tokens","after_tokens":10}]"#,
    limit: Duration::from_secs(70),
    ..Scenario::USUAL
};
