//! Which prompts files are read, and how long the prompts made of them are.

use std::collections::HashSet;

use super::{EXCERPT, Prompts};
use crate::chance::Chance;

#[test]
fn the_excerpt_has_questions_of_every_intent() {
    assert_eq!(Prompts::excerpt().questions().len(), 400);
    let intents: HashSet<_> = EXCERPT.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
    assert_eq!(intents.len(), 77);
}

#[test]
fn prompts_come_close_to_the_wanted_length_and_never_exceed_it() {
    let prompts = Prompts::excerpt();
    let longest = prompts.questions().iter().map(String::len).max().unwrap();
    for row in 0..200 {
        let prompt = prompts.compose(&mut Chance::of_request(7, row), 2_000);
        assert!(prompt.len() <= 2_000, "{} bytes", prompt.len());
        assert!(prompt.len() + longest + 1 > 2_000, "{} bytes leave room for any question", prompt.len());
    }
}

#[test]
fn a_very_short_row_still_asks_one_whole_question() {
    let prompts = Prompts::excerpt();
    let prompt = prompts.compose(&mut Chance::of_request(7, 0), 0);
    assert!(prompts.questions().contains(&prompt), "{prompt}");
}

#[test]
fn quoted_text_may_hold_commas_and_lines() {
    let prompts = Prompts::parse("p.csv", b"category,text\na,\"one, two\nthree\"\n").unwrap();
    assert_eq!(prompts.questions(), ["one, two\nthree"]);
}

#[test]
fn a_bad_file_is_refused_with_its_line() {
    let error = |content: &str| Prompts::parse("p.csv", content.as_bytes()).expect_err("wrong").to_string();
    assert_eq!(
        error("text,category\nhello,a\n\"two\nlines\",a\n ,b\n"),
        "p.csv:5: text is \"\"; write a question, or delete the row"
    );
    assert_eq!(
        error("question\nhello\n"),
        "p.csv:1: the header is \"question\"; expected a column `text`, like `text,category`"
    );
    let latin1 = Prompts::parse("p.csv", b"text\r\nhello\r\ncaf\xe9\r\n").expect_err("not UTF-8");
    assert_eq!(latin1.to_string(), "p.csv:3: byte 0xe9 is not UTF-8; save the file as UTF-8");
}
