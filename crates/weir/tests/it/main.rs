//! End to end: the built binary in front of a misbehaving service, over real sockets, seen byte by byte.

mod bad_input;
mod command_line;

mod demo;

mod faults;
mod house;
mod lifecycle;
mod seen_from_outside;
mod wire;
