//! End to end: the built binary in front of a misbehaving service, over real sockets, seen byte by byte.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests drive processes and real sockets")]

mod alike;
mod bad_input;
mod command_line;
mod complaints;
mod config;
mod demo;
mod drill;
mod examples;
mod faults;
mod house;
mod known;
mod lifecycle;
mod overload;
mod redis;
mod seen_from_outside;
mod wire;
