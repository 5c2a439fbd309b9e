//! The `usage` object of the OpenAI family, DeepSeek's cache fields included.

use serde::Deserialize;
use weir_core::Usage;

/// As services write it. Fields some of them leave out or null count as 0.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Written {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<u64>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Option<u64>,
    prompt_cache_hit_tokens: Option<u64>,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Written> for Usage {
    fn from(written: Written) -> Self {
        let cached = written.prompt_tokens_details.and_then(|details| details.cached_tokens);
        let reasoning = written.completion_tokens_details.and_then(|details| details.reasoning_tokens);
        Self {
            prompt: written.prompt_tokens.unwrap_or(0),
            cached: cached.or(written.prompt_cache_hit_tokens).unwrap_or(0),
            completion: written.completion_tokens.unwrap_or(0),
            reasoning: reasoning.unwrap_or(0),
        }
    }
}
