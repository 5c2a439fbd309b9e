//! Requests that were recorded: when they came, and how long question and answer were.

use std::sync::Arc;

/// One recorded request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recorded {
    /// Seconds since the first.
    pub at_s: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub answer_tokens: u32,
}

/// The moments of a recording, and its length at the end: as long as if one more had come at the usual pace.
pub(crate) fn moments(trace: &[Recorded]) -> Arc<[f64]> {
    let last_s = trace.last().map_or(0.0, |last| last.at_s);
    let gap_s = last_s / trace.len().saturating_sub(1).max(1) as f64;
    trace.iter().map(|recorded| recorded.at_s).chain([last_s + gap_s.max(1e-3)]).collect()
}
