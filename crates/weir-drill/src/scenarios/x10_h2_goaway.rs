//! HTTP/2: one GOAWAY takes every answer of the connection along.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X10",
    title: "GOAWAY",
    fault: "Over HTTP/2 the primary sends 20 tokens, GOAWAY, and closes the connection. (Over HTTP/1.1 it \
        closes.)",
    right: "The caller gets all sixty words, each once.",
    ways: ALL_WAYS,
    http2: true,
    primary: r#"[{"fault":"h2_goaway","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
