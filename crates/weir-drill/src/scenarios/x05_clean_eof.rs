//! An answer that ends in good order in the middle: official clients take such a stream for whole.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X05",
    title: "clean end in the middle",
    fault: "The primary's answer ends in good order after 20 tokens: a stream with no finish reason and no mark, or \
        half a JSON text.",
    right: "The caller gets all sixty words, each once.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"clean_eof","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
