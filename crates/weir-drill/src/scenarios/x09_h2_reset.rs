//! HTTP/2: one stream is reset, its connection lives.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X09",
    title: "RST_STREAM",
    fault: "Over HTTP/2 the primary resets the stream after 20 tokens. (Over HTTP/1.1 the connection \
        closes.)",
    right: "The caller gets all sixty words, each once.",
    ways: ALL_WAYS,
    http2: true,
    primary: r#"[{"fault":"h2_rst_stream_after","after_tokens":20,"prefill":false}]"#,
    ..Scenario::USUAL
};
