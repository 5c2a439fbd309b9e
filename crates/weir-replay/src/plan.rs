//! A plan: which requests are sent when, and what is in them.
//!
//! What always holds: request `row` of a plan is the same bytes with the same priority every time it is asked for,
//! whatever happened to the rows before it.

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::chance::Chance;
use crate::options::Options;
use crate::priorities::Priority;
use crate::prompts::Prompts;
use crate::trace::{Arrival, Trace};

/// English text of the GPT and DeepSeek tokenisers comes to about four bytes a token.
const BYTES_PER_TOKEN: usize = 4;

/// Arrivals, questions and options: everything about a replay but its target.
#[derive(Debug, Clone)]
pub struct Plan {
    /// When, and how large.
    pub trace: Trace,
    /// What is asked.
    pub prompts: Prompts,
    /// How it is sent.
    pub options: Options,
}

/// One request, ready to be sent.
pub(crate) struct Shot {
    /// When it is due, from the start of the run.
    pub(crate) due: Duration,
    pub(crate) priority: Priority,
    /// The JSON body.
    pub(crate) body: Bytes,
    /// What its retries draw their jitter from.
    pub(crate) chance: Chance,
}

impl Plan {
    /// How many requests will be sent, at least one.
    pub fn requests(&self) -> usize {
        self.arrivals().len()
    }

    /// From the first scheduled arrival to the last.
    pub fn duration(&self) -> Duration {
        self.arrivals().last().map_or(Duration::ZERO, |last| self.options.speed.scale(last.offset))
    }

    fn arrivals(&self) -> &[Arrival] {
        let arrivals = self.trace.arrivals();
        let limit = self.options.limit.map_or(arrivals.len(), |limit| limit.get().min(arrivals.len()));
        &arrivals[..limit]
    }

    /// The requests in order of time, each made when it is asked for.
    pub(crate) fn shots(&self) -> impl Iterator<Item = Shot> {
        self.arrivals().iter().enumerate().map(|(row, arrival)| self.shot(row, arrival))
    }

    fn shot(&self, row: usize, arrival: &Arrival) -> Shot {
        let options = &self.options;
        let mut chance = Chance::of_request(options.seed, row);
        // Drawn even where the trace names one, so that the questions do not depend on that.
        let drawn = options.priorities.draw(&mut chance);
        let context_tokens = arrival.context_tokens.min(options.context_tokens_max) as usize;
        let prompt = self.prompts.compose(&mut chance, context_tokens * BYTES_PER_TOKEN);
        let body = ChatRequest {
            model: &options.model,
            messages: [Message { role: "user", content: &prompt }],
            // Services refuse 0, which a trace may hold for a request that failed when it was recorded.
            max_tokens: arrival.generated_tokens.min(options.output_tokens_max).max(1),
            temperature: options.temperature,
            stream: options.stream,
            stream_options: options.stream.then_some(StreamOptions { include_usage: true }),
        };
        Shot {
            due: options.speed.scale(arrival.offset),
            priority: arrival.priority.unwrap_or(drawn),
            body: serde_json::to_vec(&body).expect("strings and numbers always serialise").into(),
            chance,
        }
    }
}

#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: [Message<'a>; 1],
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}
