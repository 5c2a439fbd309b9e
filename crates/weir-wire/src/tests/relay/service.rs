//! Services as they are: each writes the same answer in events and escapes of its own.

use serde_json::json;

/// How a service writes.
#[derive(Clone, Debug)]
pub(super) struct Writes {
    pub(super) id: u32,
    /// `中` as `\u4e2d`, and an event may end inside a pair of surrogates.
    pub(super) ascii: bool,
    /// White space after colons and commas.
    pub(super) spaced: bool,
    /// The lengths of its pieces in UTF-16 units, over and over.
    pub(super) lengths: Vec<usize>,
}

impl Writes {
    pub(super) fn plainly(id: u32) -> Self {
        Self { id, ascii: false, spaced: false, lengths: vec![4] }
    }

    /// Text cut into the insides of JSON strings.
    fn pieces(&self, text: &str) -> Vec<String> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut lengths = self.lengths.iter().cycle();
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < units.len() {
            let mut to = (from + lengths.next().unwrap()).min(units.len());
            let inside_pair = (0xDC00..0xE000).contains(units.get(to).unwrap_or(&0));
            to += usize::from(inside_pair && !self.ascii);
            pieces.push(self.escaped(&units[from..to]));
            from = to;
        }
        pieces
    }

    fn escaped(&self, units: &[u16]) -> String {
        let mut out = String::new();
        for char in char::decode_utf16(units.iter().copied()) {
            match char {
                Ok(char) if char.is_ascii() || !self.ascii => {
                    let quoted = serde_json::to_string(&char.to_string()).unwrap();
                    out.push_str(&quoted[1..quoted.len() - 1]);
                }
                Ok(char) => {
                    char.encode_utf16(&mut [0; 2])
                        .iter()
                        .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
                Err(half) => out.push_str(&format!("\\u{:04X}", half.unpaired_surrogate())),
            }
        }
        out
    }

    fn chat_event(&self, choices: &str) -> String {
        let Self { id, .. } = self;
        let head = format!(
            "\"id\":\"c{id}\",\"object\":\"chat.completion.chunk\",\"created\":{id},\"model\":\"m{id}\""
        );
        format!("data: {{{head},\"choices\":[{choices}]}}\n\n")
    }

    /// An event with this inside of its delta.
    pub(super) fn delta(&self, delta: &str) -> String {
        self.chat_event(&format!("{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":null}}"))
    }

    pub(super) fn role(&self) -> String {
        self.delta("\"role\":\"assistant\",\"content\":\"\"")
    }

    pub(super) fn say(&self, text: &str) -> Vec<String> {
        let delta = |piece| match self.spaced {
            true => self.delta(&format!("\"content\": \"{piece}\", \"reasoning_content\": null")),
            false => self.delta(&format!("\"content\":\"{piece}\"")),
        };
        self.pieces(text).into_iter().map(delta).collect()
    }

    pub(super) fn think(&self, text: &str) -> Vec<String> {
        let pieces = self.pieces(text).into_iter();
        pieces
            .map(|piece| self.delta(&format!("\"content\":null,\"reasoning_content\":\"{piece}\"")))
            .collect()
    }

    pub(super) fn end(&self, reason: &str) -> Vec<String> {
        let finish = format!("{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}");
        vec![self.chat_event(&finish), "data: [DONE]\n\n".to_owned()]
    }

    /// A whole chat answer.
    pub(super) fn chat(&self, reasoning: &str, text: &str) -> Vec<String> {
        [vec![self.role()], self.think(reasoning), self.say(text), self.end("stop")].concat()
    }

    /// A whole message.
    pub(super) fn message(&self, blocks: &[Block<'_>]) -> Vec<String> {
        let Self { id, .. } = self;
        let usage = json!({"input_tokens": 100 + id, "output_tokens": 1});
        let message =
            json!({"id": format!("msg{id}"), "role": "assistant", "model": format!("m{id}"), "usage": usage});
        let start = json!({"type": "message_start", "message": message});
        let mut out = vec![event("message_start", &start), event("ping", &json!({"type": "ping"}))];
        for (index, block) in blocks.iter().enumerate() {
            out.extend(self.block(index, *block));
        }
        let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
        let end = json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20 + id}});
        out.extend([event("message_delta", &end), event("message_stop", &json!({"type": "message_stop"}))]);
        out
    }

    fn block(&self, index: usize, block: Block<'_>) -> Vec<String> {
        let (start, kind, field, text) = match block {
            Block::Thinking(text) => {
                (json!({"type": "thinking", "thinking": ""}), "thinking_delta", "thinking", text)
            }
            Block::Text(text) => (json!({"type": "text", "text": ""}), "text_delta", "text", text),
            Block::Tool(text) => {
                let start =
                    json!({"type": "tool_use", "id": format!("t{}", self.id), "name": "f", "input": {}});
                (start, "input_json_delta", "partial_json", text)
            }
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": start});
        let mut out = vec![event("content_block_start", &start)];
        for piece in self.pieces(text) {
            let delta = format!("{{\"type\":\"{kind}\",\"{field}\":\"{piece}\"}}");
            let data = format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}");
            out.push(format!("event: content_block_delta\ndata: {data}\n\n"));
        }
        out.push(event("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
        out
    }
}

/// A block of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block<'a> {
    Thinking(&'a str),
    Text(&'a str),
    Tool(&'a str),
}

fn event(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
