//! The worlds are what they say, a run can be repeated, and weir keeps its promises in them.

mod client;
mod models;
mod promises;
mod render;
mod streams;
mod worlds;
