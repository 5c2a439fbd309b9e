//! Which kept question is nearest: an exact scan over the questions of one partition.
//!
//! Each vector is there twice: in bytes, which are gone through, and in full, which the few that may be nearest are compared
//! by. What always holds: nothing nearer is passed over (the error that bytes make is known for each vector and allowed
//! for); vectors of other partitions are not looked at; what is held is bounded, and the least used go first.
//!
//! No library for nearest neighbours: those find most of them, forget none when told to, and are worth their size from
//! millions of vectors on. A partition has thousands.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::entry::Labels;
use crate::key::Key;
use crate::tiers::Which;

use super::learned::Observations;

/// How many of the nearest are told.
const NEAREST: usize = 8;

/// All questions.
pub(crate) struct Index {
    /// Guards a look-up. Taken before a partition's own lock where both are.
    partitions: Mutex<HashMap<Key, Arc<Partition>>>,
    entries: AtomicUsize,
    entries_max: usize,
    /// Counts uses, to tell which partition was used last.
    uses: AtomicU64,
}

#[derive(Default)]
struct Partition {
    rows: RwLock<Rows>,
    used: AtomicU64,
}

#[derive(Default)]
struct Rows {
    dimensions: usize,
    rows: Vec<Row>,
    by_key: HashMap<Key, usize>,
    codes: Vec<i8>,
    /// By what the bytes of each row are to be multiplied, and how far they are from its vector: the length of the difference.
    scales: Vec<(f32, f32)>,
    vectors: Vec<f32>,
    /// Which row is thrown out next: the oldest, as long as none was thrown out from between.
    oldest: usize,
}

struct Row {
    key: Key,
    text: Arc<str>,
    labels: Labels,
    observed: Observations,
}

/// A question that was asked before.
#[derive(Clone, Debug)]
pub(crate) struct Near {
    /// Of its answer.
    pub(crate) key: Key,
    pub(crate) text: Arc<str>,
    /// The cosine of the angle between the two.
    pub(crate) similarity: f32,
    /// What is known of it.
    pub(crate) observed: Observations,
}

impl Index {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self {
            partitions: Mutex::default(),
            entries: AtomicUsize::new(0),
            entries_max: entries_max.max(1),
            uses: AtomicU64::new(0),
        }
    }

    /// How many questions are held.
    pub(crate) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// The nearest questions of a partition, the nearest first.
    pub(crate) fn nearest(&self, partition: &Key, vector: &[f32]) -> Vec<Near> {
        let Some(partition) = self.lock().get(partition).cloned() else { return Vec::new() };
        partition.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        partition.read().nearest(vector)
    }

    /// Holds a question from now on, with the key of its answer.
    pub(crate) fn insert(&self, partition: Key, question: (Key, Arc<str>, Labels), vector: &[f32]) {
        while self.len() >= self.entries_max && self.throw_one_out() {}
        let partition = self.lock().entry(partition).or_default().clone();
        partition.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if partition.write().insert(question, vector) {
            self.entries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes whether a question's answer was the answer to another one.
    pub(crate) fn observe(&self, partition: &Key, key: &Key, similarity: f32, is_same: bool) {
        let Some(partition) = self.lock().get(partition).cloned() else { return };
        let mut rows = partition.write();
        let Some(&at) = rows.by_key.get(key) else { return };
        rows.rows[at].observed.note(similarity, is_same);
    }

    /// Forgets a question whose answer is there no more.
    pub(crate) fn remove(&self, partition: &Key, key: &Key) {
        let Some(partition) = self.lock().get(partition).cloned() else { return };
        let mut rows = partition.write();
        if let Some(&at) = rows.by_key.get(key) {
            rows.remove(at);
            self.entries.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets.
    pub(crate) fn purge(&self, which: &Which) {
        self.lock().retain(|_, partition| {
            let mut rows = partition.write();
            for at in (0..rows.rows.len()).rev() {
                if which.names(&rows.rows[at].labels) {
                    rows.remove(at);
                    self.entries.fetch_sub(1, Ordering::Relaxed);
                }
            }
            !rows.rows.is_empty()
        });
    }

    /// Of the partition that was not used for longest, the oldest question.
    fn throw_one_out(&self) -> bool {
        let mut partitions = self.lock();
        let least = partitions.iter().min_by_key(|(_, partition)| partition.used.load(Ordering::Relaxed));
        let Some((key, partition)) = least.map(|(key, partition)| (*key, partition.clone())) else {
            return false;
        };
        let mut rows = partition.write();
        if !rows.rows.is_empty() {
            let at = rows.oldest % rows.rows.len();
            rows.remove(at);
            rows.oldest = at + 1;
            self.entries.fetch_sub(1, Ordering::Relaxed);
        }
        if rows.rows.is_empty() {
            partitions.remove(&key);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Partition>>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Partition {
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Says whether there is one more now.
    fn insert(&mut self, (key, text, labels): (Key, Arc<str>, Labels), vector: &[f32]) -> bool {
        if self.rows.is_empty() {
            self.dimensions = vector.len();
        }
        if vector.len() != self.dimensions || vector.is_empty() {
            return false;
        }
        let known = self.by_key.get(&key).copied();
        let (codes, scale, error) = in_bytes(vector);
        let observed = known.map(|at| self.rows[at].observed.clone()).unwrap_or_default();
        if let Some(at) = known {
            self.remove(at);
        }
        self.by_key.insert(key, self.rows.len());
        self.rows.push(Row { key, text, labels, observed });
        self.scales.push((scale, error));
        self.codes.extend_from_slice(&codes);
        self.vectors.extend_from_slice(vector);
        known.is_none()
    }

    /// The last row takes its place.
    fn remove(&mut self, at: usize) {
        let last = self.rows.len() - 1;
        let (from, to) = (last * self.dimensions, at * self.dimensions);
        self.codes.copy_within(from.., to);
        self.codes.truncate(from);
        self.vectors.copy_within(from.., to);
        self.vectors.truncate(from);
        self.scales.swap_remove(at);
        let gone = self.rows.swap_remove(at);
        self.by_key.remove(&gone.key);
        if at < last {
            self.by_key.insert(self.rows[at].key, at);
        }
    }

    fn nearest(&self, vector: &[f32]) -> Vec<Near> {
        if vector.len() != self.dimensions {
            return Vec::new();
        }
        let (codes, scale, error) = in_bytes(vector);
        // |a·b − â·b̂| ≤ |a − â||b| + |â||b − b̂|, and a and b have length 1.
        let about: Vec<(f32, f32)> = self
            .codes
            .chunks_exact(self.dimensions.max(1))
            .zip(&self.scales)
            .map(|(row, (of_row, off))| {
                (dot_bytes(&codes, row) as f32 * scale * of_row, error + off * (1.0 + error))
            })
            .collect();
        // As many are surely as near as this; whoever cannot be is not looked at more closely.
        let mut least: Vec<f32> = about.iter().map(|(near, off)| near - off).collect();
        let surely = if least.len() > NEAREST {
            *least.select_nth_unstable_by(NEAREST - 1, |one, other| other.total_cmp(one)).1
        } else {
            f32::MIN
        };
        let mut near: Vec<(f32, usize)> = about
            .iter()
            .enumerate()
            .filter(|(_, (near, off))| near + off >= surely)
            .map(|(at, _)| (dot(vector, &self.vectors[at * self.dimensions..][..self.dimensions]), at))
            .collect();
        near.sort_by(|one, other| other.0.total_cmp(&one.0));
        near.truncate(NEAREST);
        let told = |(similarity, at): (f32, usize)| {
            let Row { key, text, observed, .. } = &self.rows[at];
            Near { key: *key, text: text.clone(), similarity, observed: observed.clone() }
        };
        near.into_iter().map(told).collect()
    }
}

/// The vector in bytes, by which they are to be multiplied, and how far off they are.
fn in_bytes(vector: &[f32]) -> (Vec<i8>, f32, f32) {
    let largest = vector.iter().fold(0_f32, |largest, number| largest.max(number.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    let codes: Vec<i8> = vector.iter().map(|number| (number / scale).round() as i8).collect();
    let off = vector.iter().zip(&codes).map(|(number, code)| (number - f32::from(*code) * scale).powi(2));
    // A little more, for what adding up in single precision loses.
    let error = off.sum::<f32>().sqrt() + 1e-5;
    (codes, scale, error)
}

/// Of pieces that wide a compiler makes vector instructions: half the time of a plain sum.
const WIDE: usize = 8;

fn dot_bytes(one: &[i8], other: &[i8]) -> i32 {
    let mut sums = [0_i32; WIDE];
    let (pieces, others) = (one.chunks_exact(WIDE), other.chunks_exact(WIDE));
    let rest = pieces.remainder().iter().zip(others.remainder());
    let rest: i32 = rest.map(|(one, other)| i32::from(*one) * i32::from(*other)).sum();
    for (one, other) in pieces.zip(others) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += i32::from(*one) * i32::from(*other);
        }
    }
    sums.iter().sum::<i32>() + rest
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0_f32; WIDE];
    let (pieces, others) = (one.chunks_exact(WIDE), other.chunks_exact(WIDE));
    let rest: f32 = pieces.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in pieces.zip(others) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    sums.iter().sum::<f32>() + rest
}
