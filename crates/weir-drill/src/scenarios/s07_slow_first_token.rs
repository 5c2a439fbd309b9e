//! A service whose queue is long: the head comes at once, the first token late.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S07",
    title: "slow first token",
    fault: "The primary sends its head at once and its first token after 20 s.",
    right: "The gateway has a limit for the first token and goes to the fallback in time.",
    primary: r#"[{"fault":"slow_first_token","delay_ms":20000}]"#,
    limit: Duration::from_secs(60),
    checks: &[Check::AnsweredWithin(Duration::from_secs(15))],
    ..Scenario::USUAL
};
