//! DeepSeek's own finish reason for an answer it gave up.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X06",
    title: "insufficient_system_resource",
    fault: "The primary gives up after 20 tokens, with finish reason `insufficient_system_resource`.",
    right: "That is no answer: the caller gets all sixty words, each once.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"insufficient_system_resource","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
