//! The spine's promises: exactly one record, nothing leaks, at every await, whatever happens.

mod machine;
mod pipeline;
mod rests;
mod session;
mod shared;
mod sweep;
mod two_services;
mod world;
