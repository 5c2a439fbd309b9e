//! SQLite, away from the path of requests: one thread that writes, one that reads, each with its own connection.
//!
//! A caller hands over a closure and awaits what it returns. Writes that wait are committed together (one commit costs as
//! much as 256 rows: research measured 339 single-row commits a second against 26,547 rows in groups), and a write is
//! acknowledged only when its group is committed.
//!
//! What always holds: both queues are bounded, and who finds one full is told at once; a closure that fails takes nothing
//! else of its group with it; a file that is damaged is set aside, under a name that says so, and a new one begun.

mod database;
mod remote;
mod worker;

pub use database::{OpenError, Schema, Sync, open};
pub use remote::{Address, AddressError, Node, Remote, RemoteError};
pub use rusqlite;
pub use worker::{Outcome, Reader, Store, StoreError, Writer};

#[cfg(test)]
mod tests;
