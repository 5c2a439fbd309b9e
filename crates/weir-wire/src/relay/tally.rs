//! Tokens across attempts: the caller is told of one answer, the ledger of every attempt.
//!
//! What always holds: an attempt that was given the delivered text as part of its prompt counts it as an
//! answer again.

use serde_json::Value;
use weir_core::Usage;

use super::story::Story;
use crate::json::Object;

/// What is moved from the prompt to the completion of an attempt that was given the delivered text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Tokens delivered by earlier attempts.
    pub(super) delivered: u64,
    /// What the caller was already told of the prompt (Anthropic says it first).
    pub(super) prompt_told: Option<Usage>,
}

impl Tally {
    /// The caller's count from the service's.
    pub(super) fn of(&self, usage: Usage) -> Usage {
        let told = self.prompt_told.unwrap_or(Usage {
            prompt: usage.prompt.saturating_sub(self.delivered),
            cached: usage.cached,
            ..Usage::default()
        });
        Usage {
            prompt: told.prompt,
            cached: told.cached,
            completion: usage.completion.saturating_add(self.delivered),
            reasoning: usage.reasoning,
        }
    }

    /// A `usage` object with the caller's counts.
    pub(super) fn in_bytes(&self, usage: &str) -> String {
        let Some(mut object) = Object::read(usage).filter(|_| self.delivered > 0) else {
            return usage.to_owned();
        };
        let number = |value: &str| serde_json::from_str::<Value>(value).ok()?.as_u64();
        for (name, adds) in [
            ("prompt_tokens", false),
            ("input_tokens", false),
            ("completion_tokens", true),
            ("output_tokens", true),
        ] {
            let Some(count) = object.get(name).and_then(number) else { continue };
            let count = if adds {
                count.saturating_add(self.delivered)
            } else {
                count.saturating_sub(self.delivered)
            };
            object.replace(name, count.to_string());
        }
        object.write()
    }
}

/// What the caller had been given when the present attempt began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    pub(super) tokens: u64,
    parts: u64,
    characters: u64,
}

impl Before {
    /// What it has been given of `story`, which is `tokens`.
    pub(super) fn of(story: &Story, tokens: u64) -> Self {
        Self { tokens, parts: story.parts, characters: story.characters() }
    }

    /// How many tokens the caller has now. A service that reports as it goes is believed; `reported` is then all of its
    /// attempt, which goes on after what was given before, or says that again. Else a token has four characters, as in
    /// English, and no piece less than one token.
    pub(super) fn and_now(&self, story: &Story, reported: Option<u64>, goes_on: bool) -> u64 {
        match reported {
            Some(tokens) if goes_on => self.tokens.saturating_add(tokens),
            Some(tokens) => self.tokens.max(tokens),
            None => {
                let parts = story.parts.saturating_sub(self.parts);
                let characters = story.characters().saturating_sub(self.characters);
                self.tokens.saturating_add(parts.max(characters / 4))
            }
        }
    }
}

/// What one attempt consumed, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Pieces of text seen.
    pub(super) parts: u64,
    /// Tokens reported.
    pub(super) reported: Option<Usage>,
    /// The length of its request.
    pub(super) request_bytes: u64,
}

impl Spent {
    /// An attempt with this request.
    pub(super) fn by(request: &[u8]) -> Self {
        Self { request_bytes: request.len() as u64, ..Self::default() }
    }

    /// The tokens written so far, when the service reports as it goes.
    pub(super) fn written(&self) -> Option<u64> {
        let (usage, estimated) = self.tokens();
        (!estimated).then_some(usage.completion)
    }

    /// The service reported tokens.
    pub(super) fn report(&mut self, usage: Option<Usage>) {
        if let Some(usage) = usage {
            self.reported = Some(self.reported.map_or(usage, |known| known.merged(usage)));
        }
    }

    /// The tokens, and whether they are an estimate. A report that knows fewer tokens than pieces came is of
    /// the beginning only (Anthropic's first event says one output token).
    pub(super) fn tokens(&self) -> (Usage, bool) {
        let reported = self.reported.unwrap_or_default();
        if self.reported.is_some() && reported.completion >= self.parts {
            return (reported, false);
        }
        let prompt = if reported.prompt > 0 { reported.prompt } else { self.request_bytes / 4 };
        (Usage { prompt, completion: self.parts, ..reported }, true)
    }
}
