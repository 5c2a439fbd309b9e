//! A service that is thought to go on from a begun answer, and refuses: learned once, remembered for later.

use std::time::Duration;

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X23",
    title: "cut, prefill refused and remembered",
    fault: "The primary's stream dies after 40 of 60 tokens, and 5 tokens after a begun answer; the \
        fallback, known to take begun answers, refuses them. Two calls.",
    right: "Both calls get all sixty words; the refusal is not what the caller hears, and the fallback is \
        not given a begun answer again.",
    ways: STREAMS,
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"prefill":false},
        {"fault":"cut_fin_after","after_tokens":5,"prefill":true}]"#,
    fallback: r#"[{"fault":"invalid_prefill"}]"#,
    takes_prefill: true,
    calls: 2,
    every: Duration::from_secs(10),
    checks: &[Check::PrefillRefused, Check::PrefillNotRepeated, Check::NotMaskedBy("prefill")],
    ..Scenario::USUAL
};
