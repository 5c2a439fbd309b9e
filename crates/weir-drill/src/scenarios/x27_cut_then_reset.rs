//! A server that crashes in the middle of an answer and does not come back.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X27",
    title: "cut, then dead",
    fault: "The primary's stream dies after 40 of 60 tokens; from then on it resets every connection.",
    right: "The fallback finishes the answer: the caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"times":1},{"fault":"reset"}]"#,
    checks: &[Check::PrimaryAtMost(6), Check::FallbackAtLeast(1)],
    ..Scenario::USUAL
};
