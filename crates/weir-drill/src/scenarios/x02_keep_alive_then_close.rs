//! DeepSeek when inference has not begun in ten minutes: keep-alives, then the end.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X02",
    title: "keep-alives, then closed",
    fault: "The primary sends keep-alives for two seconds and closes the connection.",
    right: "The call is answered.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"keepalive_then_close","delay_ms":2000}]"#,
    ..Scenario::USUAL
};
