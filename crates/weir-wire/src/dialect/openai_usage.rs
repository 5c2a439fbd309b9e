//! The `usage` object of the OpenAI family, in all its spellings.
//!
//! What always holds: usage is only observed, so nothing in it makes an answer invalid. Relays write both families' names at
//! once, nulls, and fractions; what cannot be read counts as 0.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::Usage;

/// A value that is looked into only where it is needed, and may be anything.
type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    prompt_tokens: Raw<'a>,
    #[serde(borrow)]
    input_tokens: Raw<'a>,
    #[serde(borrow)]
    completion_tokens: Raw<'a>,
    #[serde(borrow)]
    output_tokens: Raw<'a>,
    #[serde(borrow)]
    prompt_cache_hit_tokens: Raw<'a>,
    #[serde(borrow)]
    prompt_tokens_details: Raw<'a>,
    #[serde(borrow)]
    input_tokens_details: Raw<'a>,
    #[serde(borrow)]
    completion_tokens_details: Raw<'a>,
    #[serde(borrow)]
    output_tokens_details: Raw<'a>,
}

#[derive(Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    cached_tokens: Raw<'a>,
    #[serde(borrow)]
    reasoning_tokens: Raw<'a>,
}

/// Reads a usage object.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    let usage: Written<'_> = serde_json::from_str(raw.get()).ok()?;
    let [prompt, input] = [details(usage.prompt_tokens_details), details(usage.input_tokens_details)];
    let [completion, output] =
        [details(usage.completion_tokens_details), details(usage.output_tokens_details)];
    Some(Usage {
        prompt: most([usage.prompt_tokens, usage.input_tokens]),
        cached: most([prompt.cached_tokens, input.cached_tokens, usage.prompt_cache_hit_tokens]),
        completion: most([usage.completion_tokens, usage.output_tokens]),
        reasoning: most([completion.reasoning_tokens, output.reasoning_tokens]),
    })
}

fn details(raw: Raw<'_>) -> Details<'_> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// The most that any of the spellings says.
fn most<const N: usize>(spellings: [Raw<'_>; N]) -> u64 {
    spellings.into_iter().flatten().filter_map(count).max().unwrap_or(0)
}

fn count(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok().or_else(|| raw.get().parse().ok().map(|number: f64| number as u64))
}
