//! Services that never send the mark of the end.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S11",
    title: "stream without [DONE]",
    fault: "The primary's stream is whole and ends in good order, with a finish reason but without `[DONE]`.",
    right: "The answer is finished at once, with usage; nobody waits for a mark that does not come.",
    primary: r#"[{"fault":"no_done"}]"#,
    checks: &[Check::AnsweredWithin(Duration::from_secs(8))],
    ..Scenario::USUAL
};
