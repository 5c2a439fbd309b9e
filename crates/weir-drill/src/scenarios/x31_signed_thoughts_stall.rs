//! The stall of X04 in a stream of messages, whose thoughts have their signature at their end: what the caller
//! has of them cannot be signed by another service.

use std::time::Duration;

use crate::question::Question;
use crate::scenario::{MESSAGES_STREAM, Scenario, Wanted};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X31",
    title: "silent stall in signed thoughts",
    fault: "The primary's messages stream thinks aloud for ten tokens and then sends nothing more.",
    right: "The stall is noticed. An answer that is whole, with its thoughts signed or without any, or an \
        explicit error.",
    question: Question::Thoughts,
    ways: &[MESSAGES_STREAM],
    primary: r#"[{"fault":"stall_after_tokens","after_tokens":10}]"#,
    wanted: Wanted::AnswerOrError,
    limit: Duration::from_secs(70),
    ..Scenario::USUAL
};
