//! What a single request may ask of the mock itself: `x-mock-tokens`, `x-mock-ttft-ms`, `x-mock-itl-ms`, as
//! headers or as fields of the body. Headers go first.

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;

use crate::scene::Pace;

/// Longest time a request may ask to be kept waiting for one token.
const WAIT_MAX_MS: u64 = 3_600_000;

/// The wishes of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Overrides {
    /// Exactly so many tokens.
    #[serde(rename = "x-mock-tokens")]
    pub tokens: Option<u32>,
    /// First token after so many milliseconds.
    #[serde(rename = "x-mock-ttft-ms")]
    pub first_ms: Option<u64>,
    /// So many milliseconds between tokens.
    #[serde(rename = "x-mock-itl-ms")]
    pub between_ms: Option<u64>,
}

impl Overrides {
    /// Reads the headers, then the body for what they leave open.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let number =
            |name| headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        let marker: &[u8] = b"\"x-mock-";
        let in_body: Overrides = match body.windows(marker.len()).any(|window| window == marker) {
            true => serde_json::from_slice(body).unwrap_or_default(),
            false => Overrides::default(),
        };
        let tokens = number("x-mock-tokens").and_then(|tokens| u32::try_from(tokens).ok());
        Overrides {
            tokens: tokens.or(in_body.tokens),
            first_ms: number("x-mock-ttft-ms").or(in_body.first_ms),
            between_ms: number("x-mock-itl-ms").or(in_body.between_ms),
        }
    }

    /// The pace as wished; what is wished for is exact.
    pub fn apply(&self, pace: Pace) -> Pace {
        let wished = |milliseconds: u64| Duration::from_millis(milliseconds.min(WAIT_MAX_MS));
        Pace {
            first: self.first_ms.map_or(pace.first, wished),
            between: self.between_ms.map_or(pace.between, wished),
            unevenness: if self.between_ms.is_some() { 0.0 } else { pace.unevenness },
            ..pace
        }
    }
}
