//! DeepSeek under load: a status of 200 and, after a minute, a blank body.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X01",
    title: "blank 200 after a while",
    fault: "The primary sends status 200 and, after two seconds, a blank line and the end.",
    right: "The call is answered.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"blank_200","delay_ms":2000}]"#,
    ..Scenario::USUAL
};
