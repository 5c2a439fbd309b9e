//! A cut falls where it falls: between the bytes of one character.

use crate::question::Question;
use crate::scenario::{ALL_WAYS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X14",
    title: "cut inside a character",
    fault: "The primary's connection closes inside a Chinese character, after 12 tokens.",
    right: "The caller gets the whole text, with no broken character.",
    question: Question::Chinese,
    ways: ALL_WAYS,
    primary: r#"[{"fault":"cut_inside_character","after_tokens":12,"prefill":false}]"#,
    ..Scenario::USUAL
};
