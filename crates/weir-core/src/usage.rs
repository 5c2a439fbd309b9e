//! What an answer consumed, and how it ended.

/// Tokens of one answer as its service reported them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub prompt: u64,
    /// Tokens of the prompt that the service had cached and bills at the lower price.
    pub cached: u64,
    /// Tokens generated, reasoning included.
    pub completion: u64,
    /// Tokens generated while reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Prompt and completion together.
    pub const fn total(&self) -> u64 {
        // Services write the counts, and no count of theirs may overflow.
        self.prompt.saturating_add(self.completion)
    }

    /// The larger of both, field by field: streams report cumulatively, in several events.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.max(other.prompt),
            cached: self.cached.max(other.cached),
            completion: self.completion.max(other.completion),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

/// How the service said the answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Of its own accord, at a stop sequence, or with tool calls.
    Whole,
    /// At the caller's token limit.
    Length,
    /// Stopped by the service's content filter. An answer, never retried elsewhere.
    Filtered,
}

/// What an endpoint charges, in US dollars for a million tokens.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens the service had not cached.
    #[serde(default)]
    pub input: f64,
    /// Prompt tokens the service had cached.
    #[serde(default)]
    pub cached: f64,
    /// Generated tokens.
    #[serde(default)]
    pub output: f64,
}

impl Price {
    /// What `usage` costs, in US dollars.
    pub fn of(&self, usage: &Usage) -> f64 {
        let fresh = usage.prompt.saturating_sub(usage.cached) as f64;
        (fresh * self.input + usage.cached as f64 * self.cached + usage.completion as f64 * self.output) / 1e6
    }
}
