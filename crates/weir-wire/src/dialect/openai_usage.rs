//! The `usage` object of the OpenAI family, in all its spellings.
//!
//! What always holds: usage is only observed, so nothing in it makes an answer invalid. Relays write both families' names at
//! once, nulls, and fractions; what cannot be read counts as 0.

use serde_json::Value;
use serde_json::value::RawValue;
use weir_core::Usage;

/// Reads a usage object.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    let usage: Value = serde_json::from_str(raw.get()).ok()?;
    let usage = usage.as_object()?;
    let number = |value: &Value| value.as_u64().or_else(|| value.as_f64().map(|number| number as u64));
    let count =
        |names: [&str; 2]| names.iter().filter_map(|name| number(usage.get(*name)?)).max().unwrap_or(0);
    let detail = |names: [&str; 2], field: &str| {
        names.iter().filter_map(|name| number(usage.get(*name)?.get(field)?)).max().unwrap_or(0)
    };
    let cached = detail(["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let cache_hit = count(["prompt_cache_hit_tokens", "prompt_cache_hit_tokens"]);
    Some(Usage {
        prompt: count(["prompt_tokens", "input_tokens"]),
        cached: cached.max(cache_hit),
        completion: count(["completion_tokens", "output_tokens"]),
        reasoning: detail(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens"),
    })
}
