//! Wire formats without IO: request bodies, server-sent events, answers, errors, in each dialect weir speaks.
//!
//! What always holds: bytes in, bytes and facts out; nothing here waits, connects or reads a clock. What weir does not
//! act on passes through unparsed and unchanged.

pub mod classify;
mod delta;
pub mod dialect;
pub mod envelope;
pub mod error;
mod frame;
pub mod gate;
mod json;
pub mod operation;
pub mod question;
pub mod queued;
pub mod relay;
pub mod replay;
pub mod sse;
pub mod stream;

#[cfg(test)]
mod tests;
