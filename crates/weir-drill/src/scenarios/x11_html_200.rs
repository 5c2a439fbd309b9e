//! A login or challenge page in front of a service.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X11",
    title: "a page of HTML with 200",
    fault: "The primary answers every attempt with status 200 and a page of HTML.",
    right: "The call is answered.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"html_200"}]"#,
    ..Scenario::USUAL
};
