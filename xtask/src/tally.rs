//! What passed and what failed, part by part, and how long each took: the basis of the last line of `test`.

use std::time::{Duration, Instant};

/// How many passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: usize,
    pub failed: usize,
}

impl Count {
    /// One thing that passed or failed as a whole.
    pub fn one(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed) }
    }

    /// This, and at least one failure when the program that counted says it failed: a crash counts as much as a
    /// failed test.
    pub fn with_exit(self, success: bool) -> Self {
        if success || self.failed > 0 { self } else { Self { failed: 1, ..self } }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// One part of a run.
struct Part {
    name: String,
    count: Count,
    took: Duration,
}

/// The parts of a run so far.
#[derive(Default)]
pub struct Tally {
    parts: Vec<Part>,
}

impl Tally {
    /// Runs one part. An error is shown and counts as one failure; the parts after it still run.
    pub fn part(&mut self, name: &str, run: impl FnOnce() -> anyhow::Result<Count>) -> bool {
        println!("── {name}");
        let started = Instant::now();
        let count = run().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Count::one(false)
        });
        self.parts.push(Part { name: name.to_owned(), count, took: started.elapsed() });
        count.failed == 0
    }

    /// Everything counted.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        for part in &self.parts {
            total.add(part.count);
        }
        total
    }

    /// Prints a line for each part and, alone on the last line, the sum.
    pub fn print(&self) {
        println!();
        for Part { name, count, took } in &self.parts {
            let Count { passed, failed } = count;
            println!("{:>7.1} s  {name}: {passed} passed, {failed} failed", took.as_secs_f64());
        }
        let Count { passed, failed } = self.total();
        println!("{passed} passed, {failed} failed");
    }
}
