//! DeepSeek under load, on a better day: comments or blank lines, then the answer.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X03",
    title: "keep-alives, then the answer",
    fault: "The primary sends keep-alives for three seconds, then the whole answer.",
    right: "The call is answered; blank lines and comments do no harm.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"keepalive_then_tokens","delay_ms":3000}]"#,
    ..Scenario::USUAL
};
