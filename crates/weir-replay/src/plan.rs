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
use crate::options::{Options, Repeats};
use crate::priorities::Priority;
use crate::prompts::Prompts;
use crate::trace::{Arrival, Trace};

/// English text of the GPT and DeepSeek tokenisers comes to about four bytes a token.
const BYTES_PER_TOKEN: usize = 4;

/// The questions of a set are no row's own.
const APART: u64 = 0x5e70_f7e9_ea75;

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
        // Services refuse 0, which a trace may hold for a request that failed when it was recorded.
        let limit = arrival.generated_tokens.min(options.output_tokens_max).max(1);
        let own = self.body(arrival, (options.temperature, Some(limit)), &mut chance);
        Shot {
            due: options.speed.scale(arrival.offset),
            priority: arrival.priority.unwrap_or(drawn),
            body: self.repeated(row).unwrap_or(own),
            chance,
        }
    }

    /// What a row asks instead of something of its own; `None` where it does not.
    fn repeated(&self, row: usize) -> Option<Bytes> {
        let Repeats { share, questions } = self.options.repeats?;
        let of_set = |row| Chance::of_request(self.options.seed ^ APART, row);
        let mut chance = of_set(row);
        if chance.unit() >= share {
            return None;
        }
        let arrivals = self.arrivals();
        let questions = questions.get().min(arrivals.len());
        let asked = rank(chance.unit(), questions);
        // Without a limit: what is cut at one is kept by no cache.
        Some(self.body(&arrivals[asked], (Some(0.0), None), &mut of_set(asked)))
    }

    fn body(
        &self,
        arrival: &Arrival,
        (temperature, max_tokens): (Option<f64>, Option<u32>),
        chance: &mut Chance,
    ) -> Bytes {
        let options = &self.options;
        let context_tokens = arrival.context_tokens.min(options.context_tokens_max) as usize;
        let prompt = self.prompts.compose(chance, context_tokens * BYTES_PER_TOKEN);
        let body = ChatRequest {
            model: &options.model,
            messages: [Message { role: "user", content: &prompt }],
            max_tokens,
            temperature,
            stream: options.stream,
            stream_options: options.stream.then_some(StreamOptions { include_usage: true }),
        };
        serde_json::to_vec(&body).expect("strings and numbers always serialise").into()
    }
}

/// A place from 0 on: place r in proportion to 1/(r + 1). `drawn` is from 0 to 1.
fn rank(drawn: f64, places: usize) -> usize {
    let weight = |place: usize| 1.0 / (place + 1) as f64;
    let mut left = drawn * (0..places).map(weight).sum::<f64>();
    let found = (0..places).find(|place| {
        left -= weight(*place);
        left < 0.0
    });
    found.unwrap_or(places.saturating_sub(1))
}

#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: [Message<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
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
