//! `POST /embeddings`: vectors that are the same for the same text and near for texts that share words.
//!
//! Each word points in a random direction of its own; a text points along the sum of its words. That is enough
//! for a semantic cache to be tried against.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::chance::{Chance, hash};
use crate::refusal::Refusal;
use crate::text::estimate_tokens;

const DIMENSIONS: u32 = 1_536;
const DIMENSIONS_MAX: u32 = 8_192;
const INPUTS_MAX: usize = 2_048;

#[derive(Deserialize)]
struct Body {
    model: String,
    input: Input,
    encoding_format: Option<String>,
    dimensions: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

/// A request for vectors.
pub(crate) struct Wanted {
    pub model: String,
    pub prompt_tokens: u32,
    inputs: Vec<String>,
    base64: bool,
    dimensions: u32,
}

/// Reads a request.
pub(crate) fn parse(body: &[u8]) -> Result<Wanted, Refusal> {
    let body: Body = serde_json::from_slice(body).map_err(|error| Refusal::unparsable(&error))?;
    let words = |tokens: Vec<u32>| tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let inputs = match body.input {
        Input::Text(text) => vec![text],
        Input::Texts(texts) => texts,
        Input::Tokens(tokens) => vec![words(tokens)],
        Input::TokenLists(lists) => lists.into_iter().map(words).collect(),
    };
    if inputs.is_empty() || inputs.len() > INPUTS_MAX || inputs.iter().any(String::is_empty) {
        return Err(Refusal::invalid(format!("input: give 1 to {INPUTS_MAX} texts, none of them empty")));
    }
    let dimensions = body.dimensions.unwrap_or(DIMENSIONS);
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        return Err(Refusal::invalid(format!("dimensions: {dimensions} is not from 1 to {DIMENSIONS_MAX}")));
    }
    let base64 = match body.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return Err(Refusal::invalid(format!("encoding_format: {other:?} is neither float nor base64")));
        }
    };
    let prompt_tokens = inputs.iter().map(|input| estimate_tokens(input)).sum();
    Ok(Wanted { model: body.model, prompt_tokens, inputs, base64, dimensions })
}

/// The response to a request.
pub(crate) fn answer(wanted: &Wanted) -> Vec<u8> {
    let entry = |(index, input): (usize, &String)| {
        let vector = embed(input, wanted.dimensions);
        let embedding = if wanted.base64 { json!(base64(&vector)) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = wanted.inputs.iter().enumerate().map(entry).collect();
    let usage = json!({"prompt_tokens": wanted.prompt_tokens, "total_tokens": wanted.prompt_tokens});
    json!({"object": "list", "data": data, "model": wanted.model, "usage": usage}).to_string().into_bytes()
}

/// A vector of length 1.
fn embed(text: &str, dimensions: u32) -> Vec<f32> {
    let mut counts: HashMap<u64, f32> = HashMap::new();
    for word in words(text) {
        *counts.entry(hash(word.as_bytes())).or_default() += 1.0;
    }
    // Summed in a fixed order: the order of a hash map is not, and sums of floats depend on it.
    let mut counts: Vec<(u64, f32)> = counts.into_iter().collect();
    counts.sort_by_key(|&(word, _)| word);
    let mut vector = vec![0.0_f32; dimensions as usize];
    for (word, count) in counts {
        let mut direction = Chance::new(word);
        for value in &mut vector {
            *value += count * direction.between(-1.0, 1.0) as f32;
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// Words in lower case; every character of a script without spaces is one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in text.split(|character: char| !character.is_alphanumeric()) {
        if run.is_ascii() {
            words.push(run.to_ascii_lowercase());
        } else {
            words.extend(run.chars().map(|character| character.to_lowercase().to_string()));
        }
    }
    words.retain(|word| !word.is_empty());
    if words.is_empty() {
        words.push(text.to_owned());
    }
    words
}

/// Little-endian floats in standard base64 with padding, as the official clients decode them.
fn base64(vector: &[f32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let padded = [group[0], *group.get(1).unwrap_or(&0), *group.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            let used = place <= group.len();
            text.push(if used { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
