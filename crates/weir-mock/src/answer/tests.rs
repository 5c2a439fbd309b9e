//! What is promised of answers: limits, stops, continuation, calls.

use serde_json::{Value, json};

use super::*;
use crate::ask::{Role, Tool, ToolChoice, Turn};

fn ask(topic: &str) -> Ask {
    let turns = vec![Turn { role: Role::User, text: topic.to_owned() }];
    Ask { model: "m".to_owned(), turns, ..Ask::default() }
}

fn whole() -> String {
    Answer::compose(&ask("why?"), Given::default()).content.text().to_owned()
}

#[test]
fn a_token_limit_ends_the_answer_with_length_and_no_limit_with_stop() {
    let limited = Answer::compose(&Ask { tokens_max: Some(5), ..ask("why?") }, Given::default());
    assert_eq!((limited.tokens(), limited.finish), (5, Finish::Length));
    assert!(whole().starts_with(limited.content.text()));
    let roomy = Answer::compose(&Ask { tokens_max: Some(9_999), ..ask("why?") }, Given::default());
    assert_eq!((roomy.content.text(), roomy.finish), (whole().as_str(), Finish::Stop));
}

#[test]
fn thoughts_count_against_the_limit() {
    let limited =
        Answer::compose(&Ask { tokens_max: Some(5), thinking: true, ..ask("why?") }, Given::default());
    assert_eq!((limited.reasoning.len(), limited.content.len()), (5, 0));
}

#[test]
fn any_prefix_is_continued_to_the_same_text() {
    let whole = whole();
    for cut in (0..whole.len()).filter(|&cut| whole.is_char_boundary(cut)) {
        let said = whole[..cut].to_owned();
        let rest = Answer::compose(&Ask { continues: Some(said.clone()), ..ask("why?") }, Given::default());
        assert_eq!(said + rest.content.text(), whole);
    }
}

#[test]
fn a_prefix_of_another_text_is_followed_by_other_words() {
    let other =
        Answer::compose(&Ask { continues: Some("Certainly!".into()), ..ask("why?") }, Given::default());
    assert!(!other.content.is_empty());
    assert_ne!(other.content.text(), whole());
}

#[test]
fn the_first_stop_text_ends_the_answer_before_it_is_said() {
    let stops = vec!["d".to_owned(), "the ".to_owned(), String::new()];
    let stopped = Answer::compose(&Ask { stops, ..ask("why?") }, Given::default());
    assert!(stopped.stopped_by.is_some());
    assert!(!stopped.content.text().contains('d') && !stopped.content.text().contains("the "));
    assert!(whole().starts_with(stopped.content.text()));
}

#[test]
fn json_is_json_and_holds_the_words() {
    let answer = Answer::compose(&Ask { format: Format::Json, ..ask("why?") }, Given::default());
    let value: Value = serde_json::from_str(answer.content.text()).expect("valid JSON");
    assert_eq!(value["answer"], json!(whole()));
}

#[test]
fn a_tool_is_called_in_reply_to_the_user_only() {
    let tools = || vec![Tool { name: "weather".into(), schema: json!({"properties": {"city": {}}}) }];
    let mut asked = ask("weather?");
    asked.choose_call(tools(), ToolChoice::First);
    let answer = Answer::compose(&asked, Given::default());
    let call = answer.call.as_ref().expect("a call");
    assert_eq!((call.name.as_str(), answer.finish), ("weather", Finish::ToolCalls));
    assert_eq!(call.arguments.text(), r#"{"city":"the city"}"#);

    let mut after = ask("weather?");
    after.turns.push(Turn { role: Role::Tool, text: "sunny".into() });
    after.choose_call(tools(), ToolChoice::First);
    assert_eq!(Answer::compose(&after, Given::default()).finish, Finish::Stop);

    let mut never = ask("weather?");
    never.choose_call(tools(), ToolChoice::Never);
    assert!(Answer::compose(&never, Given::default()).call.is_none());
}

#[test]
fn a_fixed_text_is_said_by_every_model() {
    let fixed = Given { text: Some("one two three"), thoughts: Some("hm") };
    assert_eq!(Answer::compose(&ask("a"), fixed).content.text(), "one two three");
    assert_eq!(Answer::compose(&Ask { model: "n".into(), ..ask("b") }, fixed).content.len(), 3);
    let thinks = |thinking| Answer::compose(&Ask { thinking, ..ask("c") }, fixed).reasoning.text().to_owned();
    assert_eq!((thinks(true), thinks(false)), ("hm".to_owned(), String::new()));
}
