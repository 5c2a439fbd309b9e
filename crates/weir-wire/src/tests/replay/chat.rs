//! Chat and legacy completions, as services write them.

use serde_json::json;
use weir_core::Operation;

use super::{check, data};
use crate::dialect::format;
use crate::replay::{assemble, play, play_at_once};

/// A chunk of DeepSeek's, with what `choice` says of the first choice.
fn chunk(choice: &str) -> String {
    format!(
        "{{\"id\":\"930c60df\",\"object\":\"chat.completion.chunk\",\"created\":1764144000,\"model\":\"deepseek-reasoner\",\
         \"system_fingerprint\":\"fp_eaab8d114b_prod0820\",\"choices\":[{{\"index\":0,{choice}}}]}}"
    )
}

fn delta(delta: &str) -> String {
    chunk(&format!("\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":null"))
}

fn stream(chunks: &[String]) -> String {
    let mut lines: Vec<&str> = chunks.iter().map(String::as_str).collect();
    lines.push("[DONE]");
    data(&lines)
}

/// As DeepSeek does: usage comes with the end.
fn end(reason: &str) -> String {
    let end =
        chunk(&format!("\"delta\":{{\"content\":\"\"}},\"logprobs\":null,\"finish_reason\":\"{reason}\""));
    let usage = "\"usage\":{\"prompt_tokens\":17,\"completion_tokens\":9,\"total_tokens\":26,\"prompt_tokens_details\":{\"cached_tokens\":3},\"completion_tokens_details\":{\"reasoning_tokens\":4}}";
    format!("{},{usage}}}", end.strip_suffix('}').unwrap())
}

#[test]
fn thoughts_and_text_of_deepseek_come_out_as_they_went_in() {
    let chunks = [
        delta(r#""role":"assistant","content":null,"reasoning_content":"""#),
        delta(r#""content":null,"reasoning_content":"Let me""#),
        delta(r#""content":null,"reasoning_content":" think… \"9.11\"\n""#),
        delta(r#""content":"The","reasoning_content":null"#),
        delta(r#""content":" answer is 9.8 \u4e2d 文 😀""#),
        end("stop"),
    ];
    let body = check(Operation::Chat, &stream(&chunks));
    let message = json!({
        "role": "assistant", "content": "The answer is 9.8 中 文 😀",
        "reasoning_content": "Let me think… \"9.11\"\n",
    });
    assert_eq!(
        body["choices"],
        json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}])
    );
    assert_eq!(body["object"], "chat.completion");
    assert_eq!((&body["id"], &body["created"]), (&json!("930c60df"), &json!(1_764_144_000)));
    assert_eq!(body["system_fingerprint"], "fp_eaab8d114b_prod0820");
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 4);
}

#[test]
fn a_played_stream_is_written_as_its_service_writes() {
    let chunks = [
        delta(r#""role":"assistant","content":"""#),
        delta(r#""content":"Hello""#),
        delta(r#""content":" you""#),
        chunk(r#""delta":{},"logprobs":null,"finish_reason":"length""#),
    ];
    let stream = stream(&chunks);
    let kept = assemble(Operation::Chat, stream.as_bytes()).unwrap();
    let played = play(Operation::Chat, &kept, false).unwrap();
    assert_eq!(String::from_utf8(played.concat()).unwrap(), stream);
    assert_eq!(played.len(), 5);
    assert_eq!(play(Operation::Chat, &kept, true), None, "there is no usage to include");
}

#[test]
fn clients_that_keep_what_was_said_last_keep_the_same() {
    // openai-node puts `reasoning_content` of each delta in place of the last one's.
    let streams = [
        stream(&[
            delta(r#""role":"assistant","content":null,"reasoning_content":"""#),
            delta(r#""content":null,"reasoning_content":"so""#),
            delta(r#""content":null,"reasoning_content":"""#),
            delta(r#""content":"a","reasoning_content":null"#),
            delta(r#""content":"b","reasoning_content":null"#),
            chunk(r#""delta":{},"logprobs":null,"finish_reason":"stop""#),
        ]),
        stream(&[
            delta(r#""role":"assistant","content":"","reasoning_content":null"#),
            delta(r#""reasoning_content":"so""#),
            delta(r#""content":"""#),
            delta(r#""content":"a""#),
            chunk(r#""delta":{},"logprobs":null,"finish_reason":"stop""#),
        ]),
    ];
    for stream in streams {
        let kept = assemble(Operation::Chat, stream.as_bytes()).unwrap();
        let played = play(Operation::Chat, &kept, false).unwrap().concat();
        assert_eq!(String::from_utf8(played).unwrap(), stream);
    }
}

#[test]
fn usage_is_said_only_to_who_asked_for_it() {
    let kept =
        assemble(Operation::Chat, stream(&[delta(r#""content":"a""#), end("stop")]).as_bytes()).unwrap();
    let text = |include| String::from_utf8(play(Operation::Chat, &kept, include).unwrap().concat()).unwrap();
    assert!(!text(false).contains("usage"));
    let asked = text(true);
    assert_eq!(asked.matches("\"usage\":null").count(), 3);
    assert!(asked.contains("\"choices\":[],\"usage\":{\"prompt_tokens\":17"), "{asked}");
}

#[test]
fn tools_called_at_once_keep_their_ids_names_and_arguments() {
    let call = |index: usize, rest: &str| delta(&format!("\"tool_calls\":[{{\"index\":{index},{rest}}}]"));
    let chunks = [
        delta(r#""role":"assistant","content":null,"refusal":null"#),
        call(0, r#""id":"call_a","type":"function","function":{"name":"get_weather","arguments":""}"#),
        call(0, r#""function":{"arguments":"{\"ci"}"#),
        call(0, r#""function":{"arguments":"ty\": \"Paris\u00e9\\n\"}"}"#),
        call(1, r#""id":"call_b","type":"function","function":{"name":"now","arguments":"{}"}"#),
        call(0, r#""function":{"arguments":" "}"#),
        call(
            2,
            r#""id":"call_c","type":"function","function":{"name":"none","arguments":""},"extra":{"a":[1]}"#,
        ),
        end("tool_calls"),
    ];
    let body = check(Operation::Chat, &stream(&chunks));
    let message = &body["choices"][0]["message"];
    // DeepSeek's last delta says that the text is empty, where the first left it open.
    assert_eq!((&message["content"], &message["refusal"]), (&json!(""), &json!(null)));
    let function = json!({"name": "get_weather", "arguments": "{\"city\": \"Parisé\\n\"} "});
    assert_eq!(message["tool_calls"][0], json!({"id": "call_a", "type": "function", "function": function}));
    assert_eq!(message["tool_calls"][1]["function"], json!({"name": "now", "arguments": "{}"}));
    assert_eq!(message["tool_calls"][2]["extra"], json!({"a": [1]}));
}

#[test]
fn logprobs_go_with_their_pieces_and_numbers_stay_as_written() {
    let piece = |text: &str, tokens: &str| {
        let delta = if text.is_empty() { String::new() } else { format!("\"content\":\"{text}\"") };
        chunk(&format!("\"delta\":{{{delta}}},\"logprobs\":{tokens},\"finish_reason\":null"))
    };
    let token = |text: &str, number: &str| {
        format!(
            "{{\"token\":\"{text}\",\"logprob\":{number},\"bytes\":[32],\"top_logprobs\":[{{\"token\":\"x\",\"logprob\":-9999.0,\"bytes\":null}}]}}"
        )
    };
    let list = |tokens: &[String]| format!("{{\"content\":[{}],\"refusal\":null}}", tokens.join(","));
    let numbers = ["-0.31725305318832397", "-1.10e-06", "0", "-3.1415926535897932384626433"];
    let [a, b, c, d] = numbers.map(|number| token("t", number));
    let chunks = [
        chunk(
            r#""delta":{"role":"assistant","content":"","refusal":null},"logprobs":{"content":[],"refusal":null},"finish_reason":null"#,
        ),
        piece("Hi", &list(&[a])),
        piece("", &list(&[b])),
        piece(" 😀", &list(&[c, d])),
        piece("!", "null"),
        end("stop"),
    ];
    let stream = stream(&chunks);
    let body = check(Operation::Chat, &stream);
    assert_eq!(body["choices"][0]["logprobs"]["content"].as_array().unwrap().len(), 4);
    let kept = assemble(Operation::Chat, stream.as_bytes()).unwrap();
    let plain = String::from_utf8(kept.body.to_vec()).unwrap();
    assert!(numbers.iter().all(|number| plain.contains(&format!("\"logprob\":{number},"))), "{plain}");
}

#[test]
fn several_choices_each_come_whole() {
    let of = |index: usize, rest: &str| chunk(rest).replace("\"index\":0", &format!("\"index\":{index}"));
    let say = |index: usize, text: &str| {
        of(index, &format!("\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null"))
    };
    let role = r#""delta":{"role":"assistant","content":""},"finish_reason":null"#;
    let ends = |index: usize, reason: &str| {
        of(index, &format!("\"delta\":{{}},\"finish_reason\":\"{reason}\",\"stop_reason\":7"))
    };
    let chunks = [
        of(1, role),
        of(0, role),
        say(1, "one"),
        say(0, "null"),
        say(1, "!"),
        ends(1, "length"),
        say(0, "?"),
        ends(0, "stop"),
    ];
    let kept = assemble(Operation::Chat, stream(&chunks).as_bytes()).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&kept.body).unwrap();
    let said = |index: usize| body["choices"][index]["message"]["content"].clone();
    assert_eq!((said(0), said(1)), (json!("null?"), json!("one!")));
    assert_eq!(body["choices"][1]["finish_reason"], "length");
    assert_eq!(body["choices"][1]["stop_reason"], 7);
    let played = play(Operation::Chat, &kept, false).unwrap();
    assert_eq!(assemble(Operation::Chat, &played.concat()), Some(kept));
}

#[test]
fn what_weir_does_not_know_survives() {
    let top = |chunk: String| {
        chunk.replace("\"choices\"", "\"service_tier\":\"default\",\"nvext\":{\"a\":1e2},\"choices\"")
    };
    let chunks = [
        top(delta(r#""role":"assistant","content":"","annotations":[],"audio":null"#)),
        top(delta(r#""content":"See [1]""#)),
        top(delta(r#""annotations":[{"type":"url_citation","start":4}]"#)),
        top(chunk(r#""delta":{},"logprobs":null,"finish_reason":"stop","matched_stop":"</s>""#)),
        top(end("stop"))
            .replace("\"finish_reason\":\"stop\"", "\"finish_reason\":null")
            .replace("\"nvext\"", "\"obfuscation\":\"aG\",\"nvext\""),
    ];
    let body = check(Operation::Chat, &stream(&chunks));
    assert_eq!((&body["service_tier"], &body["nvext"]), (&json!("default"), &json!({"a": 100.0})));
    assert_eq!(body["choices"][0]["message"]["annotations"][0]["start"], 4);
    assert_eq!(body["choices"][0]["matched_stop"], "</s>");
    assert_eq!(body.get("obfuscation"), None);
}

#[test]
fn halves_of_characters_stay_as_the_service_cut_them() {
    let chunks =
        [delta(r#""role":"assistant","content":"\ud83d""#), delta(r#""content":"\ude00\\""#), end("stop")];
    let stream = stream(&chunks);
    let kept = assemble(Operation::Chat, stream.as_bytes()).unwrap();
    assert!(String::from_utf8_lossy(&kept.body).contains(r#""content":"\ud83d\ude00\\""#));
    let played = String::from_utf8(play(Operation::Chat, &kept, false).unwrap().concat()).unwrap();
    assert!(
        played.contains(r#"{"content":"\ud83d"}"#) && played.contains(r#"{"content":"\ude00\\"}"#),
        "{played}"
    );
}

#[test]
fn legacy_completions_have_their_text_in_the_choice() {
    let choice = |rest: &str| {
        format!(
            "{{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\",\"choices\":[{{{rest}}}]}}"
        )
    };
    let lists = |at: usize| {
        format!(
            "{{\"tokens\":[\"a\"],\"token_logprobs\":[-0.5],\"top_logprobs\":[{{\"a\":-0.5}}],\"text_offset\":[{at}]}}"
        )
    };
    let chunks = [
        choice(&format!("\"text\":\"def\",\"index\":0,\"logprobs\":{},\"finish_reason\":null", lists(0))),
        choice(&format!("\"text\":\" f\",\"index\":0,\"logprobs\":{},\"finish_reason\":null", lists(3))),
        choice(r#""text":"","index":0,"logprobs":null,"finish_reason":"stop""#),
        r#"{"id":"cmpl-1","object":"text_completion","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}"#.to_owned(),
    ];
    let body = check(Operation::Completions, &stream(&chunks));
    assert_eq!(body["choices"][0]["text"], "def f");
    assert_eq!(body["choices"][0]["logprobs"]["text_offset"], json!([0, 3]));
}

#[test]
fn what_comes_at_the_very_end_comes_there_again() {
    let late = |chunk: String| {
        format!("{},\"timings\":{{\"predicted_ms\":1.50}}}}", chunk.strip_suffix('}').unwrap())
    };
    let chunks = [delta(r#""role":"assistant","content":"a""#), late(end("stop"))];
    let body = check(Operation::Chat, &stream(&chunks));
    assert_eq!(body["timings"]["predicted_ms"], 1.5);
    let kept = assemble(Operation::Chat, stream(&chunks).as_bytes()).unwrap();
    for include_usage in [false, true] {
        let events = play(Operation::Chat, &kept, include_usage).unwrap();
        let says = |event: &bytes::Bytes| {
            String::from_utf8_lossy(event).contains("\"timings\":{\"predicted_ms\":1.50}")
        };
        let said: Vec<usize> =
            events.iter().enumerate().filter(|(_, event)| says(event)).map(|(at, _)| at).collect();
        assert_eq!(said, [events.len() - 2]);
    }
    let early = [
        delta(r#""role":"assistant""#),
        late(delta(r#""content":"a""#)),
        delta(r#""content":"b""#),
        end("stop"),
    ];
    assert_eq!(assemble(Operation::Chat, stream(&early).as_bytes()), None);
}

#[test]
fn an_answer_whose_caller_did_not_want_its_usage_has_it_all_the_same() {
    let stream = stream(&[delta(r#""role":"assistant","content":"a""#), end("stop")]);
    let usage = weir_core::Usage { prompt: 9, cached: 4, completion: 2, reasoning: 1 };
    let kept = assemble(Operation::Chat, stream.as_bytes()).unwrap().with_usage(Operation::Chat, usage);
    let read = format(Operation::Chat).unwrap().read_whole(&kept.body).unwrap();
    assert_eq!(read.usage, Some(usage));
    let at_once = play_at_once(Operation::Chat, &kept, true).unwrap();
    assert_eq!(at_once, play(Operation::Chat, &kept, true).unwrap().concat());
    assert!(String::from_utf8_lossy(&at_once).contains("\"cached_tokens\":4"));
}
