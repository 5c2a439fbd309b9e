//! An error inside a stream that had begun well.

use crate::scenario::{STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X08",
    title: "an error after tokens",
    fault: "The primary sends 20 tokens, then an error event, and ends.",
    right: "The caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"error_event_after","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
