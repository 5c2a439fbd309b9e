//! A stream that ends in good order in the middle: official clients take it for whole.

use crate::scenario::{STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X05",
    title: "clean end in the middle",
    fault: "The primary's stream ends in good order after 20 tokens, with no finish reason and no mark.",
    right: "The caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"clean_eof","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
