//! Where calls go, and what the machines behind it promise.

mod circuit;
mod health;
mod pick;
