//! What an SDK makes of the bytes it gets. It fails on whatever would confuse one.

use serde_json::Value;
use weir_core::{Chunk, Finish, Usage};

use crate::sse::events;

#[derive(Debug, Default)]
pub(super) struct Caller {
    pub(super) bytes: String,
    pub(super) text: String,
    pub(super) reasoning: String,
    /// Arguments of tools, in order.
    pub(super) tools: String,
    pub(super) ids: Vec<String>,
    pub(super) roles: usize,
    pub(super) finishes: Vec<String>,
    pub(super) done: usize,
    /// Usage objects in the bytes.
    pub(super) usage: Vec<Value>,
    /// Facts of the chunks.
    pub(super) reported: Option<Usage>,
    pub(super) finish: Option<Finish>,
    /// Blocks of a message: their kinds.
    pub(super) blocks: Vec<String>,
    open: Option<u64>,
}

impl Caller {
    pub(super) fn take(&mut self, chunk: &Chunk) {
        assert!(self.done == 0 || chunk.bytes.is_empty(), "bytes after the end");
        let finishes = self.finishes.len();
        let said = (self.text.len(), self.reasoning.len(), self.tools.len());
        self.bytes.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
        for event in events(&chunk.bytes).filter(|event| event.data_lines > 0) {
            self.event(&chunk.bytes[event.data]);
        }
        for text in [&mut self.text, &mut self.reasoning, &mut self.tools] {
            Self::put_together(text);
        }
        let text = (self.text.len(), self.reasoning.len(), self.tools.len()) != said;
        assert_eq!(
            chunk.finish.is_some(),
            self.finishes.len() > finishes,
            "the chunk's finish is in its bytes"
        );
        assert!(chunk.progress || !text, "text is progress");
        self.finish = self.finish.or(chunk.finish);
        if let Some(usage) = chunk.usage {
            self.reported = Some(self.reported.map_or(usage, |known| known.merged(usage)));
        }
    }

    /// SDKs put halves of a pair of surrogates together, whatever events they came in.
    fn put_together(text: &mut String) {
        if text.contains(|char: char| HALVES.contains(&(char as u32))) {
            let units = text.chars().flat_map(|char| match char as u32 {
                half if HALVES.contains(&half) => vec![(half - HALVES.start + 0xD800) as u16],
                _ => char.encode_utf16(&mut [0; 2]).to_vec(),
            });
            *text = String::from_utf16_lossy(&units.collect::<Vec<_>>());
        }
    }

    fn event(&mut self, data: &[u8]) {
        if data == b"[DONE]" {
            self.done += 1;
            return;
        }
        let data = halves_named(data);
        let Ok(mut event) = serde_json::from_str::<Value>(&data) else { panic!("not JSON: {data}") };
        if event["type"].is_string() {
            return self.message_event(&event);
        }
        let id = event["id"].to_string() + &event["created"].to_string() + &event["model"].to_string();
        if !self.ids.contains(&id) {
            self.ids.push(id);
        }
        if event["usage"].is_object() {
            self.usage.push(event["usage"].take());
        }
        let Some(choice) = event["choices"].get(0) else { return };
        let delta = &choice["delta"];
        self.roles += usize::from(delta["role"].is_string());
        self.text.push_str(delta["content"].as_str().or(choice["text"].as_str()).unwrap_or_default());
        self.reasoning.push_str(delta["reasoning_content"].as_str().unwrap_or_default());
        for tool in delta["tool_calls"].as_array().into_iter().flatten() {
            self.tools.push_str(tool["function"]["arguments"].as_str().unwrap_or_default());
        }
        self.finishes.extend(choice["finish_reason"].as_str().map(str::to_owned));
    }

    /// Follows the order of events as the SDKs do.
    fn message_event(&mut self, event: &Value) {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "ping" => {}
            "message_start" => {
                assert!(self.bytes.starts_with("event: message_start"), "it comes first");
                self.roles += 1;
                self.ids.push(event["message"]["id"].to_string());
                self.usage.push(event["message"]["usage"].clone());
            }
            "content_block_start" => {
                assert_eq!(self.open, None, "a block opens in another: {event}");
                assert_eq!(index, Some(self.blocks.len() as u64), "indices rise by one: {event}");
                self.blocks.push(event["content_block"]["type"].as_str().unwrap().to_owned());
                self.text.push_str(event["content_block"]["text"].as_str().unwrap_or_default());
                self.open = index;
            }
            "content_block_delta" => {
                assert_eq!(self.open, index, "{event}");
                let delta = &event["delta"];
                self.text.push_str(delta["text"].as_str().unwrap_or_default());
                self.reasoning.push_str(delta["thinking"].as_str().unwrap_or_default());
                self.tools.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "content_block_stop" => assert_eq!(self.open.take(), index, "{event}"),
            "message_delta" => {
                assert_eq!(self.open, None, "the message ends in a block");
                self.finishes.push(event["delta"]["stop_reason"].as_str().unwrap().to_owned());
                self.usage.push(event["usage"].clone());
            }
            "message_stop" => self.done += 1,
            kind => panic!("{kind}"),
        }
    }

    /// The answer is whole, and looks like one answer of one service.
    pub(super) fn has_whole(&self, text: &str) {
        assert_eq!(self.text, text);
        assert_eq!((self.finishes.len(), self.done), (1, 1), "{}", self.bytes);
        assert_eq!(self.ids.len(), 1, "{:?}", self.ids);
        assert!(self.roles <= 1, "{}", self.bytes);
    }
}

/// Where halves of pairs stand in for themselves, since `serde_json` does not take them.
const HALVES: std::ops::Range<u32> = 0xF_0000..0xF_0800;

fn halves_named(data: &[u8]) -> String {
    let mut rest = std::str::from_utf8(data).unwrap();
    let mut out = String::new();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let digits = rest[at..].strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let length = match unit.filter(|unit| (0xD800..0xE000).contains(unit)) {
            Some(half) => {
                out.extend(char::from_u32(HALVES.start + half - 0xD800));
                6
            }
            None => {
                out.push_str(&rest[at..at + 2]);
                2
            }
        };
        rest = &rest[at + length..];
    }
    out + rest
}
