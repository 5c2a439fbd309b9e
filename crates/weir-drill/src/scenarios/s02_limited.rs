//! A rate limit that does not end, from a service that does not say when it does.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S02",
    title: "429 without Retry-After, for ever",
    fault: "The primary answers every attempt with 429.",
    right: "A few attempts with pauses between them, then the fallback; the primary is not hammered.",
    primary: r#"[{"fault":"status","status":429}]"#,
    checks: &[Check::PrimaryAtMostWithin(4, Duration::from_secs(3)), Check::PrimaryAtMost(6)],
    ..Scenario::USUAL
};
