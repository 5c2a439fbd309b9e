//! `POST /completions`: the legacy text API, which DeepSeek uses for fill-in-the-middle.

use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::{self, Stop};
use super::{Dialect, Door, Frames, Part, Spoken, write_data, write_json};
use crate::ask::{Ask, Role, Turn};
use crate::refusal::Refusal;

pub(super) struct Completions;

#[derive(Deserialize)]
struct Body {
    model: String,
    prompt: Prompt,
    suffix: Option<String>,
    stream: Option<bool>,
    stream_options: Option<Value>,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    stop: Option<Stop>,
    n: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Texts(Vec<String>),
}

impl Dialect for Completions {
    fn path(&self) -> &'static str {
        "/completions"
    }

    fn parse(&self, body: &[u8], _door: Door) -> Result<Ask, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::unparsable(&error))?;
        openai::in_range(body.temperature, "temperature", 2.0)?;
        if body.n.is_some_and(|count| count != 1) {
            return Err(Refusal::invalid("Invalid n value (currently only n = 1 is supported)"));
        }
        let prompt = match body.prompt {
            Prompt::Text(text) => text,
            Prompt::Texts(texts) => texts.concat(),
        };
        let text = prompt + body.suffix.as_deref().unwrap_or_default();
        let include_usage =
            body.stream_options.is_some_and(|options| options["include_usage"] == json!(true));
        Ok(Ask {
            model: body.model,
            turns: vec![Turn { role: Role::User, text }],
            stream: body.stream.unwrap_or(false),
            include_usage,
            tokens_max: openai::tokens_max(body.max_tokens, "max_tokens")?,
            stops: body.stop.map(Stop::into_texts).unwrap_or_default(),
            ..Ask::default()
        })
    }

    fn plain(&self, spoken: &Spoken) -> Vec<u8> {
        let finish = openai::finish_reason(spoken.answer.finish);
        let mut whole = chunk(spoken, spoken.answer.content.text(), Some(finish));
        whole["usage"] = openai::usage(&spoken.usage);
        let mut bytes = Vec::new();
        write_json(&mut bytes, &whole);
        bytes
    }

    fn stream(&self, spoken: &Spoken) -> Frames {
        let mut frames = Frames::with_room(spoken.answer.tokens(), 240);
        for piece in spoken.answer.content.iter() {
            frames.push(Part::Token, |bytes| write_data(bytes, &chunk(spoken, piece, None)));
        }
        let finish = openai::finish_reason(spoken.answer.finish);
        frames.push(Part::Finish, |bytes| write_data(bytes, &chunk(spoken, "", Some(finish))));
        if spoken.ask.include_usage {
            let mut usage = chunk(spoken, "", None);
            usage["choices"] = json!([]);
            usage["usage"] = openai::usage(&spoken.usage);
            frames.push(Part::Usage, |bytes| write_data(bytes, &usage));
        }
        frames.push(Part::Done, |bytes| bytes.extend_from_slice(b"data: [DONE]\n\n"));
        frames
    }

    fn error_event(&self, refusal: &Refusal, _events: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_data(&mut bytes, &openai::error_object(refusal));
        bytes
    }
}

fn chunk(spoken: &Spoken, text: &str, finish: Option<&str>) -> Value {
    json!({
        "id": format!("cmpl-{}", spoken.stamp.id),
        "object": "text_completion",
        "created": spoken.stamp.created,
        "model": spoken.ask.model,
        "system_fingerprint": spoken.stamp.fingerprint,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}],
    })
}
