//! How an answer that broke off is taken up again.
//!
//! The ladder, best first (research: continuation of a broken stream): nothing was delivered, so anything goes; a service that
//! can continue a begun answer is given its beginning; any service is asked again and its words are passed on once they have
//! caught up with what was delivered; and, only if the operator allows it, the model is asked in words to go on.

use serde::{Deserialize, Serialize};

/// How a service is given the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefill {
    /// A last assistant message with `"prefix": true` (DeepSeek below `/beta`, Mistral).
    Prefix,
    /// A last assistant message with `"partial": true` (Qwen, Kimi).
    Partial,
    /// A last assistant message, `"continue_final_message": true` and `"add_generation_prompt": false` (vLLM, `SGLang`).
    ContinueFinalMessage,
    /// A last assistant message and nothing else (Claude up to 4.5, llama.cpp, Ollama).
    Trailing,
}

/// How an attempt joins on to what the caller already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rung {
    /// Nothing meaningful was delivered: the request as it is.
    Fresh,
    /// The service continues the begun answer.
    Prefill(Prefill),
    /// The request as it is; what equals the delivered part is left out.
    Replay,
    /// The model is asked in words to go on.
    Instructed,
}
