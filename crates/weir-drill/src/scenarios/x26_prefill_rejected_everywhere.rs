//! Both services are thought to go on from a begun answer, and both refuse, as in X18: learned once each.

use std::time::Duration;

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X26",
    title: "cut, prefill refused by both",
    fault: "The primary's stream dies after 40 of 60 tokens; both services, known to take begun answers, \
        refuse them. Two calls.",
    right: "Both calls get all sixty words; the refusals are not what the caller hears, and nobody is given \
        a begun answer again.",
    ways: STREAMS,
    primary: r#"[{"fault":"invalid_prefill"},{"fault":"cut_fin_after","after_tokens":40}]"#,
    fallback: r#"[{"fault":"invalid_prefill"}]"#,
    takes_prefill: true,
    calls: 2,
    every: Duration::from_secs(10),
    checks: &[Check::PrefillRefused, Check::PrefillNotRepeated, Check::NotMaskedBy("prefill")],
    ..Scenario::USUAL
};
