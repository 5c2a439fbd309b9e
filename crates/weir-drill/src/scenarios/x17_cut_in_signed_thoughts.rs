//! Thoughts that are signed at their end cannot be gone on with by anybody else.

use crate::question::Question;
use crate::scenario::{MESSAGES_STREAM, Scenario, Wanted};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X17",
    title: "cut in signed thoughts",
    fault: "The primary's messages stream dies after 10 tokens of its thoughts, whose signature comes at \
        their end.",
    right: "An answer that is whole, or an explicit error: thoughts without their signature are of no use to \
        the caller.",
    question: Question::Thoughts,
    ways: &[MESSAGES_STREAM],
    primary: r#"[{"fault":"cut_fin_after","after_tokens":10,"prefill":false}]"#,
    wanted: Wanted::AnswerOrError,
    ..Scenario::USUAL
};
