//! The failure that most gateways pass on as an answer: a stream that dies in the middle.
//!
//! The primary goes on from an answer that is handed back to it begun, as real services with prefill do; anew
//! it is cut again.

use crate::scenario::Scenario;

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S08",
    title: "stream cut in the middle",
    fault: "The primary's stream dies after 40 of 60 tokens, at every fresh attempt; it would go on from a \
        begun answer.",
    right: "The caller gets all sixty words, each once.",
    primary: r#"[{"fault":"cut_fin_after","after_tokens":40,"prefill":false}]"#,
    ..Scenario::USUAL
};
