//! What the wire promises, subject by subject: one `check` each, adding a case is one line.

mod classify;
mod cuts;
mod delta;
mod envelope;
mod error;
mod frame;
mod operation;
mod question;
mod relay;
mod replay;
mod sse;
mod stream;
