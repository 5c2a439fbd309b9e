//! A service that stays overloaded.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S04",
    title: "503 for ever",
    fault: "The primary answers every attempt with 503.",
    right: "The fallback answers, after a bounded number of attempts at the primary.",
    primary: r#"[{"fault":"status","status":503}]"#,
    checks: &[Check::PrimaryAtMost(6)],
    ..Scenario::USUAL
};
