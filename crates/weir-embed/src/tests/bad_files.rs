//! What is said of files that are no model: which, what is wrong, and what to do; and that no bytes bring loading down.

use std::path::Path;

use proptest::prelude::*;

use super::{check_unit_or_zeros, copy};
use crate::Static;

/// Fails unless the folder is refused for `file`, in words that contain `words`.
fn check_refused(folder: &Path, file: &str, words: &[&str]) {
    let error = Static::load(folder).expect_err("the model is bad");
    assert_eq!(error.file(), folder.join(file), "{error}");
    let said = error.to_string();
    assert!(said.contains(file), "{said}");
    assert!(said.contains("; "), "no remedy: {said}");
    for words in words {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
}

/// A change to a file's text, or to a tensor's header.
fn check_edit(file: &str, from: &str, to: &str, words: &str) {
    let folder = copy("static");
    let path = folder.file(file);
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is there");
    let edited = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
    std::fs::write(&path, edited).unwrap();
    check_refused(&folder.file(""), file, &[words]);
}

#[test]
fn a_missing_file_is_named() {
    for file in ["model.safetensors", "tokenizer.json"] {
        let folder = copy("static");
        std::fs::remove_file(folder.file(file)).unwrap();
        check_refused(&folder.file(""), file, &["No such file", "model2vec"]);
    }
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    for (file, words) in [("model.safetensors", "not safetensors"), ("tokenizer.json", "not a tokenizer")] {
        for bytes in ["", "{}", "null", "version https://git-lfs\n", "{\"model\":{}}"] {
            let folder = copy("static");
            std::fs::write(folder.file(file), bytes).unwrap();
            check_refused(&folder.file(""), file, &[words]);
        }
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let file = "model.safetensors";
    check_edit(file, "embeddings", "embedding_", "no tensor called embeddings");
    check_edit(file, "[20, 8]", "[160 ] ", "shape [160]");
    check_edit(file, "[20, 8]", "[10,16]", "vectors for 10 tokens");
    check_edit(file, "[20, 8]", "[21, 8]", "not safetensors");
    check_edit(file, "\"F32\"", "\"U32\"", "are of type U32");
    check_edit(file, "\"I64\"", "\"U64\"", "mapping is of type U64");
    check_edit(file, "\"F64\"", "\"I64\"", "weights are of type I64");
}

#[test]
fn a_number_that_is_not_finite_is_refused() {
    let folder = copy("static");
    let path = folder.file("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let body = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    bytes[body..body + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    check_refused(&folder.file(""), "model.safetensors", &["not finite"]);
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let folder = copy("static");
    let tokenizer = folder.file("tokenizer.json");
    let text = std::fs::read_to_string(&tokenizer).unwrap();
    std::fs::write(&tokenizer, text.replace("\"a\": 5,", "\"a\": 99,")).unwrap();
    check_refused(&folder.file(""), "model.safetensors", &["the tokenizer has 100", "the same model"]);
}

#[test]
fn a_tokenizer_that_fails_on_unknown_words_is_refused() {
    check_edit("tokenizer.json", "\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[ANK]\"", "not a tokenizer");
}

/// Bytes of a file with a few of them changed, or its end cut off.
fn spoil(
    mut bytes: Vec<u8>,
    changes: &[(prop::sample::Index, u8)],
    keep: Option<prop::sample::Index>,
) -> Vec<u8> {
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    if let Some(keep) = keep {
        bytes.truncate(keep.index(bytes.len()));
    }
    bytes
}

proptest! {
    #[test]
    fn no_bytes_bring_loading_or_looking_up_down(
        file in prop::sample::select(vec!["model.safetensors", "tokenizer.json"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_header in any::<bool>(),
        keep in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let folder = copy("static");
        let path = folder.file(file);
        let bytes = std::fs::read(&path).unwrap();
        // Most of a table is numbers, in which a change says little: every other time only the header is spoiled.
        let split = if in_header { bytes.len().min(300) } else { bytes.len() };
        let (head, rest) = bytes.split_at(split);
        let spoiled = [spoil(head.to_vec(), &changes, keep), rest.to_vec()].concat();
        std::fs::write(&path, spoiled).unwrap();
        match Static::load(&folder.file("")) {
            Ok(model) => check_unit_or_zeros(&model.embed("How do I turn 2 cards off?"), model.dimensions()),
            Err(error) => prop_assert!(error.file().starts_with(folder.file(""))),
        }
    }
}
