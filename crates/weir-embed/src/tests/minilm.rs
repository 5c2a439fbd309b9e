//! What the transformer promises, on a tiny one of its shape.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{check_close, check_unit_or_zeros, copy, fixture};
use crate::MiniLm;

static TINY: LazyLock<MiniLm> = LazyLock::new(|| MiniLm::load(&fixture("bert")).unwrap());

#[test]
fn gives_the_vectors_that_the_script_computes() {
    let check = |text, expected: &[f32]| check_close(&TINY.embed(text), expected);
    assert_eq!(TINY.dimensions(), 8);
    check(
        "How do I cancel my order?",
        &[0.103848, 0.180641, -0.208177, 0.07002, -0.644227, 0.100013, -0.251761, 0.648019],
    );
    check(
        "my card is lost",
        &[0.594497, 0.342306, -0.187715, 0.05608, -0.577546, -0.185617, -0.178474, 0.301914],
    );
    check("turned off", &[0.767609, 0.00014, 0.17041, 0.055092, -0.184274, -0.494514, -0.25926, 0.181619]);
    check(
        "zebra the zebra",
        &[-0.109036, -0.324593, -0.347119, -0.186696, -0.135484, 0.793611, 0.258941, -0.11036],
    );
}

#[test]
fn tells_the_same_words_in_another_order() {
    let (there, back) = (TINY.embed("from paris to london"), TINY.embed("from london to paris"));
    let apart = there.iter().zip(&back).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
    assert!(apart > 1e-4, "{there:?}\n{back:?}");
}

#[test]
fn what_it_knows_nothing_of_is_like_nothing() {
    for text in ["", " \n\t", "zebra", "\u{1f30a}"] {
        assert_eq!(TINY.embed(text), vec![0.0; 8], "{text:?}");
    }
}

#[test]
fn reads_as_many_tokens_as_it_has_positions() {
    let ten = "card ".repeat(10);
    assert!(TINY.embed_whole(&ten).is_some());
    assert!(TINY.embed_whole(&format!("{ten} paris")).is_none());
    assert_eq!(TINY.embed(&ten), TINY.embed(&format!("{ten} paris")));
}

#[test]
fn a_file_that_does_not_fit_is_named() {
    let check = |file: &str, from: &str, to: &str, blamed: &str, words: &str| {
        let folder = copy("bert");
        let path = folder.file(file);
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is there");
        std::fs::write(&path, [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()).unwrap();
        let error = MiniLm::load(&folder.file("")).expect_err("the model is bad");
        assert_eq!(error.file(), folder.file(blamed), "{error}");
        assert!(error.to_string().contains(words), "{words:?} is not in: {error}");
    };
    let (config, tokenizer, weights) = ("config.json", "tokenizer.json", "model.safetensors");
    check(config, "\"gelu\"", "\"relu\"", config, "only gelu");
    check(config, "\"hidden_size\": 8", "\"hidden_size\": 9", config, "no BERT has this shape");
    check(config, "\"hidden_size\": 8", "\"hidden_size\": \"8\"", config, "not the shape of a BERT");
    check(config, "\"max_position_embeddings\": 12", "\"max_position_embeddings\": 2", config, "no BERT has");
    check(config, "\"vocab_size\": ", "\"vocab_size\": 1 ,\"_\": ", tokenizer, "and the model 1");
    check(config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", weights, "encoder.layer.2");
    check(tokenizer, "\"content\": \"[CLS]\"", "\"content\": \"[CLF]\"", tokenizer, "tokens");
    check(weights, "[8]", "[9]", weights, "not safetensors");
}

proptest! {
    #[test]
    fn any_text_has_one_vector_of_unit_length_or_zeros(text in "(card|how|not|\\PC{0,6}| ){0,30}") {
        let vector = TINY.embed(&text);
        check_unit_or_zeros(&vector, 8);
        prop_assert_eq!(&vector, &TINY.embed(&text));
    }

    #[test]
    fn no_bytes_bring_loading_or_reading_down(
        file in prop::sample::select(vec!["model.safetensors", "config.json"]),
        changes in prop::collection::vec((0_usize..3_000, any::<u8>()), 1..6),
    ) {
        let folder = copy("bert");
        let path = folder.file(file);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        std::fs::write(&path, bytes).unwrap();
        match MiniLm::load(&folder.file("")) {
            Ok(model) => check_unit_or_zeros(&model.embed("How do I turn 2 cards off?"), model.dimensions()),
            Err(error) => prop_assert!(error.file().starts_with(folder.file(""))),
        }
    }
}
