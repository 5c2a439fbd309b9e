//! An outage of a minute, and the way back.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S15",
    title: "primary down for a minute",
    fault: "The primary answers 503 for 60 s and is well then; twenty calls come, one every four seconds.",
    right: "Every call is answered; while it is down the primary is asked now and then, not at every call; \
        soon after, it answers again.",
    primary: r#"[{"fault":"status","status":503}]"#,
    well_after: Some(Duration::from_secs(60)),
    calls: 20,
    every: Duration::from_secs(4),
    limit: Duration::from_secs(30),
    checks: &[
        Check::PrimaryAtMostWithin(10, Duration::from_secs(60)),
        Check::BackWithin(Duration::from_secs(30)),
    ],
    ..Scenario::USUAL
};
