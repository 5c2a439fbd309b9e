//! A prompt that is too long for one model may fit another.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S12",
    title: "context length exceeded",
    fault: "The primary answers every attempt with 400 `context_length_exceeded`.",
    right: "The primary is asked once, then the fallback.",
    primary: r#"[{"fault":"context_length"}]"#,
    checks: &[Check::PrimaryAtMost(1), Check::FallbackAtLeast(1)],
    ..Scenario::USUAL
};
