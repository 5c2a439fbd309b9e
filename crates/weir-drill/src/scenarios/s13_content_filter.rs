//! A refusal by the service's safety filter is an answer: asking someone else is going round it.

use crate::scenario::{Check, Scenario, Wanted};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S13",
    title: "content filter",
    fault: "The primary answers every attempt with 400 `content_filter`.",
    right: "The error is passed on as it is, after one attempt; the fallback is not asked.",
    primary: r#"[{"fault":"content_filter_400"}]"#,
    wanted: Wanted::Error,
    checks: &[
        Check::PrimaryAtMost(1),
        Check::FallbackAtMost(0),
        Check::Status(400),
        Check::PassesOn("content_filter"),
    ],
    ..Scenario::USUAL
};
