//! Complaints of wrong answers: a key that leaves out what the answer depends on.

use crate::house::{Service, Weir};

use super::keys::{question, state};

/// What the cache says to each of these, one after another.
fn states(mode: &str, bodies: &[String]) -> Vec<String> {
    let service = Service::with("");
    let weir = Weir::before(&[&service], &format!("[cache]\nmode = \"{mode}\"\n"));
    bodies.iter().map(|body| state(&weir.chat(body)).to_owned()).collect()
}

/// LiteLLM#12234: different questions got one answer.
#[test]
fn litellm_12234_another_question_has_another_answer() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let ask = |words: &str| weir.chat(&question("").replace("What do I owe?", words));
    // They begin alike, end alike, and are of one length.
    let questions = ["Is the sea deep in May?", "Is the sea calm in May?", "Is the sky deep in May?"];
    let firsts = questions.map(|words| ask(words).json()["choices"].clone());
    assert_eq!(service.log().len(), 3);
    assert!(firsts[0] != firsts[1] && firsts[0] != firsts[2] && firsts[1] != firsts[2], "{firsts:?}");
    for (words, first) in questions.iter().zip(&firsts) {
        let again = ask(words);
        assert_eq!((state(&again), &again.json()["choices"]), ("HIT-memory", first));
    }
}

/// OrcaRouter-Lite#84, lobster#130: the key had no `max_tokens`, `top_p`, `stop`, `n` and `tool_choice`.
#[test]
fn orcarouter_lite_84_whatever_changes_an_answer_is_part_of_the_key() {
    let fields = [
        (r#""max_tokens":400"#, r#""max_tokens":401"#),
        (r#""top_p":0.5"#, r#""top_p":0.6"#),
        (r#""stop":["xxx"]"#, r#""stop":["yyy"]"#),
        (r#""n":1"#, r#""n":null"#),
        (r#""tool_choice":"auto""#, r#""tool_choice":"none""#),
        (r#""presence_penalty":0"#, r#""presence_penalty":1"#),
        (r#""a_field_of_tomorrow":0"#, r#""a_field_of_tomorrow":1"#),
    ];
    for (one, other) in fields {
        let with = |field: &str| question(&format!(",{field}"));
        let bodies = [question(""), with(one), with(other), with(one), with(other), question("")];
        let expected = ["MISS", "MISS", "MISS", "HIT-memory", "HIT-memory", "HIT-memory"];
        assert_eq!(states("all", &bodies), expected, "{one}");
    }
}

/// OrcaRouter-Lite#84, lobster#130: a `temperature` that is not there was taken for 0; services take 1.
#[test]
fn lobster_130_no_temperature_is_not_temperature_zero() {
    let absent = || question("").replace("\"temperature\":0,", "");
    let bodies = [question(""), absent(), question("")];
    assert_eq!(states("deterministic", &bodies), ["MISS", "BYPASS", "HIT-memory"]);
    let bodies = [question(""), absent(), question(""), absent()];
    assert_eq!(states("all", &bodies), ["MISS", "MISS", "HIT-memory", "HIT-memory"]);
}

/// OmniRoute#1817, the opposite complaint: with `temperature` up to 0.3 nothing was ever cached, whatever the operator wanted.
#[test]
fn omniroute_1817_an_operator_may_have_everything_kept() {
    for temperature in ["0.1", "0.3", "1.0"] {
        let warm = question("").replace(":0,", &format!(":{temperature},"));
        let bodies = [warm.clone(), warm];
        assert_eq!(states("all", &bodies), ["MISS", "HIT-memory"], "{temperature}");
        assert_eq!(states("deterministic", &bodies), ["BYPASS", "BYPASS"], "{temperature}: and it is said");
    }
}
