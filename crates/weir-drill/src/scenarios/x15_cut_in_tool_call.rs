//! Half a tool call is no tool call, and two are one too many.

use crate::question::Question;
use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X15",
    title: "cut inside a tool call",
    fault: "The primary's connection closes after 6 tokens of a tool call's arguments, at the first attempt.",
    right: "The caller gets the whole tool call, exactly once.",
    question: Question::Tool,
    ways: ALL_WAYS,
    primary: r#"[{"fault":"cut_fin_after","after_tokens":6,"times":1}]"#,
    ..Scenario::USUAL
};
