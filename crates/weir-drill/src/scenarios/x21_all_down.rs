//! Nothing can be done: the test of honesty.

use std::time::Duration;

use crate::scenario::{ALL_WAYS, Check, Scenario, Wanted};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X21",
    title: "both services down",
    fault: "Both services answer every attempt with 503.",
    right: "An explicit error in bounded time, a bounded number of attempts, and a gateway that is well when \
        they are.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"status","status":503}]"#,
    fallback: r#"[{"fault":"status","status":503}]"#,
    wanted: Wanted::Error,
    limit: Duration::from_secs(70),
    checks: &[Check::PrimaryAtMost(8), Check::FallbackAtMost(8), Check::AliveAfter],
    ..Scenario::USUAL
};
