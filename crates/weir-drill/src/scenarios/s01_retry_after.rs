//! Every provider's rate limiter: 429, and when to come back.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S01",
    title: "429 with Retry-After",
    fault: "The primary answers the first attempt with 429 and `Retry-After: 2`, every later one well.",
    right: "The header is obeyed: the primary is asked again after two seconds, not sooner and not in a \
        loop.",
    primary: r#"[{"fault":"status","status":429,"retry_after":"2","times":1}]"#,
    checks: &[
        Check::PrimaryAtLeast(2),
        Check::FirstGapAtLeast(Duration::from_millis(1_800)),
        Check::PrimaryAtMostWithin(2, Duration::from_millis(1_500)),
    ],
    ..Scenario::USUAL
};
