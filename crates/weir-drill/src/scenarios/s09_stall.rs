//! A stream that stops while its connection stays open.

use std::time::Duration;

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S09",
    title: "stream stalls",
    fault: "After 20 tokens the primary is silent for 30 s, then closes the connection.",
    right: "The stall is noticed in bounded time, the caller gets all sixty words, and the gateway is well \
        afterwards.",
    primary: r#"[{"fault":"cut_fin_after","after_tokens":20,"delay_ms":30000,"prefill":false}]"#,
    limit: Duration::from_secs(70),
    checks: &[Check::AnsweredWithin(Duration::from_secs(45)), Check::AliveAfter],
    ..Scenario::USUAL
};
