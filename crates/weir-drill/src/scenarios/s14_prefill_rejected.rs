//! A cut stream whose fallback cannot go on from a begun answer: prefill was removed from newer models.

use crate::scenario::{Check, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S14",
    title: "cut, and the fallback rejects prefill",
    fault: "The primary's stream dies after 40 of 60 tokens, and 5 tokens after a begun answer; the fallback \
        refuses begun answers.",
    right: "The caller gets all sixty words; that prefill was refused is the gateway's own affair.",
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"prefill":false},
        {"fault":"cut_fin_after","after_tokens":5,"prefill":true}]"#,
    fallback: r#"[{"fault":"invalid_prefill"}]"#,
    checks: &[Check::NotMaskedBy("prefill")],
    ..Scenario::USUAL
};
