//! A kept answer as bytes, for a place that others can write to.
//!
//! What always holds: bytes that were not sealed with our secret for this very key are no answer. So whoever can write to the
//! place, by mistake or by design, can make answers disappear but can put none into anybody's mouth.

use bytes::{Buf, BufMut, Bytes};

use crate::entry::{Entry, Labels, Moment};
use crate::key::Key;

/// The layout. Bytes of another one are no answer.
const LAYOUT: u8 = 1;
const SEAL_BYTES: usize = 32;
/// How much of the beginning has the labels of all but the strangest answers in it.
pub(crate) const LABELS_WITHIN: usize = 4096;

/// Seals and opens.
#[derive(Clone)]
pub(crate) struct Seal([u8; 32]);

impl Seal {
    pub(crate) fn of(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("weir 2026-11 seal of a kept answer", secret))
    }

    /// Seal, layout, times, labels, cuts, body; texts and cuts with their lengths before them.
    pub(crate) fn close(&self, key: &Key, entry: &Entry) -> Vec<u8> {
        let Entry { body, cuts, made, fresh_ms, revision, labels } = entry;
        let mut bytes = vec![0; SEAL_BYTES];
        bytes.reserve(128 + body.len() + cuts.len());
        bytes.put_u8(LAYOUT);
        bytes.put_u64(made.0);
        bytes.put_u64(*fresh_ms);
        bytes.put_u64(*revision);
        for part in [labels.tenant.as_bytes(), labels.model.as_bytes(), labels.tag.as_bytes(), cuts] {
            bytes.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
            bytes.put_slice(part);
        }
        bytes.put_slice(body);
        let seal = self.over(key, &bytes[SEAL_BYTES..]);
        bytes[..SEAL_BYTES].copy_from_slice(&seal);
        bytes
    }

    /// The answer, if it is one of ours, for this key.
    pub(crate) fn open(&self, key: &Key, bytes: Vec<u8>) -> Option<Entry> {
        let mut bytes = Bytes::from(bytes);
        let seal = split(&mut bytes, SEAL_BYTES)?;
        // Not a comparison in constant time: who could guess a seal byte by byte could read all of them.
        if *seal != self.over(key, &bytes) {
            return None;
        }
        let (made, fresh_ms, revision) = times(&mut bytes)?;
        let labels = read_labels(&mut bytes)?;
        let cuts = part(&mut bytes)?;
        Some(Entry { body: bytes, cuts, made, fresh_ms, revision, labels })
    }

    fn over(&self, key: &Key, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(key).update(bytes);
        *hasher.finalize().as_bytes()
    }
}

/// The labels of an answer of which the first [`LABELS_WITHIN`] bytes are there.
pub(crate) fn labels(beginning: Vec<u8>) -> Option<Labels> {
    let mut bytes = Bytes::from(beginning);
    split(&mut bytes, SEAL_BYTES)?;
    times(&mut bytes)?;
    read_labels(&mut bytes)
}

fn times(bytes: &mut Bytes) -> Option<(Moment, u64, u64)> {
    let layout = bytes.try_get_u8().ok()?;
    let (made, fresh_ms) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
    let revision = bytes.try_get_u64().ok()?;
    (layout == LAYOUT).then_some((Moment(made), fresh_ms, revision))
}

fn read_labels(bytes: &mut Bytes) -> Option<Labels> {
    let mut text = || Some(std::str::from_utf8(&part(bytes)?).ok()?.into());
    Some(Labels { tenant: text()?, model: text()?, tag: text()? })
}

fn part(bytes: &mut Bytes) -> Option<Bytes> {
    let length = bytes.try_get_u32().ok()?;
    split(bytes, length as usize)
}

/// The first bytes, if there are so many.
fn split(bytes: &mut Bytes, count: usize) -> Option<Bytes> {
    (count <= bytes.len()).then(|| bytes.split_to(count))
}
