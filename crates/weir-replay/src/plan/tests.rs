//! What a row becomes on the wire, and that it becomes the same every time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Plan, Shot};
use crate::options::{Options, Repeats, Speed};
use crate::prompts::Prompts;
use crate::trace::Trace;

fn plan(trace: &str, options: Options) -> Plan {
    let header = "arrival_ms,context_tokens,generated_tokens,priority\n";
    let trace = Trace::parse("t.csv", format!("{header}{trace}").as_bytes()).unwrap();
    Plan { trace, prompts: Prompts::excerpt(), options }
}

fn bodies(plan: &Plan) -> Vec<Value> {
    plan.shots().map(|shot: Shot| serde_json::from_slice(&shot.body).unwrap()).collect()
}

#[test]
fn a_row_becomes_a_streamed_chat_request() {
    let mut body = bodies(&plan("0,0,44,\n", Options::default())).remove(0);
    let prompt = body["messages"][0]["content"].take();
    assert!(Prompts::excerpt().questions().contains(&prompt.as_str().unwrap().to_owned()));
    assert_eq!(
        body,
        json!({
            "model": "deepseek-flash",
            "messages": [{"role": "user", "content": null}],
            "max_tokens": 44,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn options_change_the_request() {
    let options = Options {
        model: "m".to_owned(),
        stream: false,
        temperature: Some(0.0),
        context_tokens_max: 100,
        output_tokens_max: 7,
        ..Options::default()
    };
    let body = bodies(&plan("0,5000,5000,\n", options)).remove(0);
    let prompt_bytes = body["messages"][0]["content"].as_str().unwrap().len();
    assert!((200..=400).contains(&prompt_bytes), "{prompt_bytes}");
    assert_eq!(
        (&body["model"], &body["max_tokens"], &body["temperature"]),
        (&json!("m"), &json!(7), &json!(0.0))
    );
    assert_eq!((&body["stream"], body.get("stream_options")), (&json!(false), None));
}

#[test]
fn a_row_that_generated_nothing_still_asks_for_a_token() {
    assert_eq!(bodies(&plan("0,10,0,\n", Options::default()))[0]["max_tokens"], 1);
}

#[test]
fn speed_divides_the_gaps_and_limit_ends_the_plan() {
    let options = Options { speed: "4x".parse().unwrap(), limit: NonZeroUsize::new(2), ..Options::default() };
    let plan = plan("0,1,1,\n1000,1,1,\n9000,1,1,\n", options);
    let due: Vec<_> = plan.shots().map(|shot| shot.due).collect();
    assert_eq!(due, [Duration::ZERO, Duration::from_millis(250)]);
    assert_eq!((plan.requests(), plan.duration()), (2, Duration::from_millis(250)));
}

#[test]
fn speeds_that_mean_nothing_are_refused() {
    for wrong in ["0", "-1", "nan", "inf", "", "fast", "1e9"] {
        assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
    }
    assert_eq!("0.5".parse::<Speed>().unwrap().get(), 0.5);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let rows = "0,300,20,\n5,300,20,\n";
    let with_seed = |seed| bodies(&plan(rows, Options { seed, ..Options::default() }));
    assert_eq!(with_seed(3), with_seed(3));
    assert_ne!(with_seed(3), with_seed(4));
    assert_ne!(with_seed(3)[0], with_seed(3)[1]);
}

#[test]
fn some_rows_ask_one_of_a_few_questions_with_one_answer() {
    let rows: String = (0..1_000).map(|ms| format!("{ms},300,20,\n")).collect();
    let repeats = Repeats { share: 0.2, questions: NonZeroUsize::new(10).unwrap() };
    let own = bodies(&plan(&rows, Options::default()));
    let repeating = bodies(&plan(&rows, Options { repeats: Some(repeats), ..Options::default() }));
    let mut asked: HashMap<String, u32> = HashMap::new();
    for (own, repeating) in own.iter().zip(&repeating).filter(|(own, repeating)| own != repeating) {
        assert_eq!((own.get("temperature"), &repeating["temperature"]), (None, &json!(0.0)));
        *asked.entry(repeating.to_string()).or_default() += 1;
    }
    let (all, most) = (asked.values().sum::<u32>(), *asked.values().max().unwrap());
    // Of ten under Zipf's law the first is asked 34 % of the time.
    assert!(asked.len() == 10 && (150..250).contains(&all) && (45..95).contains(&most), "{asked:?}");
}

#[test]
fn a_priority_in_the_trace_wins_over_the_mix_and_leaves_the_question_alone() {
    let named = plan("0,300,20,0\n", Options::default());
    assert_eq!(named.shots().next().unwrap().priority.get(), 0);
    assert_eq!(bodies(&named), bodies(&plan("0,300,20,\n", Options::default())));
}
