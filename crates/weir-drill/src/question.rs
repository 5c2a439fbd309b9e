//! Questions and their right answers. The services are told the words beforehand, so an answer is right or it
//! is not.

use serde_json::{Value, json};

use crate::scenario::{Dialect, Way};

/// Sixty words of at most six letters: a word is one token to the mock, so "after 40 tokens" is after 40
/// words.
pub const WORDS: &str = "A dam that holds is a calm thing to see. The water comes in fast or slow, by day \
    and by night, and what goes out is what the fields can use. When a gate jams, the next one opens; when rain \
    is heavy, the rest waits its turn. Nobody below has to know, and that is the whole point.";

/// Laozi on water, chapter 8: every character has three bytes.
const CHINESE: &str = "上善若水。水善利萬物而不爭，處衆人之所惡，故幾於道。居善地，心善淵，與善仁，言善信，\
    正善治，事善能，動善時。夫唯不爭，故無尤。";

/// Thoughts before an answer.
pub const THOUGHTS: &str = "First I ask what a dam is for. It keeps the level, it lets the rest over, \
    and it holds when it rains. So I will say that in a few words.";

/// The arguments the tool is called with: its schema allows no others.
const ARGUMENTS: &str =
    r#"{"station":"Upper weir","unit":"cubic metres a second","since":"yesterday at dawn"}"#;
const TOOL: &str = "read_level";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// For sixty words.
    Words,
    /// For Chinese.
    Chinese,
    /// For sixty words, after thoughts.
    Thoughts,
    /// For a call of a tool.
    Tool,
}

/// The right answer.
#[derive(Clone, Copy, Debug)]
pub struct Right {
    /// Its text.
    pub text: &'static str,
    /// The thoughts before it. An answer may leave them out, or their end: they may belong to an attempt that
    /// died.
    pub thoughts: &'static str,
    /// The tool called, and its arguments.
    pub call: Option<(&'static str, &'static str)>,
}

impl Question {
    /// Its right answer.
    pub fn right(self) -> Right {
        let right = Right { text: WORDS, thoughts: "", call: None };
        match self {
            Self::Words => right,
            Self::Chinese => Right { text: CHINESE, ..right },
            Self::Thoughts => Right { thoughts: THOUGHTS, ..right },
            Self::Tool => Right { text: "", call: Some((TOOL, ARGUMENTS)), ..right },
        }
    }

    /// The body of a request. `mark` makes its prompt like no other, so that no cache knows the answer.
    pub fn body(self, way: Way, model: &str, mark: &str) -> Value {
        let prompt = match self {
            Self::Words | Self::Thoughts => "Say in sixty words what a dam is for.",
            Self::Chinese => "道德經第八章怎麼說水？",
            Self::Tool => "How high is the water?",
        };
        let mut body = json!({
            "model": model,
            "messages": [{"role": "user", "content": format!("{prompt} [{mark}]")}],
            "stream": way.stream,
        });
        match way.dialect {
            Dialect::Chat if way.stream => body["stream_options"] = json!({"include_usage": true}),
            Dialect::Chat => {}
            Dialect::Messages => body["max_tokens"] = json!(4096),
        }
        if self == Self::Thoughts {
            body["thinking"] = match way.dialect {
                Dialect::Chat => json!({"type": "enabled"}),
                Dialect::Messages => json!({"type": "enabled", "budget_tokens": 1024}),
            };
        }
        if self == Self::Tool {
            body["tools"] = json!([tool(way.dialect)]);
        }
        body
    }

    /// What the services are told to say and to do: a fault plan of the mock, at a pace at which a cut falls
    /// between two tokens and not between two answers.
    pub fn plan(self, rules: &str) -> Value {
        let rules: Value = serde_json::from_str(rules).expect("a test reads the rules of every scenario");
        let right = self.right();
        json!({
            "rules": rules, "profile": "calm", "profile_faults": false,
            "text": right.text, "thoughts": right.thoughts, "continue_trailing_assistant": true,
        })
    }
}

fn tool(dialect: Dialect) -> Value {
    let arguments: Value = serde_json::from_str(ARGUMENTS).expect("the arguments are JSON");
    let only = |(name, value): (&String, &Value)| (name.clone(), json!({"type": "string", "enum": [value]}));
    let properties: serde_json::Map<_, _> = arguments.as_object().into_iter().flatten().map(only).collect();
    let names: Vec<_> = properties.keys().cloned().collect();
    let schema = json!({"type": "object", "properties": properties, "required": names});
    let about = "Reads the water level at a station.";
    match dialect {
        Dialect::Chat => json!({
            "type": "function", "function": {"name": TOOL, "description": about, "parameters": schema},
        }),
        Dialect::Messages => json!({"name": TOOL, "description": about, "input_schema": schema}),
    }
}
