//! What users of other gateways complain of in their caches, one test a complaint and named after it: each would fail if weir
//! did the same.
//!
//! What is told elsewhere stays there: words that only look alike (`weir-cache/src/tests`), a thousand callers in virtual time
//! (`weir-pipeline/src/tests/shared.rs`), what else a Redis can do (`redis`).

mod keys;
mod leaks;
mod redis_down;
mod stampede;
mod streams;
mod wrong_answers;
