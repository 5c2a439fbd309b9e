//! The cut of S08 where nobody goes on from a begun answer: Anthropic's newer models and OpenAI's do not.

use crate::scenario::{Check, STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X18",
    title: "cut, and no prefill anywhere",
    fault: "The primary's stream dies after 40 of 60 tokens; both services refuse begun answers.",
    right: "The caller gets all sixty words, each once; that prefill was refused is the gateway's own \
        affair.",
    ways: STREAMS,
    primary: r#"[{"fault":"invalid_prefill"},{"fault":"cut_fin_after","after_tokens":40}]"#,
    fallback: r#"[{"fault":"invalid_prefill"}]"#,
    checks: &[Check::NotMaskedBy("prefill")],
    ..Scenario::USUAL
};
