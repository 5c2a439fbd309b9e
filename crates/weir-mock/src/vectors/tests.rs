//! Vectors have length 1, repeat, and are near for texts that share words.

use super::*;

fn cosine(one: &str, other: &str) -> f32 {
    let (one, other) = (embed(one, 256), embed(other, 256));
    one.iter().zip(&other).map(|(a, b)| a * b).sum()
}

#[test]
fn the_same_text_has_the_same_vector_of_length_one() {
    assert_eq!(embed("why is the sky blue?", 64), embed("why is the sky blue?", 64));
    assert!((cosine("a b c", "a b c") - 1.0).abs() < 1e-4);
    assert!((cosine("?!", "?!") - 1.0).abs() < 1e-4);
}

#[test]
fn shared_words_bring_texts_near() {
    assert!(cosine("why is the sky blue", "Why is the sky so blue?") > 0.8);
    assert!(cosine("为什么天空是蓝色的", "天空为什么是蓝色") > 0.8);
    assert!(cosine("why is the sky blue", "bake two loaves of bread").abs() < 0.3);
}

#[test]
fn base64_is_that_of_the_clients() {
    assert_eq!(base64(&[1.0]), "AACAPw==");
    assert_eq!(base64(&[1.0, -2.5]), "AACAPwAAIMA=");
    assert_eq!(base64(&[0.0, 1.0, 2.0]), "AAAAAAAAgD8AAABA");
}

#[test]
fn all_shapes_of_input_are_read_and_bad_ones_refused() {
    let count = |input: Value| {
        parse(json!({"model": "m", "input": input}).to_string().as_bytes()).map(|w| w.inputs.len())
    };
    assert_eq!(count(json!("a")), Ok(1));
    assert_eq!(count(json!(["a", "b"])), Ok(2));
    assert_eq!(count(json!([1, 2, 3])), Ok(1));
    assert_eq!(count(json!([[1, 2], [3]])), Ok(2));
    assert!(count(json!("")).is_err());
    assert!(count(json!([""])).is_err());
    assert!(count(json!({"a": 1})).is_err());
}
