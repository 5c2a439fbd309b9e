//! The same cut as in S08, with services that are known to go on from a begun answer: nothing has to be said a
//! second time.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X22",
    title: "cut, and gone on with",
    fault: "The primary's stream dies after 40 of 60 tokens, at every fresh attempt; both services are known \
        to go on from a begun answer.",
    right: "The begun answer is handed over and gone on with; the caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"prefill":false}]"#,
    takes_prefill: true,
    checks: &[Check::TakenUp],
    ..Scenario::USUAL
};
