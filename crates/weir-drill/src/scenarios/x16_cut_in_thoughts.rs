//! A cut before a word of the answer was said, though thoughts were.

use crate::question::Question;
use crate::scenario::{CHAT_PLAIN, CHAT_STREAM, MESSAGES_PLAIN, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X16",
    title: "cut in the thoughts",
    fault: "The primary's connection closes after 10 tokens of its thoughts.",
    right: "The caller gets the whole answer; thoughts are not said twice.",
    question: Question::Thoughts,
    ways: &[CHAT_STREAM, CHAT_PLAIN, MESSAGES_PLAIN],
    primary: r#"[{"fault":"cut_fin_after","after_tokens":10,"prefill":false}]"#,
    ..Scenario::USUAL
};
