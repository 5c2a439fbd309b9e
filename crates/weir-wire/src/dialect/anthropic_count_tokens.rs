//! Anthropic token counting: `{"input_tokens": n}`. Free, so it reports no usage.

use serde::Deserialize;
use weir_core::{Class, Failure, Finish, Operation};

use super::{Care, Format, Reading, Whole, no_answer, parse};

pub(super) struct CountTokens;

#[derive(Deserialize)]
struct Written {
    #[expect(dead_code, reason = "its presence is what makes the body an answer")]
    input_tokens: u64,
}

impl Format for CountTokens {
    fn operation(&self) -> Operation {
        Operation::CountTokens
    }

    fn read_event(&self, _name: &[u8], _data: &[u8], _care: Care) -> Result<Reading, Failure> {
        Err(Failure::new(Class::Hard, "the service streamed an answer that has no stream"))
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        match parse::<Written>(body) {
            Some(_) => Ok(Whole { usage: None, finish: Some(Finish::Whole) }),
            None => Err(no_answer("input_tokens", body)),
        }
    }
}
