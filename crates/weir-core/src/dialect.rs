//! Which wire language a caller speaks, and what it asks for.

use serde::{Deserialize, Serialize};

/// The family of wire formats a caller or an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `POST /v1/chat/completions` and its siblings.
    OpenAi,
    /// `POST /v1/messages` and its siblings.
    Anthropic,
}

impl Dialect {
    /// The name used in config, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

/// What a request asks for. Decides how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI legacy completions (also fill-in-the-middle).
    Completions,
    /// OpenAI embeddings.
    Embeddings,
    /// OpenAI Responses.
    Responses,
    /// Anthropic messages.
    Messages,
    /// Anthropic token counting.
    CountTokens,
    /// Anything else under `/v1/`: passed through as bytes.
    Other,
}

impl Operation {
    /// Every operation, in metrics order.
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Messages,
        Self::CountTokens,
        Self::Other,
    ];

    /// The dialect the operation belongs to.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
            _ => Dialect::OpenAi,
        }
    }

    /// The name used in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Other => "other",
        }
    }
}
