//! A proxy that damages what it carries: a word of the answer is in the event that cannot be read. Leaving it
//! out, which is right for an event too many (S10), would be leaving out a word.

use crate::scenario::{STREAMS, Scenario, Wanted};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X29",
    title: "a token that is no JSON",
    fault: "The event of the primary's 21st token breaks off before its word, at every fresh attempt; all \
        other events are well.",
    right: "The whole answer, or an explicit error; never an answer without the word.",
    ways: STREAMS,
    primary: r#"[{"fault":"garbled_token","after_tokens":20,"prefill":false}]"#,
    wanted: Wanted::AnswerOrError,
    ..Scenario::USUAL
};
