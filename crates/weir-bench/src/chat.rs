//! The bytes of the conversation: one chat request, one whole answer, one chunk of a streamed answer.
//!
//! All are built once, before any clock starts, so that generator and upstream spend their CPU in the kernel's socket
//! code and not in formatting. Requests with the same serial number are the same question: a load that gives each its own
//! leaves a cache nothing to answer, and one that repeats them is what a cache is for.

/// Model name that the request asks for, the answers carry and the gateways route on.
pub const MODEL: &str = "bench";

/// Length of the user's prompt where nothing else is asked for, bytes.
pub const PROMPT_BYTES: usize = 1_024;

/// Bytes of text that stand for a token, in prompts and answers.
pub const BYTES_PER_TOKEN: usize = 4;

/// Digits that open the prompt and differ between requests.
const SERIAL_DIGITS: usize = 16;

/// Length of the answer's text, bytes; makes the JSON body about 600 bytes.
const ANSWER_TEXT_BYTES: usize = 240;

/// A prepared `POST /v1/chat/completions`, head and body, about 1.3 kB.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    serial_at: usize,
}

impl Request {
    /// Prepares a request for the server on `port`; `key` becomes the bearer token.
    pub fn new(port: u16, key: Option<&str>, streamed: bool) -> Self {
        Self::written(port, key, PROMPT_BYTES, &format!(r#""stream":{streamed}"#))
    }

    /// Prepares a request with a prompt of about `prompt_bytes`, whose answer has a text of `tokens`.
    pub fn sized(port: u16, key: Option<&str>, prompt_bytes: usize, tokens: u32) -> Self {
        Self::written(port, key, prompt_bytes, &format!(r#""stream":false,"max_tokens":{tokens}"#))
    }

    /// `options`: the members of the body after the prompt.
    fn written(port: u16, key: Option<&str>, prompt_bytes: usize, options: &str) -> Self {
        let prompt_bytes = prompt_bytes.max(SERIAL_DIGITS);
        let filler = "the level holds and the surplus goes over ".repeat(prompt_bytes / 40 + 1);
        let prompt = format!("{:0SERIAL_DIGITS$} {filler}", 0);
        let prompt = &prompt[..prompt_bytes];
        let body =
            format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"{prompt}"}}],{options}}}"#);
        let authorization = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{authorization}\
             user-agent: weir-bench\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let prompt_at = body.find(prompt).expect("the prompt was just put there");
        Self { serial_at: head.len() + prompt_at, bytes: [head, body].concat().into_bytes() }
    }

    /// The request's bytes with `serial` written into the prompt.
    pub fn stamped(&mut self, mut serial: u64) -> &[u8] {
        for digit in self.bytes[self.serial_at..self.serial_at + SERIAL_DIGITS].iter_mut().rev() {
            *digit = b'0' + (serial % 10) as u8;
            serial /= 10;
        }
        &self.bytes
    }
}

/// A `GET` of `path`, for what the benchmark asks its own upstream.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
}

/// A whole `200` answer, head and JSON body with usage, about 600 bytes of body.
pub fn whole_answer() -> Vec<u8> {
    json_response(&usual_answer_body())
}

/// The JSON body of an answer where no length is asked for.
pub fn usual_answer_body() -> String {
    answer_body(ANSWER_TEXT_BYTES)
}

/// The JSON body of an answer with a text of `text_bytes`.
pub fn answer_body(text_bytes: usize) -> String {
    let mut text = "water over the weir ".repeat(text_bytes / 20 + 1);
    text.truncate(text_bytes);
    format!(
        r#"{{"id":"chatcmpl-bench-0000000000000000","object":"chat.completion","created":1760000000,"model":"{MODEL}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":256,"completion_tokens":60,"total_tokens":316,"prompt_tokens_details":{{"cached_tokens":0}}}},"system_fingerprint":"fp_bench"}}"#
    )
}

/// A `200` answer around `body`.
pub fn json_response(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The pieces of a streamed answer, each ready for the socket.
pub struct StreamedAnswer {
    /// Response head and first chunk, which leave together.
    pub opening: Vec<u8>,
    /// Every chunk but the first and the last, about 200 bytes of event.
    pub chunk: Vec<u8>,
    /// The last chunk (finish reason, usage), `[DONE]` and the end of the body.
    pub closing: Vec<u8>,
}

impl StreamedAnswer {
    /// Builds the three pieces.
    pub fn new() -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        let chunk = in_transfer_chunk(&event("null", ""));
        let usage = r#","usage":{"prompt_tokens":256,"completion_tokens":100,"total_tokens":356}"#;
        let last = format!("{}data: [DONE]\n\n", event(r#""stop""#, usage));
        Self {
            opening: format!("{head}{chunk}").into_bytes(),
            closing: format!("{}0\r\n\r\n", in_transfer_chunk(&last)).into_bytes(),
            chunk: chunk.into_bytes(),
        }
    }
}

fn event(finish_reason: &str, usage: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-bench-0000000000000000\",\"object\":\"chat.completion.chunk\",\
         \"created\":1760000000,\"model\":\"{MODEL}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" water\"}},\
         \"finish_reason\":{finish_reason}}}]{usage}}}\n\n"
    )
}

fn in_transfer_chunk(payload: &str) -> String {
    format!("{:x}\r\n{payload}\r\n", payload.len())
}
