//! The usage a caller is told is what the answer would have cost without any fault: what the gateway spent on
//! attempts that died is the gateway's affair.

use std::ops::RangeInclusive;

use super::Seen;
use crate::told::Tokens;
use crate::upstream::Attempt;

/// Why the usage that was told is wrong, if it is. Nothing is said where no service was asked anything whole.
pub(super) fn wrong(told: Tokens, seen: &Seen) -> Option<String> {
    let attempts = || seen.primary.iter().chain(&seen.fallback);
    let fresh = || attempts().filter(|attempt| !attempt.prefill && attempt.prompt_tokens > 0);
    let completion = range(fresh().map(|attempt| attempt.answer_tokens))?;
    let mut prompt = range(fresh().map(|attempt| attempt.prompt_tokens))?;
    for attempt in attempts().filter(|attempt| attempt.prefill) {
        prompt = with_template(prompt, *completion.end(), attempt);
    }
    if completion.contains(&told.completion) && prompt.contains(&told.prompt) {
        return None;
    }
    let Tokens { prompt: said_prompt, completion: said_completion } = told;
    Some(format!(
        "wrong usage: {said_prompt} + {said_completion} tokens are told, {} + {} are right",
        prompt.end(),
        completion.end()
    ))
}

/// A service that was given the begun answer counts it as part of its prompt, in its own rough way and with
/// its template around it; what is left when the tokens of the begun answer are taken off is right, too.
fn with_template(prompt: RangeInclusive<u64>, completion: u64, begun: &Attempt) -> RangeInclusive<u64> {
    let delivered = completion.saturating_sub(begun.answer_tokens);
    let rest = begun.prompt_tokens.saturating_sub(delivered);
    rest.min(*prompt.start())..=rest.max(*prompt.end())
}

fn range(counts: impl Iterator<Item = u64> + Clone) -> Option<RangeInclusive<u64>> {
    Some(counts.clone().min()?..=counts.max()?)
}
