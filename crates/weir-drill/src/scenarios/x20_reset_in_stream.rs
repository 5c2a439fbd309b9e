//! As S08, by a crash: the connection is reset, and what was under way is lost.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X20",
    title: "connection reset in the middle",
    fault: "The primary resets the connection after 40 of 60 tokens, at every fresh attempt.",
    right: "The caller gets all sixty words, each once.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"cut_rst_after","after_tokens":40,"prefill":false}]"#,
    ..Scenario::USUAL
};
