//! How long it takes to find the nearest of many questions: `cargo run --release -p weir-cache --example scan`.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures, and prints")]

use std::time::{Duration, Instant};

use weir_cache::semantic::Scanned;
use weir_core::Chance;

/// Of the light embedder, and of all-MiniLM-L6-v2.
const DIMENSIONS: [usize; 2] = [256, 384];
const QUESTIONS: [usize; 3] = [1_000, 10_000, 100_000];
const SCANS: usize = 200;

fn main() {
    println!("| questions | dimensions | p50 ms | p99 ms |\n|--:|--:|--:|--:|");
    let chance = Chance::seeded(1);
    for dimensions in DIMENSIONS {
        // Questions of one partition are about few subjects: points around centres.
        let centres: Vec<_> = (0..77).map(|_| around(&chance, &vec![0.0; dimensions], 1.0)).collect();
        for questions in QUESTIONS {
            let vectors: Vec<_> = (0..questions)
                .map(|number| around(&chance, &centres[number % centres.len()], 0.03))
                .collect();
            let scanned = Scanned::new(vectors.iter().map(Vec::as_slice));
            let mut took: Vec<_> = (0..SCANS)
                .map(|scan| {
                    let asked = around(&chance, &centres[scan % centres.len()], 0.03);
                    let begun = Instant::now();
                    assert!(!scanned.nearest(&asked).is_empty());
                    begun.elapsed()
                })
                .collect();
            took.sort_unstable();
            let ms = |at: usize| Duration::as_secs_f64(&took[at]) * 1000.0;
            println!("| {questions} | {dimensions} | {:.3} | {:.3} |", ms(SCANS / 2), ms(SCANS * 99 / 100));
        }
    }
}

fn around(chance: &Chance, centre: &[f32], spread: f64) -> Vec<f32> {
    let moved = centre.iter().map(|number| number + ((chance.unit() - 0.5) * 2.0 * spread) as f32);
    let moved: Vec<_> = moved.collect();
    let length = moved.iter().map(|number| number * number).sum::<f32>().sqrt();
    moved.into_iter().map(|number| number / length).collect()
}
