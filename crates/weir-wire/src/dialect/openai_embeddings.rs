//! Embeddings: a list of vectors and usage. Never streamed.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::{Class, Dialect, Failure, Finish, Operation};

use super::{Care, Format, Reading, Whole, no_answer, openai_usage, parse};
use crate::classify::in_band;

pub(super) struct Embeddings;

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Format for Embeddings {
    fn operation(&self) -> Operation {
        Operation::Embeddings
    }

    fn read_event(&self, _name: &[u8], _data: &[u8], _care: Care) -> Result<Reading, Failure> {
        Err(Failure::new(Class::Hard, "the service streamed an answer that has no stream"))
    }

    fn read_whole(&self, body: &[u8]) -> Result<Whole, Failure> {
        let Some(written) = parse::<Written<'_>>(body) else {
            return Err(no_answer("a JSON answer", body));
        };
        match (written.error, written.data) {
            (Some(error), _) => Err(in_band(Dialect::OpenAi, error.get())),
            (None, None) => Err(no_answer("data", body)),
            (None, Some(_)) => {
                Ok(Whole { usage: written.usage.and_then(openai_usage::read), finish: Some(Finish::Whole) })
            }
        }
    }
}
