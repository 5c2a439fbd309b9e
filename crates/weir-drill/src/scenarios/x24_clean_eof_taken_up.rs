//! The end in good order of X05, with services that are known to go on from a begun answer.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X24",
    title: "clean end, and gone on with",
    fault: "The primary's stream ends in good order after 20 tokens, at every fresh attempt; both services \
        are known to go on from a begun answer.",
    right: "The begun answer is handed over and gone on with; the caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"clean_eof","after_tokens":20,"prefill":false}]"#,
    takes_prefill: true,
    checks: &[Check::TakenUp],
    ..Scenario::USUAL
};
