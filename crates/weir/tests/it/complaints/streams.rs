//! Complaints of streams and tools: an answer that is another one when it comes from the cache.

use serde_json::{Value, json};

use crate::house::{Reply, Service, Weir};

/// One way to ask: its path, and what it calls things.
struct Dialect {
    path: &'static str,
    body: fn() -> Value,
    tool: fn(Value) -> Value,
    said: fn(&Value, &mut Said),
}

/// What an answer says, put together as its callers do.
#[derive(Debug, Default, PartialEq)]
struct Said {
    thoughts: String,
    text: String,
    calls: String,
}

const CHAT: Dialect = Dialect {
    path: "/v1/chat/completions",
    body: || json!({"model": "deepseek-flash", "messages": [{"role": "user", "content": "What is a weir?"}]}),
    tool: |function| json!({"type": "function", "function": function}),
    said: |part, said| {
        let choice = &part["choices"][0];
        let message = if choice["message"].is_null() { &choice["delta"] } else { &choice["message"] };
        add(&mut said.thoughts, &message["reasoning_content"]);
        add(&mut said.text, &message["content"]);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            add(&mut said.calls, &call["function"]["name"]);
            add(&mut said.calls, &call["function"]["arguments"]);
        }
    },
};

const MESSAGES: Dialect = Dialect {
    path: "/v1/messages",
    body: || json!({"model": "deepseek-flash", "max_tokens": 4000, "messages": [{"role": "user", "content": "What?"}]}),
    tool: |function| json!({"name": function["name"], "input_schema": function["parameters"]}),
    said: |part, said| {
        let whole = part["content"].as_array().into_iter().flatten();
        for block in whole.chain([&part["delta"], &part["content_block"]]) {
            add(&mut said.thoughts, &block["thinking"]);
            add(&mut said.thoughts, &block["signature"]);
            add(&mut said.text, &block["text"]);
            add(&mut said.calls, &block["name"]);
            add(&mut said.calls, &block["partial_json"]);
            if block["input"].as_object().is_some_and(|input| !input.is_empty()) {
                said.calls.push_str(&block["input"].to_string());
            }
        }
    },
};

const RESPONSES: Dialect = Dialect {
    path: "/v1/responses",
    body: || json!({"model": "deepseek-flash", "input": "What is a weir?"}),
    tool: |function| json!({"type": "function", "name": function["name"], "parameters": function["parameters"]}),
    said: |part, said| {
        match part["type"].as_str() {
            Some("response.output_text.delta") => add(&mut said.text, &part["delta"]),
            Some("response.function_call_arguments.delta") => add(&mut said.calls, &part["delta"]),
            Some("response.output_item.added") => add(&mut said.calls, &part["item"]["name"]),
            _ => {}
        }
        for item in part["output"].as_array().into_iter().flatten() {
            add(&mut said.calls, &item["name"]);
            add(&mut said.calls, &item["arguments"]);
            for content in item["content"].as_array().into_iter().flatten() {
                add(&mut said.text, &content["text"]);
            }
        }
    },
};

fn add(text: &mut String, more: &Value) {
    text.push_str(more.as_str().unwrap_or_default());
}

impl Dialect {
    fn ask(&self, weir: &Weir, more: &Value, stream: bool) -> Reply {
        let mut body = (self.body)();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body["stream"] = json!(stream);
        let reply = weir.post(self.path, &[("anthropic-version", "2023-06-01")], &body.to_string());
        assert_eq!((reply.status, reply.whole), (200, true), "{}", reply.body);
        reply
    }

    fn said(&self, reply: &Reply) -> Said {
        let mut said = Said::default();
        let parts = if reply.body.starts_with('{') { vec![reply.json()] } else { reply.events() };
        parts.iter().for_each(|part| (self.said)(part, &mut said));
        said
    }

    /// The pieces in which a stream says it.
    fn pieces(&self, reply: &Reply) -> Vec<Said> {
        let each = reply.events().into_iter().map(|event| {
            let mut said = Said::default();
            (self.said)(&event, &mut said);
            said
        });
        each.filter(|said| *said != Said::default()).collect()
    }

    /// An offer of a tool, which the service calls.
    fn with_tool(&self) -> Value {
        let parameters = json!({
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"]
        });
        json!({"tools": [(self.tool)(json!({"name": "weather", "parameters": parameters}))]})
    }
}

/// Asks twice in the first form and once in the other: all three say the same, and two come from the cache. What was said, and
/// the stream among the kept ones.
fn check(dialect: &Dialect, more: &Value, streamed_first: bool) -> (Said, Reply) {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[cache]\nmode = \"all\"\n");
    let ask = |stream| dialect.ask(&weir, more, stream);
    let (miss, again, other) = (ask(streamed_first), ask(streamed_first), ask(!streamed_first));
    let states = [&miss, &again, &other].map(|reply| reply.header("x-cache").to_owned());
    assert_eq!(states, ["MISS", "HIT-memory", "HIT-memory"], "{}", dialect.path);
    let said = dialect.said(&miss);
    assert_eq!(
        [dialect.said(&again), dialect.said(&other)].map(|again| again == said),
        [true; 2],
        "{said:?}"
    );
    if streamed_first {
        assert_eq!(dialect.pieces(&again), dialect.pieces(&miss), "the same pieces");
    } else {
        assert_eq!(again.body, miss.body, "the same bytes");
    }
    assert_eq!(service.log().len(), 1);
    (said, if streamed_first { again } else { other })
}

/// LiteLLM#11145: an answer from the cache came as one lump.
#[test]
fn litellm_11145_a_stream_from_the_cache_comes_in_pieces() {
    for dialect in [CHAT, MESSAGES, RESPONSES] {
        for streamed_first in [true, false] {
            let (said, stream) = check(&dialect, &json!({}), streamed_first);
            let pieces = dialect.pieces(&stream);
            assert!(pieces.len() > 5, "{}: {}", dialect.path, stream.body);
            assert!(
                !said.text.is_empty() && pieces.iter().all(|piece| piece.text.len() < said.text.len() / 2)
            );
        }
    }
}

/// LiteLLM#24579: a stream of `/v1/responses` was never kept.
#[test]
fn litellm_24579_a_stream_of_responses_is_kept_event_by_event() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[cache]\nmode = \"all\"\n");
    let [miss, hit] = [(); 2].map(|()| RESPONSES.ask(&weir, &json!({}), true));
    assert_eq!([&miss, &hit].map(|reply| reply.header("x-cache")), ["MISS", "HIT-memory"]);
    let names = |reply: &Reply| -> Vec<Value> {
        reply.events().iter().map(|event| json!([event["type"], event["sequence_number"]])).collect()
    };
    assert_eq!(names(&hit), names(&miss));
    assert_eq!(
        hit.events().last().unwrap()["response"]["usage"],
        miss.events().last().unwrap()["response"]["usage"]
    );
}

/// LiteLLM#32068: an answer from the cache had lost its `reasoning_content`.
#[test]
fn litellm_32068_thoughts_are_kept() {
    for (dialect, thinking) in
        [(CHAT, json!({"type": "enabled"})), (MESSAGES, json!({"type": "enabled", "budget_tokens": 1024}))]
    {
        for streamed_first in [true, false] {
            let (said, stream) = check(&dialect, &json!({"thinking": thinking}), streamed_first);
            assert!(!said.thoughts.is_empty() && !said.text.is_empty(), "{said:?}");
            let begins = dialect.pieces(&stream);
            assert!(!begins[0].thoughts.is_empty(), "first the thoughts: {}", stream.body);
        }
    }
}

/// LiteLLM#11145 again: what tools are called with is the same to the byte, whichever form the answer came in first.
#[test]
fn litellm_11145_tools_are_called_with_the_same_words() {
    for dialect in [CHAT, MESSAGES, RESPONSES] {
        for streamed_first in [true, false] {
            let (said, stream) = check(&dialect, &dialect.with_tool(), streamed_first);
            let arguments = said.calls.strip_prefix("weather").expect("it is called first");
            let arguments: Value = serde_json::from_str(arguments).expect("and with JSON");
            assert!(arguments["city"].is_string() && arguments["days"].is_u64(), "{said:?}: {}", stream.body);
        }
    }
}
