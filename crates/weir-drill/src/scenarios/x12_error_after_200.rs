//! A service that had said 200 to keep the connection, and then cannot.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X12",
    title: "an error after a committed 200",
    fault: "The primary sends status 200, keep-alives for a second, and an error of 503.",
    right: "The call is answered.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"error_after_committed_200","delay_ms":1000}]"#,
    ..Scenario::USUAL
};
