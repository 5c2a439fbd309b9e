//! An error that is gone at the next attempt.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S03",
    title: "500 once, then well",
    fault: "The primary answers the first attempt with 500, every later one well.",
    right: "The primary is asked again and answers.",
    primary: r#"[{"fault":"status","status":500,"times":1}]"#,
    checks: &[Check::PrimaryAtLeast(2)],
    ..Scenario::USUAL
};
