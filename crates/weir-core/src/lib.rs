//! The vocabulary every stage speaks: a request, an answer made of chunks, those who watch it pass, and the
//! reasons it may be refused or fail. One meaning per word, and the words are listed in ARCHITECTURE.md.
//!
//! What always holds: nothing here does IO, reads a clock, draws a random number or knows a runtime. Time comes
//! from the [`Clock`] and chance from the [`Chance`] that the binary hands down.

mod answer;
mod caching;
mod chance;
mod clock;
mod continuation;
mod dialect;
mod envelope;
mod failure;
pub mod names;
mod observer;
mod pool;
mod priority;
mod rejection;
mod request;
mod room;
mod secret;
mod tenant;
mod trail;
mod usage;

pub use answer::{Answer, Body, Chunk, ChunkStream, Head, Said};
pub use caching::{CacheMode, CacheOwn};
pub use chance::Chance;
pub use clock::Clock;
pub use continuation::{Prefill, Rung};
pub use dialect::{Dialect, Operation};
pub use envelope::{Envelope, Member};
pub use failure::{Class, Failure, Reply, Rules};
pub use observer::{End, Observer, Watchers};
pub use pool::PoolId;
pub use priority::{Priority, Urgency};
pub use rejection::{Kind, Rejection};
pub use request::{Request, RequestId};
pub use room::Room;
pub use secret::{Secret, SecretRef, SecretRefError};
pub use tenant::{Scope, Tenant};
pub use trail::{CacheState, Part, Trail, Via};
pub use usage::{Finish, Price, Usage};

#[cfg(test)]
mod tests;
