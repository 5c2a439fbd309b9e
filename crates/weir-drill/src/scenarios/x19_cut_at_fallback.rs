//! Trouble seldom comes alone: the fallback dies once, too.

use crate::scenario::{STREAMS, Scenario};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "X19",
    title: "primary dead, fallback cut once",
    fault: "The primary resets every connection; the fallback's first stream dies after 40 of 60 tokens.",
    right: "The caller gets all sixty words, each once.",
    ways: STREAMS,
    primary: r#"[{"fault":"reset"}]"#,
    fallback: r#"[{"fault":"cut_fin_after","after_tokens":40,"times":1}]"#,
    ..Scenario::USUAL
};
