//! What must hold for any bytes a service or a caller may send: one function a subject, which panics when it does not.
//!
//! The fuzzer calls these functions with bytes of its own (`fuzz/`, `cargo xtask fuzz`), the tests here with every
//! input it has kept (`fuzz/corpus/`). What always holds: the same bytes make the same calls, so that a crash found
//! once is found again.

mod caller;
mod classifier;
mod envelope;
mod input;
mod reader;
mod relay;
mod replay;
mod scopes;
mod splice;
mod splitter;
mod writer;

#[cfg(test)]
mod tests;

pub use classifier::classifier;
pub use envelope::envelope;
pub use reader::reader;
pub use relay::relay;
pub use replay::replay;
pub use scopes::scopes;
pub use splice::splice;
pub use splitter::splitter;

/// A name, which is also that of the fuzz target and of its corpus, and what the bytes are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: [Target; 8] = [
    ("classifier", classifier),
    ("envelope", envelope),
    ("reader", reader),
    ("relay", relay),
    ("replay", replay),
    ("scopes", scopes),
    ("splice", splice),
    ("splitter", splitter),
];
