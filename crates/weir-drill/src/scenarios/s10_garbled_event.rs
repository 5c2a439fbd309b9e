//! Proxies that rewrite bodies.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S10",
    title: "an event that is no JSON",
    fault: "The tenth event of the primary's stream is half a JSON text; the others are well.",
    right: "The event is left out, the answer is whole, and the gateway is well afterwards.",
    primary: r#"[{"fault":"bad_json_event","after_tokens":9}]"#,
    checks: &[Check::AliveAfter],
    ..Scenario::USUAL
};
