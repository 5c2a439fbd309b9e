//! What an embedder promises: to any text, to bad files, and with the weights that people use.
//!
//! The models are those of `fixtures/`, whose vectors `fixtures/make.py` computes once more on its own; the real weights
//! are those that `cargo xtask setup` fetches.

mod bad_files;
#[cfg(feature = "minilm")]
mod minilm;
mod real;
mod r#static;

use std::path::{Path, PathBuf};

use weir_testkit::Folder;

/// The folder of the tiny model `name`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A copy of the tiny model `name` to be spoiled.
fn copy(name: &str) -> Folder {
    let folder = Folder::new();
    for file in std::fs::read_dir(fixture(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.file(&file.file_name().to_string_lossy())).unwrap();
    }
    folder
}

/// Fails unless `found` begins as `expected` does, to the last digit written.
fn check_close(found: &[f32], expected: &[f32]) {
    let is_close = expected.iter().zip(found).all(|(expected, found)| (expected - found).abs() < 2e-6);
    assert!(is_close && found.len() >= expected.len(), "{found:?}\nis not\n{expected:?}");
}

/// Fails unless `vector` is finite, and of unit length or all zeros.
fn check_unit_or_zeros(vector: &[f32], dimensions: usize) {
    assert_eq!(vector.len(), dimensions);
    let length = cosine(vector, vector).sqrt();
    let is_zero = vector.iter().all(|value| *value == 0.0);
    assert!(is_zero || (length - 1.0).abs() < 1e-5, "of length {length}: {vector:?}");
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
}
