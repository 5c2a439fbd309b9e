//! A service that takes the request and never answers: asking it again only multiplies the wait.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S06",
    title: "silence",
    fault: "The primary reads the request and sends nothing for two minutes.",
    right: "Within its time limits the gateway moves to the fallback, without a second attempt at the silent \
        service.",
    primary: r#"[{"fault":"close","delay_ms":120000}]"#,
    limit: Duration::from_secs(130),
    checks: &[Check::AnsweredWithin(Duration::from_secs(100)), Check::PrimaryAtMost(1)],
    ..Scenario::USUAL
};
