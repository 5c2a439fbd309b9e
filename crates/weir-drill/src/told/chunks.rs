//! A chat stream: chunks of one completion, as <https://platform.openai.com/docs/api-reference/chat-streaming>
//! has them.
//!
//! What is held to: every chunk names the same completion; the role comes once and first; each choice (one
//! was asked for) finishes once, and nothing is said after; usage is told once.

use serde_json::Value;

use super::{Told, ToolCall, push_text, whole};

/// What has come so far.
#[derive(Default)]
pub(super) struct Reader {
    /// `id`, `created` and `model`, as the first chunk had them.
    named: Option<[Value; 3]>,
    role: bool,
    usage: bool,
}

impl Reader {
    /// Takes the next chunk.
    pub(super) fn take(&mut self, told: &mut Told, name: &str, data: &Value) {
        if !name.is_empty() {
            told.breach(format!("a chunk under the name `{name}`, which clients overlook: {data}"));
        }
        if data["object"] != "chat.completion.chunk" {
            told.breach(format!("an event that is no chunk: {data}"));
            return;
        }
        self.same_name(told, data);
        self.usage(told, data);
        match data["choices"].as_array().map(Vec::as_slice) {
            Some([]) => {}
            Some([choice]) if choice["index"] == 0 => self.choice(told, choice),
            _ => told.breach(format!("not the one choice that was asked for: {data}")),
        }
    }

    fn same_name(&mut self, told: &mut Told, data: &Value) {
        let named = ["id", "created", "model"].map(|field| data[field].clone());
        let [id, created, model] = &named;
        if !(id.is_string() && created.is_u64() && model.is_string()) {
            told.breach(format!("a chunk without id, created or model: {data}"));
        }
        match &self.named {
            None => {
                told.model = model.as_str().map(str::to_owned);
                self.named = Some(named);
            }
            Some(first) if *first != named => {
                let list = |[id, created, model]: &[Value; 3]| format!("{id} {created} {model}");
                told.breach(format!(
                    "the answer changes its name on the way, from {} to {}",
                    list(first),
                    list(&named)
                ));
            }
            Some(_) => {}
        }
    }

    fn usage(&mut self, told: &mut Told, data: &Value) {
        if !data["usage"].is_object() {
            return;
        }
        if std::mem::replace(&mut self.usage, true) {
            told.breach(format!("usage is told twice: {}", data["usage"]));
        }
        whole::chat_usage(told, &data["usage"]);
    }

    fn choice(&mut self, told: &mut Told, choice: &Value) {
        let delta = &choice["delta"];
        if !delta["role"].is_null() {
            if delta["role"] != "assistant" {
                told.breach(format!("the role is {}", delta["role"]));
            }
            if std::mem::replace(&mut self.role, true) {
                told.breach("a second role chunk".to_owned());
            }
        }
        let said = say(told, delta);
        if said && told.finish.is_some() {
            told.breach("more was said after the finish".to_owned());
        }
        let finish = choice["finish_reason"].as_str();
        if (said || finish.is_some()) && !self.role {
            self.role = true;
            told.breach("the answer begins without a role".to_owned());
        }
        if let Some(finish) = finish
            && let Some(first) = told.finish.replace(finish.to_owned())
        {
            told.breach(format!("the choice finishes twice, with `{first}` and `{finish}`"));
        }
    }
}

/// Whether the delta says anything.
fn say(told: &mut Told, delta: &Value) -> bool {
    let before = told.text.len() + told.thoughts.len();
    push_text(&mut told.text, &delta["content"]);
    push_text(&mut told.thoughts, &delta["reasoning_content"]);
    let mut said = told.text.len() + told.thoughts.len() > before;
    for part in delta["tool_calls"].as_array().into_iter().flatten() {
        said = true;
        let index = part["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        match index {
            Some(index) if index + 1 == told.calls.len() && part["id"].is_null() => {}
            Some(index) if index == told.calls.len() && part["id"].is_string() => {
                told.calls.push(ToolCall::default());
            }
            _ => told.breach(format!("a part of a tool call that begins or continues none: {part}")),
        }
        if let Some(call) = told.calls.last_mut() {
            push_text(&mut call.name, &part["function"]["name"]);
            push_text(&mut call.arguments, &part["function"]["arguments"]);
        }
    }
    said
}
