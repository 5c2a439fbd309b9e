//! How hard each pool is pressed, what that means, and whom to turn away when there is more work than room.

pub mod config;
