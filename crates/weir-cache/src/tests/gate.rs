//! The content gate: what it lets through, what it holds back and why, and what holds for any two texts.

use proptest::prelude::*;

use crate::semantic::gate::{Difference, TEXT_BYTES_MAX, agree};

/// Both ways round, since the gate is symmetric.
fn check(one: &str, other: &str, expected: Result<(), Difference>) {
    assert_eq!(agree(one, other), expected, "{one} | {other}");
    assert_eq!(agree(other, one), expected, "{other} | {one}");
}

fn same(one: &str, other: &str) {
    check(one, other, Ok(()));
}

/// That it holds them back, whatever it takes for the reason.
fn differ(one: &str, other: &str) {
    assert!(agree(one, other).is_err(), "{one} | {other}");
    assert!(agree(other, one).is_err(), "{other} | {one}");
}

/// `zilliztech/GPTCache` 694: a query and its reversal clear any threshold of similarity.
#[test]
fn a_reversed_question_is_another_question() {
    use Difference::{Name, Order, Unit};
    check("How do I convert USD to EUR?", "How do I convert EUR to USD?", Err(Unit));
    check("Is Java faster than Python?", "Is Python faster than Java?", Err(Name));
    check("is a dog bigger than a cat", "is a cat bigger than a dog", Err(Order));
    check("Can Alice fire Bob?", "Can Bob fire Alice?", Err(Name));
    check("how to migrate from postgres to mysql", "how to migrate from mysql to postgres", Err(Order));
    differ("transfer money from my card to my account", "transfer money from my account to my card");
    check("Can I send you money?", "Can you send me money?", Err(Order));
    check("Can I keep what you sent me?", "Can I keep what I sent you?", Err(Order));
    differ("can it be sent to china", "can it be sent from china");
    differ("把美元换成欧元", "把欧元换成美元");
}

/// `vllm-project/semantic-router` 2691: "turn on" lies further from "enable" than "disable" does.
#[test]
fn enable_is_turn_on_and_not_disable() {
    same("How do I enable 2FA?", "How do I turn on 2FA?");
    same("How do I enable 2FA?", "How do I switch 2FA on?");
    check("How do I enable 2FA?", "How do I disable 2FA?", Err(Difference::Opposite));
    check("How do I turn on 2FA?", "How do I turn off 2FA?", Err(Difference::Opposite));
    check("How do I turn 2FA on?", "How do I turn 2FA off?", Err(Difference::Opposite));
    check("怎么开启双重验证?", "怎么关闭双重验证?", Err(Difference::Opposite));
    same("怎么开启双重验证?", "请问如何打开双重验证");
}

/// `ankit373/hydra` 945: near matches have to agree in every token of content.
#[test]
fn one_other_word_of_content_makes_another_question() {
    check("what does --max-cost do", "what does --max-heads do", Err(Difference::Code));
    check("tests for internal/awsconf", "tests for internal/executor", Err(Difference::Word));
    check("How do I delete this branch?", "How do I delete this repo?", Err(Difference::Word));
    check("what is the capital of france", "what is the capital of germany", Err(Difference::Word));
    check("How do I get a card?", "How do I get a prepaid card?", Err(Difference::Word));
    check("北京的天气怎么样", "上海的天气怎么样", Err(Difference::Word));
}

#[test]
fn the_same_said_otherwise_passes() {
    for (one, other) in [
        ("How do I reset my password?", "how do i reset my password"),
        ("How do I reset my password?", "Hi! Could you please tell me how I reset my password? Thanks!"),
        ("Why can't I log in?", "why cannot I log in"),
        ("Why can't I log in?", "Why can\u{2019}t I log in???"),
        ("I dont understand why my card doesnt work", "I don't understand why my card does not work."),
        ("What's the limit?", "What is the limit"),
        ("How do I top up?", "How do I top-up?"),
        ("HOW DO I RESET MY PASSWORD", "How do I reset my password?"),
        ("How do I convert USD to EUR?", "how do i convert usd to eur"),
        ("Where is Berlin?", "where is berlin"),
        ("How do I recieve money?", "How do I receive money?"),
        ("我想知道怎么修改密码", "请问如何更改密码?"),
        ("能不能退款", "能退款吗"),
    ] {
        same(one, other);
    }
}

#[test]
fn numbers_are_equal_in_any_form_and_only_then() {
    for (one, other) in [
        ("Is 1,000 enough?", "Is 1000 enough?"),
        ("Is 1.50 enough?", "Is 1.5 enough?"),
        ("I have two cards", "I have 2 cards"),
        ("wait five hundred thousand years", "wait 500,000 years"),
        ("1.5 million users", "1500000 users"),
        ("10k users", "ten thousand users"),
        ("the 1st of May", "the first of May"),
        ("Is $5 enough", "is 5 dollars enough"),
        ("5% of it", "five percent of it"),
        ("5km away", "5 kilometres away"),
        ("三万五千元", "35000元"),
        ("二〇二四年", "2024年"),
        ("两个苹果", "2个苹果"),
        ("\u{ff11}\u{ff10}个", "10个"),
    ] {
        same(one, other);
    }
    let number = Err(Difference::Number);
    for (one, other) in [
        ("I have two cards", "I have three cards"),
        ("Is 1,000 enough?", "Is 10,000 enough?"),
        ("what is 1.5", "what is 15"),
        ("add 2 to 30", "add 30 to 2"),
        ("Is -5 a number", "Is 5 a number"),
        ("charged twice", "charged three times"),
        ("三万五千元", "三万六千元"),
    ] {
        let expected = if one.contains('-') { Err(Difference::Sign) } else { number };
        check(one, other, expected);
    }
}

#[test]
fn every_kind_of_content_is_compared() {
    use Difference as D;
    for (one, other, why) in [
        ("Is 5 kg heavy?", "Is 5 lbs heavy?", D::Unit),
        ("Is $5 enough?", "Is £5 enough?", D::Unit),
        ("How much per week?", "How much per month?", D::Unit),
        ("五美元够吗", "五欧元够吗", D::Unit),
        ("What happened today?", "What happened yesterday?", D::Date),
        ("Are you open on Monday?", "Are you open on Friday?", D::Date),
        ("What is due next week?", "What is due last week?", D::Date),
        ("今天天气如何", "明天天气如何", D::Date),
        ("上周的报告", "下周的报告", D::Date),
        ("Who is Marie Curie?", "Who is Pierre Curie?", D::Name),
        ("怎么安装Redis", "怎么安装Kafka", D::Name),
        ("What does `foo` do?", "What does `bar` do?", D::Code),
        ("open src/main.rs", "open src/lib.rs", D::Code),
        ("what is max_cost", "what is max_heads", D::Code),
        ("mail a@b.com", "mail a@c.com", D::Code),
        ("see https://a.b/c", "see https://a.b/d", D::Code),
        ("Translate \"yes\"", "Translate \"no\"", D::Quoted),
        ("翻译“是”", "翻译“否”", D::Quoted),
        ("翻译「是」", "翻译「否」", D::Quoted),
        ("My card works", "My card doesn't work", D::Negation),
        ("Can I pay with a fee?", "Can I pay without a fee?", D::Negation),
        ("我可以退款", "我不可以退款", D::Negation),
        ("银行收到了钱", "银行没收到钱", D::Negation),
        ("Should I buy gold?", "Should I sell gold?", D::Opposite),
        ("what to do before lunch", "what to do after lunch", D::Opposite),
        ("Is debit better?", "Is credit better?", D::Opposite),
        ("How to top up my account", "How to withdraw from my account", D::Opposite),
        ("transfer to my account", "transfer from my account", D::Opposite),
        ("怎么转入", "怎么转出", D::Opposite),
        ("应该买黄金吗", "应该卖黄金吗", D::Opposite),
        ("delete all files", "delete both files", D::Quantity),
        ("删除所有文件", "删除一些文件", D::Quantity),
        ("When do I pay?", "Where do I pay?", D::Question),
        ("How many are there?", "How much is there?", D::Question),
        ("谁付钱", "何时付钱", D::Question),
        ("is 2 > 3", "is 2 < 3", D::Sign),
        ("How are you?", "你好吗", D::Script),
    ] {
        check(one, other, Err(why));
    }
}

#[test]
fn words_that_only_look_alike_are_no_slips() {
    same("I cannot chnage it", "I cannot change it");
    differ("should I adapt it", "should I adopt it");
    differ("what does the payer owe", "what does the payee owe");
    differ("is it legal here", "is it illegal here");
}

#[test]
fn in_other_languages_all_words_agree() {
    same("Wie ändere ich mein Passwort?", "wie ändere ich mein passwort");
    differ("Wie ändere ich mein Passwort?", "Wie ändere ich meine Adresse?");
    differ("Ist das erlaubt?", "Ist das nicht erlaubt?");
    differ("Как купить золото?", "Как продать золото?");
    differ("كم ثمن ٥ كتب", "كم ثمن ٦ كتب");
}

#[test]
fn what_is_too_long_is_held_back_unless_it_is_the_same() {
    let long = "word ".repeat(TEXT_BYTES_MAX / 5 + 1);
    assert_eq!(agree(&long, &long), Ok(()));
    assert_eq!(agree(&long, "word"), Err(Difference::Length));
}

/// Marks that open and never close are looked for once each.
#[test]
fn marks_that_nothing_closes_cost_no_more_than_letters() {
    for mark in ["`", "``", "\"", "'", "“", "「", "a'", " '", "1,", "-", "不", "turn ", "can you please "]
    {
        let text = mark.repeat(TEXT_BYTES_MAX / mark.len());
        assert_eq!(agree(&text, &text[mark.len()..]).is_ok(), agree(&text[mark.len()..], &text).is_ok());
    }
}

/// Words that the tables know, so that chance finds its way to them.
const SAMPLES: &[&str] = &[
    "How", "do", "I", "not", "can't", "five", "hundred", "1,000", "$", "kg", "May", "5", "one", "to", "my",
    "turn", "on", "off", "`", "\"", "'", "Bob", "--x", "a/b/c", "2FA", "不", "能", "没", "有", "三", "万",
    "月", "，", ".", "?", "%", "-", "\u{301}", "ﷺ", "👍",
];

fn text() -> impl Strategy<Value = String> {
    let word =
        prop_oneof![3 => proptest::sample::select(SAMPLES).prop_map(str::to_owned), 1 => any::<String>()];
    (proptest::collection::vec(word, 0..12), any::<bool>())
        .prop_map(|(words, blanks)| words.join(if blanks { " " } else { "" }))
}

proptest! {
    #[test]
    fn any_two_texts_are_compared_alike_both_ways(one in text(), other in text()) {
        prop_assert_eq!(agree(&one, &other).is_ok(), agree(&other, &one).is_ok());
        prop_assert_eq!(agree(&one, &one), Ok(()));
    }

    #[test]
    fn another_number_is_another_question(before in "[a-z ]{0,20}", one in 0u64.., other in 0u64..) {
        prop_assume!(one != other);
        let (one, other) = (format!("{before} {one}"), format!("{before} {other}"));
        prop_assert!(agree(&one, &other).is_err(), "{} | {}", one, other);
    }

    #[test]
    fn what_stands_around_a_question_changes_nothing(words in "[a-z]{3,9}( [a-z]{3,9}){0,6}") {
        let polite = format!("Hello, {words}?? Thanks!");
        prop_assert_eq!(agree(&words, &polite), Ok(()), "{}", polite);
    }
}
