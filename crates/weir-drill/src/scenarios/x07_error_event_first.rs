//! SGLang when it is full: status 200, and an error as first event.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X07",
    title: "200, then an error at once",
    fault: "The primary sends status 200 and an error of 503 as the first event, or as the whole body, at every \
        attempt.",
    right: "The call is answered.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"error_event_first"}]"#,
    ..Scenario::USUAL
};
