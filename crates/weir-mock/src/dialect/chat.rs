//! `POST /chat/completions`: OpenAI's chat API with DeepSeek's and vLLM's additions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::{self, Content, Stop};
use super::{Dialect, Door, Frames, Part, Spoken, write_data, write_json};
use crate::ask::{Ask, Role, Turn};
use crate::refusal::Refusal;

pub(super) struct Chat;

#[derive(Deserialize)]
struct Body {
    model: String,
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Option<Stop>,
    n: Option<u32>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    response_format: Option<Value>,
    thinking: Option<Thinking>,
    continue_final_message: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
    /// DeepSeek's and Mistral's "go on from here" …
    prefix: Option<bool>,
    /// … and Qwen's and Kimi's.
    partial: Option<bool>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Thinking {
    r#type: Option<String>,
}

impl Dialect for Chat {
    fn path(&self) -> &'static str {
        "/chat/completions"
    }

    fn parse(&self, body: &[u8], door: Door) -> Result<Ask, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::unparsable(&error))?;
        check(&body)?;
        let continues = continues(&body, door)?;
        let limit = body.max_completion_tokens.or(body.max_tokens);
        let mut ask = Ask {
            model: body.model,
            turns: body.messages.into_iter().map(turn).collect::<Result<_, _>>()?,
            stream: body.stream.unwrap_or(false),
            include_usage: body.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            tokens_max: openai::tokens_max(limit, "max_tokens")?,
            stops: body.stop.map(Stop::into_texts).unwrap_or_default(),
            format: openai::format(body.response_format.as_ref()),
            thinking: body.thinking.and_then(|thinking| thinking.r#type).as_deref() == Some("enabled"),
            ..Ask::default()
        };
        if continues {
            ask.continues = ask.turns.last().map(|turn| turn.text.clone());
        }
        ask.choose_call(openai::tools(body.tools), openai::tool_choice(body.tool_choice.as_ref()));
        Ok(ask)
    }

    fn plain(&self, spoken: &Spoken) -> Vec<u8> {
        let answer = spoken.answer;
        let mut message = json!({"role": "assistant", "content": answer.content.text()});
        if !answer.reasoning.is_empty() {
            message["reasoning_content"] = json!(answer.reasoning.text());
        }
        if let Some(call) = &answer.call {
            message["content"] = Value::Null;
            message["tool_calls"] = json!([{
                "index": 0, "id": format!("call_{}", call.id), "type": "function",
                "function": {"name": call.name, "arguments": call.arguments.text()},
            }]);
        }
        let mut bytes = Vec::new();
        let whole = json!({
            "id": format!("chatcmpl-{}", spoken.stamp.id),
            "object": "chat.completion",
            "created": spoken.stamp.created,
            "model": spoken.ask.model,
            "choices": [{
                "index": 0, "message": message, "logprobs": null,
                "finish_reason": openai::finish_reason(answer.finish),
            }],
            "usage": openai::usage(&spoken.usage),
            "system_fingerprint": spoken.stamp.fingerprint,
        });
        write_json(&mut bytes, &whole);
        bytes
    }

    fn stream(&self, spoken: &Spoken) -> Frames {
        let chunk = ChunkTemplate::new(spoken);
        let answer = spoken.answer;
        let mut frames = Frames::with_room(answer.tokens(), chunk.head.len() + 100);
        let opening: &[u8] = match answer.reasoning.is_empty() {
            true => br#"{"role":"assistant","content":""}"#,
            false => br#"{"role":"assistant","content":null,"reasoning_content":""}"#,
        };
        frames
            .push(Part::Opening, |bytes| chunk.write(bytes, None, |bytes| bytes.extend_from_slice(opening)));
        for piece in answer.reasoning.iter() {
            frames.push(Part::Token, |bytes| chunk.text(bytes, br#"{"reasoning_content":"#, piece, b"}"));
        }
        for piece in answer.content.iter() {
            frames.push(Part::Token, |bytes| chunk.text(bytes, br#"{"content":"#, piece, b"}"));
        }
        if let Some(call) = &answer.call {
            let begin = json!({"tool_calls": [{
                "index": 0, "id": format!("call_{}", call.id), "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }]});
            frames.push(Part::Opening, |bytes| chunk.write(bytes, None, |bytes| write_json(bytes, &begin)));
            let before = br#"{"tool_calls":[{"index":0,"function":{"arguments":"#;
            for piece in call.arguments.iter() {
                frames.push(Part::Token, |bytes| chunk.text(bytes, before, piece, b"}}]}"));
            }
        }
        let finish = openai::finish_reason(answer.finish);
        frames.push(Part::Finish, |bytes| {
            chunk.write(bytes, Some(finish), |bytes| bytes.extend_from_slice(br#"{"content":""}"#));
        });
        if spoken.ask.include_usage {
            frames.push(Part::Usage, |bytes| chunk.usage(bytes, spoken));
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

fn check(body: &Body) -> Result<(), Refusal> {
    if body.messages.is_empty() {
        return Err(Refusal::invalid("Empty input messages"));
    }
    if body.n.is_some_and(|count| count != 1) {
        return Err(Refusal::invalid("Invalid n value (currently only n = 1 is supported)"));
    }
    openai::in_range(body.temperature, "temperature", 2.0)?;
    openai::in_range(body.top_p, "top_p", 1.0)
}

/// Whether the last message is an answer to go on with.
fn continues(body: &Body, door: Door) -> Result<bool, Refusal> {
    let Some(last) = body.messages.last().filter(|message| message.role == "assistant") else {
        return Ok(false);
    };
    let prefix = last.prefix == Some(true);
    if prefix && !door.beta {
        return Err(Refusal::invalid("prefix is only available when using beta api"));
    }
    let flagged = prefix || last.partial == Some(true) || body.continue_final_message == Some(true);
    Ok(flagged || door.continues_trailing)
}

fn turn(message: Message) -> Result<Turn, Refusal> {
    let role = match message.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        other => {
            return Err(Refusal::unprocessable(format!(
                "Failed to deserialize the JSON body into the target type: messages: unknown variant \
                 `{other}`, expected one of `system`, `user`, `assistant`, `tool`"
            )));
        }
    };
    Ok(Turn { role, text: message.content.map(Content::into_text).unwrap_or_default() })
}

/// The parts of a chunk that are the same for every token of an answer.
struct ChunkTemplate {
    /// Up to the value of `choices`.
    head: Vec<u8>,
    /// `,"usage":null` when a usage chunk will follow.
    tail: &'static [u8],
}

impl ChunkTemplate {
    fn new(spoken: &Spoken) -> Self {
        let mut head = br#"data: {"id":"chatcmpl-"#.to_vec();
        head.extend_from_slice(spoken.stamp.id.as_bytes());
        head.extend_from_slice(br#"","object":"chat.completion.chunk","created":"#);
        write_json(&mut head, &spoken.stamp.created);
        head.extend_from_slice(br#","model":"#);
        write_json(&mut head, &spoken.ask.model);
        head.extend_from_slice(br#","system_fingerprint":"#);
        write_json(&mut head, &spoken.stamp.fingerprint);
        head.extend_from_slice(br#","choices":"#);
        let tail: &[u8] = if spoken.ask.include_usage { br#","usage":null"# } else { b"" };
        ChunkTemplate { head, tail }
    }

    /// A chunk whose delta `delta` writes.
    fn write(&self, bytes: &mut Vec<u8>, finish: Option<&str>, delta: impl FnOnce(&mut Vec<u8>)) {
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(br#"[{"index":0,"delta":"#);
        delta(bytes);
        bytes.extend_from_slice(br#","logprobs":null,"finish_reason":"#);
        write_json(bytes, &finish);
        bytes.extend_from_slice(b"}]");
        bytes.extend_from_slice(self.tail);
        bytes.extend_from_slice(b"}\n\n");
    }

    /// A chunk that says `piece`.
    fn text(&self, bytes: &mut Vec<u8>, before: &[u8], piece: &str, after: &[u8]) {
        self.write(bytes, None, |bytes| {
            bytes.extend_from_slice(before);
            write_json(bytes, &piece);
            bytes.extend_from_slice(after);
        });
    }

    fn usage(&self, bytes: &mut Vec<u8>, spoken: &Spoken) {
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(br#"[],"usage":"#);
        write_json(bytes, &openai::usage(&spoken.usage));
        bytes.extend_from_slice(b"}\n\n");
    }
}
