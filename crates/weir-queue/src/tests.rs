//! Whose turn it is, and that nothing is left behind: the machine against a naive reference, and the shell under a paused
//! clock.

mod bounds;
mod fairness;
mod load;
mod naive;
mod order;
mod rest;
mod shell;
mod time;
mod world;
