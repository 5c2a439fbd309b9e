//! A server that crashes in the middle of an answer, behind a load balancer that says so from then on.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X28",
    title: "cut, then 503",
    fault: "The primary's stream dies after 40 of 60 tokens; from then on every attempt is answered with 503.",
    right: "The fallback finishes the answer: the caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"times":1},{"fault":"status","status":503}]"#,
    checks: &[Check::PrimaryAtMost(6), Check::FallbackAtLeast(1)],
    ..Scenario::USUAL
};
