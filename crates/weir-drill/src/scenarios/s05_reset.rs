//! A load balancer or a server that restarts.

use crate::scenario::Scenario;

pub(super) const SCENARIO: Scenario = Scenario {
    id: "S05",
    title: "connection reset before the head",
    fault: "The primary resets the connection of the first attempt before any byte; later ones are answered \
        well.",
    right: "The call is answered, by whichever service.",
    primary: r#"[{"fault":"reset","times":1}]"#,
    ..Scenario::USUAL
};
