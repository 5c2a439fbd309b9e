//! S11 with a service that leaves the connection open: only the finish reason says that the answer is over.

use std::time::Duration;

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X30",
    title: "no mark of the end, left open",
    fault: "The primary's stream is whole, with finish reason and usage, but has no mark of the end, and the \
        connection stays open for a minute.",
    right: "The answer is finished within eight seconds, with usage; nobody waits for a mark that does not \
        come.",
    ways: STREAMS,
    primary: r#"[{"fault":"no_done","delay_ms":60000}]"#,
    limit: Duration::from_secs(70),
    checks: &[Check::AnsweredWithin(Duration::from_secs(8))],
    ..Scenario::USUAL
};
