//! A service whose port answers and whose process does not.

use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X13",
    title: "every connection reset",
    fault: "The primary resets every connection before any byte.",
    right: "The fallback answers.",
    ways: ALL_WAYS,
    primary: r#"[{"fault":"reset"}]"#,
    ..Scenario::USUAL
};
