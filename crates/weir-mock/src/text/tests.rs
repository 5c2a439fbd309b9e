//! What is promised of the text: pieces join to the whole, prompts decide, lengths are kept.

use super::*;

#[track_caller]
fn check_split(text: &str, expected: &[&str]) {
    let pieces = Pieces::split(text);
    assert_eq!(pieces.iter().collect::<Vec<_>>(), expected);
    assert_eq!(pieces.iter().collect::<String>(), text, "pieces join to the text");
}

#[test]
fn pieces_are_words_with_the_space_before_them() {
    check_split("", &[]);
    check_split("Down the hole", &["Down", " the", " hole"]);
    check_split(" Down", &[" Down"]);
    check_split("conversations?", &["conver", "sation", "s?"]);
    check_split("a\n\nb", &["a", "\n\nb"]);
    check_split("ends here ", &["ends", " here", " "]);
}

#[test]
fn chinese_is_cut_by_one_and_a_half_characters() {
    check_split("道可道，非常道。", &["道可", "道", "，非", "常", "道。"]);
    check_split("say 道", &["say", " 道"]);
}

#[test]
fn the_whole_corpus_joins_again() {
    for corpus in [&*ENGLISH, &*CHINESE] {
        assert_eq!(corpus.pieces.iter().collect::<String>(), corpus.pieces.text());
        assert!(corpus.starts.len() > 50, "{} sentences", corpus.starts.len());
    }
}

#[test]
fn the_same_prompt_gets_the_same_passage_and_another_prompt_another() {
    let first = passage("m", "why is the sky blue?", None);
    assert_eq!(first, passage("m", "why is the sky blue?", None));
    assert_ne!(first, passage("m", "why is the sea blue?", None));
    assert_ne!(first, passage("n", "why is the sky blue?", None));
}

#[test]
fn natural_answers_are_sixty_to_a_hundred_and_fifty_words_or_a_little_more() {
    for number in 0..200 {
        let answer = passage("m", &format!("question {number}"), None);
        let words = answer.text().split_whitespace().count();
        assert!((50..=190).contains(&words), "{words} words: {}", answer.text());
    }
}

#[test]
fn an_exact_length_is_exact_and_wraps_around() {
    for tokens in [1, 2, 60, 2_000, 10_000] {
        assert_eq!(passage("m", "hello", Some(tokens)).len(), tokens);
        assert_eq!(passage("m", "你好，请讲一个故事", Some(tokens)).len(), tokens);
    }
    assert!(passage("m", "hello", Some(u32::MAX)).len() <= TOKENS_MAX);
}

#[test]
fn a_chinese_prompt_gets_chinese() {
    assert!(passage("m", "请介绍一下老子", None).text().chars().filter(|&c| is_wide(c)).count() > 60);
}

#[test]
fn what_is_left_after_a_prefix_completes_it() {
    let whole = passage("m", "hello", None);
    for cut in 0..whole.text().len() {
        if !whole.text().is_char_boundary(cut) {
            continue;
        }
        let rest = whole.after(cut);
        assert_eq!(rest.iter().collect::<String>(), whole.text()[cut..]);
    }
}

#[test]
fn keeping_and_truncating_keep_pieces_and_text_in_step() {
    let mut pieces = Pieces::split("one two three");
    assert!(!pieces.keep(3));
    assert!(pieces.keep(2));
    assert_eq!(pieces.text(), "one two");
    pieces.truncate(5);
    assert_eq!(pieces.iter().collect::<Vec<_>>(), ["one", " t"]);
    pieces.truncate(0);
    assert!(pieces.is_empty());
}

#[test]
fn tokens_are_estimated_at_four_narrow_or_one_and_a_half_wide_characters() {
    assert_eq!(estimate_tokens(""), 0);
    assert_eq!(estimate_tokens("abcdefgh"), 2);
    assert_eq!(estimate_tokens("道可道"), 2);
}
