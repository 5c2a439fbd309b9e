//! What a static model promises to any text.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{check_close, check_unit_or_zeros, copy, cosine, fixture};
use crate::{Static, TEXT_BYTES_MAX};

static TINY: LazyLock<Static> = LazyLock::new(|| Static::load(&fixture("static")).unwrap());

#[test]
fn gives_the_vectors_that_the_script_computes() {
    let check = |text, expected: &[f32]| check_close(&TINY.embed(text), expected);
    assert_eq!(TINY.dimensions(), 8);
    check(
        "How do I cancel my order?",
        &[-0.236359, 0.251221, -0.330276, -0.227843, 0.320421, 0.45709, -0.373858, 0.518321],
    );
    check(
        "my card is lost",
        &[0.315597, -0.508041, 0.049888, -0.200355, 0.237153, -0.141564, 0.629405, 0.356692],
    );
    check("turned off", &[0.630491, -0.049182, 0.022506, 0.078376, 0.295987, -0.202946, 0.62983, 0.260639]);
    check(
        "zebra the zebra",
        &[0.316242, 0.587065, 0.438878, -0.296352, 0.346753, -0.186152, -0.004568, 0.346404],
    );
}

#[test]
fn what_it_knows_nothing_of_is_like_nothing() {
    let nothing = vec![0.0; 8];
    for text in ["", " \n\t", "zebra", "\u{1f30a}", "\u{0}"] {
        assert_eq!(TINY.embed(text), nothing, "{text:?}");
    }
    assert_eq!(TINY.embed("the zebra"), TINY.embed("the"));
}

#[test]
fn cannot_tell_the_same_words_in_another_order() {
    let (there, back) = (TINY.embed("from paris to london"), TINY.embed("from london to paris"));
    assert!(cosine(&there, &back) > 0.999_999);
}

#[test]
fn says_when_it_does_not_read_to_the_end() {
    let check =
        |text: &str, whole| assert_eq!(TINY.embed_whole(text).is_some(), whole, "{} bytes", text.len());
    check("", true);
    check(&"card ".repeat(512), true);
    check(&"card ".repeat(513), false);
    check(&" ".repeat(TEXT_BYTES_MAX), true);
    check(&" ".repeat(TEXT_BYTES_MAX + 1), false);
}

#[test]
fn what_is_beyond_the_limits_does_not_count() {
    let many = "card ".repeat(512);
    assert_eq!(TINY.embed(&many), TINY.embed(&format!("{many} paris")));
    // A character of four bytes across the limit is left out whole.
    for missing in 0..5 {
        let full = "a".to_owned() + &" ".repeat(TEXT_BYTES_MAX - 1 - missing);
        assert_eq!(TINY.embed(&format!("{full}\u{1f30a} paris")), TINY.embed("a"));
    }
}

#[test]
fn the_id_changes_with_any_file_and_with_nothing_else() {
    let id = |folder: &Path| Static::load(folder).unwrap().id();
    let tiny = id(&fixture("static"));
    let spoiled = copy("static");
    assert_eq!(id(&spoiled.file("")), tiny);

    let tokenizer = spoiled.file("tokenizer.json");
    let text = std::fs::read_to_string(&tokenizer).unwrap();
    std::fs::write(&tokenizer, format!("{text}\n")).unwrap();
    assert_ne!(id(&spoiled.file("")), tiny);

    std::fs::write(&tokenizer, text).unwrap();
    let weights = spoiled.file("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    assert_ne!(id(&spoiled.file("")), tiny);
}

/// Any characters, and often words that the model knows.
fn any_text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec!["card", "how", "not", "paris", "turned", "?", "[CLS]", "##s"]);
    let word = prop_oneof![known.prop_map(str::to_owned), ".{0,8}", any::<String>()];
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_text_has_one_vector_of_unit_length_or_zeros(text in any_text()) {
        let vector = TINY.embed(&text);
        check_unit_or_zeros(&vector, 8);
        prop_assert_eq!(&vector, &TINY.embed(&text));
        prop_assert!(TINY.embed_whole(&text).is_some() || text.len() > 512);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_long_text_is_no_danger(word in any::<String>(), times in 0_usize..20_000) {
        let text: String = std::iter::repeat_n(word.as_str(), times).take(40_000 / word.len().max(1)).collect();
        check_unit_or_zeros(&TINY.embed(&text), 8);
    }
}
