//! SGLang when it is full: status 200, and an error as first event.

use crate::scenario::{STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X07",
    title: "200, then an error as first event",
    fault: "The primary sends status 200 and an error of 503 as the first event, at every attempt.",
    right: "The call is answered.",
    ways: STREAMS,
    primary: r#"[{"fault":"error_event_first"}]"#,
    ..Scenario::USUAL
};
