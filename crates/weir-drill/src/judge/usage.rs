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
    let mut right = Right {
        completion: range(fresh().map(|attempt| attempt.answer_tokens))?,
        prompt: range(fresh().map(|attempt| attempt.prompt_tokens))?,
    };
    for taken_up in attempts().filter(|attempt| attempt.prefill && attempt.complete()) {
        right = right.or_about(taken_up);
    }
    if right.completion.contains(&told.completion) && right.prompt.contains(&told.prompt) {
        return None;
    }
    let Tokens { prompt, completion } = told;
    let words = |range: &RangeInclusive<u64>| match (range.start(), range.end()) {
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    let (right_prompt, right_completion) = (words(&right.prompt), words(&right.completion));
    Some(format!(
        "wrong usage: {prompt} + {completion} tokens are told, {right_prompt} + {right_completion} are right"
    ))
}

/// What may be told.
struct Right {
    prompt: RangeInclusive<u64>,
    completion: RangeInclusive<u64>,
}

impl Right {
    /// A service that went on from a begun answer counts it as part of its prompt, with its template around it.
    /// Nobody said how many tokens that beginning has, so whoever moves them to the answer, where they belong, has to
    /// estimate: a quarter more or less is honest, twice as many is not.
    fn or_about(self, taken_up: &Attempt) -> Self {
        let (prompt, completion) = (self.prompt, self.completion);
        let begun = completion.end().saturating_sub(taken_up.answer_tokens);
        let (rest, off) = (taken_up.prompt_tokens.saturating_sub(begun), begun.div_ceil(4));
        Self {
            prompt: rest.min(*prompt.start()).saturating_sub(off)..=rest.max(*prompt.end()) + off,
            completion: completion.start().saturating_sub(off)..=completion.end() + off,
        }
    }
}

fn range(counts: impl Iterator<Item = u64> + Clone) -> Option<RangeInclusive<u64>> {
    Some(counts.clone().min()?..=counts.max()?)
}
