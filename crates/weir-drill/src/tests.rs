//! What drills promise.
