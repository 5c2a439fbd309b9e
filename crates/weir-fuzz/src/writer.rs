//! A service that writes an answer as it should, in pieces and escapes of its own.

use weir_core::Operation;

/// How a service writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    pub(crate) operation: Operation,
    pub(crate) id: usize,
    /// `中` as `\u4e2d`, so that an event may end inside a pair of surrogates.
    pub(crate) escapes: bool,
    /// UTF-16 units in each piece of text.
    pub(crate) length: usize,
    /// Lines end in CRLF.
    pub(crate) crlf: bool,
}

impl Writer {
    /// The events of a whole answer.
    pub(crate) fn answer(&self, reasoning: &str, text: &str) -> Vec<String> {
        let events = match self.operation {
            Operation::Messages => self.message(reasoning, text),
            Operation::Completions => {
                let piece =
                    |piece: &String| self.choice(&format!("\"text\":\"{piece}\",\"finish_reason\":null"));
                let mut events: Vec<String> = self.pieces(text).iter().map(piece).collect();
                events.push(self.choice("\"text\":\"\",\"finish_reason\":\"stop\""));
                events.push("data: [DONE]\n\n".to_owned());
                events
            }
            _ => self.chat(reasoning, text),
        };
        if self.crlf { events.iter().map(|event| event.replace('\n', "\r\n")).collect() } else { events }
    }

    fn chat(&self, reasoning: &str, text: &str) -> Vec<String> {
        let delta = |delta: &str| self.choice(&format!("\"delta\":{{{delta}}},\"finish_reason\":null"));
        let mut events = vec![delta("\"role\":\"assistant\",\"content\":\"\"")];
        for piece in self.pieces(reasoning) {
            events.push(delta(&format!("\"content\":null,\"reasoning_content\":\"{piece}\"")));
        }
        for piece in self.pieces(text) {
            events.push(delta(&format!("\"content\":\"{piece}\"")));
        }
        events.push(self.choice("\"delta\":{},\"finish_reason\":\"stop\""));
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    fn choice(&self, choice: &str) -> String {
        let id = self.id;
        format!("data: {{\"id\":\"c{id}\",\"created\":{id},\"choices\":[{{\"index\":0,{choice}}}]}}\n\n")
    }

    fn message(&self, reasoning: &str, text: &str) -> Vec<String> {
        let id = self.id;
        let event =
            |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
        let usage = "{\"input_tokens\":9,\"output_tokens\":1}";
        let message = format!("\"id\":\"m{id}\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]");
        let message = format!(",\"message\":{{{message},\"usage\":{usage}}}");
        let mut events = vec![event("message_start", &message)];
        let blocks = [("thinking", "thinking_delta", reasoning), ("text", "text_delta", text)];
        let spoken = blocks.iter().filter(|(name, _, text)| *name == "text" || !text.is_empty());
        for (index, (name, kind, text)) in spoken.enumerate() {
            let at = format!(",\"index\":{index}");
            let block = format!("{at},\"content_block\":{{\"type\":\"{name}\",\"{name}\":\"\"}}");
            events.push(event("content_block_start", &block));
            for piece in self.pieces(text) {
                let delta = format!("{at},\"delta\":{{\"type\":\"{kind}\",\"{name}\":\"{piece}\"}}");
                events.push(event("content_block_delta", &delta));
            }
            events.push(event("content_block_stop", &at));
        }
        let end = ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}";
        events.extend([event("message_delta", end), event("message_stop", "")]);
        events
    }

    /// Text cut into the insides of JSON strings.
    fn pieces(&self, text: &str) -> Vec<String> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < units.len() {
            let mut to = (from + self.length.max(1)).min(units.len());
            let inside_pair = (0xDC00..0xE000).contains(units.get(to).unwrap_or(&0));
            to += usize::from(inside_pair && !self.escapes);
            pieces.push(self.escaped(&units[from..to]));
            from = to;
        }
        pieces
    }

    fn escaped(&self, units: &[u16]) -> String {
        let one = |char: Result<char, std::char::DecodeUtf16Error>| match char {
            Ok(char) if char.is_ascii() || !self.escapes => {
                let quoted = serde_json::Value::from(char.to_string()).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Ok(char) => char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            Err(half) => format!("\\u{:04X}", half.unpaired_surrogate()),
        };
        char::decode_utf16(units.iter().copied()).map(one).collect()
    }
}
