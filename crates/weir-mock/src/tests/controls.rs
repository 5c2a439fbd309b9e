//! The controls: plans at run time, the log, reset; rules that match and count.

use serde_json::{Value, json};

use super::{Call, chat, get, mock, mock_of, mock_with, only_attempt, post};
use crate::{Ended, Mock, Profile};

const CHAT: &str = "/v1/chat/completions";

async fn statuses(mock: &Mock, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(post(mock, CHAT, &chat(false)).send().await.status.expect("a status"));
    }
    statuses
}

fn delete<'a>(mock: &'a Mock, path: &'a str) -> Call<'a> {
    Call { method: "DELETE", ..get(mock, path) }
}

#[tokio::test]
async fn a_plan_is_set_shown_and_cleared_over_http() {
    let mock = mock().await;
    let plan = json!({"rules": [{"fault": "status", "status": 500, "times": 1, "path": "/v1/chat"}]});
    assert_eq!(post(&mock, "/__mock/faults", &plan).send().await.status, Some(200));
    let shown = get(&mock, "/__mock/faults").send().await.json();
    assert_eq!(shown["rules"], json!([{"fault": "status", "status": 500, "times": 1, "path": "/chat"}]));
    assert_eq!(statuses(&mock, 2).await, [500, 200]);
    post(&mock, "/__mock/faults", &plan).send().await;
    delete(&mock, "/__mock/faults").send().await;
    assert_eq!(statuses(&mock, 1).await, [200]);
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_changes_nothing() {
    let mock = mock_with(json!({"rules": [{"fault": "auth"}]})).await;
    let seen = post(&mock, "/__mock/faults", &json!({"rules": [{"fault": "gremlins"}]})).send().await;
    assert_eq!(seen.status, Some(400));
    assert!(seen.body.contains("rules[0].fault") && seen.body.contains("gremlins"), "{}", seen.body);
    assert_eq!(statuses(&mock, 1).await, [401]);
}

#[tokio::test]
async fn scripts_strike_the_requests_they_name_and_the_first_rule_that_fires_wins() {
    let mock = mock_with(json!({"rules": [
        {"fault": "status", "status": 500, "script": [0, 2]},
        {"fault": "status", "status": 502, "times": 1},
    ]}))
    .await;
    assert_eq!(statuses(&mock, 4).await, [500, 502, 500, 200]);
}

#[tokio::test]
async fn rules_look_at_path_model_and_stream() {
    let mock = mock_with(json!({"rules": [
        {"fault": "status", "status": 500, "path": "/chat/completions", "model": "deepseek-v4-pro"},
        {"fault": "status", "status": 502, "stream": true},
    ]}))
    .await;
    assert_eq!(statuses(&mock, 1).await, [200]);
    assert_eq!(post(&mock, "/beta/chat/completions", &chat(true)).send().await.status, Some(502));
    let mut pro = chat(true);
    pro["model"] = json!("deepseek-v4-pro");
    assert_eq!(post(&mock, "/beta/v1/chat/completions", &pro).send().await.status, Some(500));
}

#[tokio::test]
async fn a_rule_can_spare_what_ends_with_the_assistant_or_meet_nothing_else() {
    for (prefill, expected) in [(false, [Some(503), Some(200)]), (true, [Some(200), Some(503)])] {
        let mock = mock_with(json!({"rules": [{"fault": "status", "prefill": prefill}]})).await;
        let mut begun = chat(false);
        begun["messages"].as_array_mut().expect("a list").push(json!({"role": "assistant", "content": "a"}));
        let fresh = post(&mock, CHAT, &chat(false)).send().await.status;
        assert_eq!([fresh, post(&mock, CHAT, &begun).send().await.status], expected);
    }
}

#[tokio::test]
async fn chances_repeat_after_a_reset_with_the_same_plan() {
    let mock = mock().await;
    let plan = json!({"rules": [{"fault": "status", "probability": 0.5}]}).to_string();
    let mut runs = Vec::new();
    for _ in 0..2 {
        post(&mock, "/__mock/reset", &Value::Null).send().await;
        assert!(mock.log().is_empty());
        mock.set_faults(crate::FaultPlan::parse(&plan).expect("a plan"));
        runs.push(statuses(&mock, 20).await);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&503));
}

#[tokio::test]
async fn an_outage_lasts_until_a_plan_names_another_profile() {
    let mock = mock_of(Profile::Outage).await;
    for _ in 0..3 {
        assert_ne!(post(&mock, CHAT, &chat(false)).send().await.status, Some(200));
    }
    assert_eq!(mock.log()[0].fault.as_deref(), Some("outage"));
    post(&mock, "/__mock/faults", &json!({"profile": "instant"})).send().await;
    assert_eq!(statuses(&mock, 1).await, [200]);
    delete(&mock, "/__mock/faults").send().await;
    assert_ne!(post(&mock, CHAT, &chat(false)).send().await.status, Some(200));
}

#[tokio::test]
async fn a_key_is_asked_for_when_the_plan_says_so() {
    let mock = mock_with(json!({"require_key": "sk-right"})).await;
    assert_eq!(statuses(&mock, 1).await, [401]);
    let bearer = post(&mock, CHAT, &chat(false)).header("authorization", "Bearer sk-right");
    assert_eq!(bearer.send().await.status, Some(200));
    let wrong = post(&mock, CHAT, &chat(false)).header("authorization", "Bearer sk-wrong");
    assert_eq!(wrong.send().await.status, Some(401));
    assert!(!get(&mock, "/__mock/faults").send().await.body.contains("sk-right"));
}

#[tokio::test]
async fn a_plan_can_fix_the_text_and_continue_what_ends_with_the_assistant() {
    let mock = mock_with(json!({"text": "one two three", "continue_trailing_assistant": true})).await;
    let mut body = chat(false);
    let answer = post(&mock, CHAT, &body).send().await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "one two three");
    body["messages"].as_array_mut().expect("a list").push(json!({"role": "assistant", "content": "one two"}));
    let answer = post(&mock, CHAT, &body).send().await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], " three");
}

#[tokio::test]
async fn the_log_tells_each_attempt_without_its_secrets() {
    let mock = mock().await;
    let call =
        post(&mock, CHAT, &chat(true)).header("Authorization", "Bearer sk-secret").header("X-Trace", "t1");
    let seen = call.send().await;
    only_attempt(&mock).await;
    let log = get(&mock, "/__mock/log").send().await;
    assert!(!log.body.contains("sk-secret"), "{}", log.body);
    let entry = &log.json()[0];
    assert_eq!(entry["id"], 1);
    assert_eq!(entry["path"], CHAT);
    assert_eq!(entry["model"], "deepseek-flash");
    assert_eq!(
        (&entry["stream"], &entry["status"], &entry["fault"]),
        (&json!(true), &json!(200), &Value::Null)
    );
    assert_eq!((&entry["ended"], &entry["request_headers"]["x-trace"]), (&json!("complete"), &json!("t1")));
    assert_eq!(entry["request_headers"]["authorization"], "[redacted]");
    assert_eq!(entry["tokens_sent"].as_u64(), Some(seen.chunks().len() as u64 - 2));
    assert!(entry["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 5));
    assert_eq!((&entry["answer_tokens"], &entry["prefill"]), (&entry["tokens_sent"], &json!(false)));
    delete(&mock, "/__mock/log").send().await;
    assert!(mock.log().is_empty());
}

#[tokio::test]
async fn the_log_knows_the_whole_answer_and_whether_it_had_begun() {
    let mock = mock_with(
        json!({"rules": [{"fault": "cut_fin_after", "after_tokens": 2}], "text": "A dam holds the water."}),
    )
    .await;
    let mut body = chat(true);
    post(&mock, CHAT, &body).send().await;
    body["messages"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"role": "assistant", "content": "A dam", "partial": true}));
    post(&mock, CHAT, &body).send().await;
    let log = mock.log();
    let of = |index: usize| (log[index].prefill, log[index].answer_tokens, log[index].tokens_sent);
    assert_eq!((of(0), of(1)), ((false, 5, 2), (true, 3, 2)));
}

#[tokio::test]
async fn a_caller_who_leaves_is_noticed_at_once() {
    let mock = mock().await;
    for stream in [true, false] {
        post(&mock, "/__mock/reset", &Value::Null).send().await;
        let call =
            post(&mock, CHAT, &chat(stream)).header("x-mock-itl-ms", "10000").header("x-mock-ttft-ms", "0");
        let socket = call.begin().await;
        while mock.log().is_empty() {
            tokio::task::yield_now().await;
        }
        let left = mock.log()[0].started_ms;
        drop(socket);
        let entry = only_attempt(&mock).await;
        assert_eq!(entry.ended, Some(Ended::ClientGone));
        assert!(entry.ended_ms.expect("over") < left + 5_000, "{entry:?}");
    }
}

#[tokio::test]
async fn the_mock_is_well_and_explains_its_controls() {
    let mock = mock().await;
    assert_eq!(get(&mock, "/__mock/healthz").send().await.json()["ok"], true);
    let catalogue = get(&mock, "/__mock/catalogue").send().await.json();
    assert!(catalogue.as_array().is_some_and(|faults| faults.len() > 25));
    let lost = get(&mock, "/__mock/nothing").send().await;
    assert_eq!((lost.status, lost.body.contains("/__mock/log")), (Some(404), true));
}

#[tokio::test]
async fn stopping_ends_even_silent_connections() {
    let mock = mock_with(json!({"rules": [{"fault": "silence"}]})).await;
    let addr = mock.addr();
    let _socket = post(&mock, CHAT, &chat(true)).begin().await;
    while mock.log().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(super::PATIENCE, mock.stop()).await.expect("it stops");
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
