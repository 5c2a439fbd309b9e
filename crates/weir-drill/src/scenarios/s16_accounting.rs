//! Who answered is who is paid: the caller is told.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S16",
    title: "accounting of a fallback",
    fault: "The primary answers every attempt with 503; the fallback answers.",
    right: "The answer names the fallback's model and has usage; the primary is asked a bounded number of \
        times.",
    primary: r#"[{"fault":"status","status":503}]"#,
    checks: &[Check::NamesFallbackModel, Check::PrimaryAtMost(6)],
    ..Scenario::USUAL
};
