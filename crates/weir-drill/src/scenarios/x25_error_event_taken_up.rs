//! The error inside a stream of X08, with services that are known to go on from a begun answer.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X25",
    title: "an error after tokens, and gone on with",
    fault: "The primary sends 20 tokens, then an error event, at every fresh attempt; both services are \
        known to go on from a begun answer.",
    right: "The begun answer is handed over and gone on with; the caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"error_event_after","after_tokens":20,"prefill":false}]"#,
    takes_prefill: true,
    checks: &[Check::TakenUp],
    ..Scenario::USUAL
};
