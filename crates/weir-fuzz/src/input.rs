//! How the bytes of the fuzzer are read: the first line steers, the records after it are what a service or a caller
//! sends.
//!
//! Written so, an input can be read and made by hand, and a recorded stream becomes one by a line before it. What
//! always holds: any bytes are an input.

use bytes::Bytes;

/// Stands between records: the record separator of ASCII, which no stream of JSON has in it.
const BETWEEN: u8 = 0x1e;

/// One input.
pub(crate) struct Input<'a> {
    steering: &'a [u8],
    at: usize,
    records: Vec<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// Reads one.
    pub(crate) fn read(bytes: &'a [u8]) -> Self {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (steering, rest) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 1..]));
        Self { steering, at: 0, records: rest.split(|&byte| byte == BETWEEN).collect() }
    }

    /// The next number that steers, below `bound`; 0 when there is none left. `0` is 0, `1` is 1, and so on.
    pub(crate) fn number(&mut self, bound: usize) -> usize {
        let byte = self.steering.get(self.at).copied().unwrap_or(b'0');
        self.at += 1;
        usize::from(byte.wrapping_sub(b'0')) % bound
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.number(among.len())]
    }

    /// A record; an empty one when there are fewer.
    pub(crate) fn record(&self, at: usize) -> &'a [u8] {
        self.records.get(at).copied().unwrap_or_default()
    }

    /// All records.
    pub(crate) fn records(&self) -> &[&'a [u8]] {
        &self.records
    }

    /// Bytes as reads, whose lengths are the rest of what steers, over and over; as one read when nothing is left.
    pub(crate) fn reads(&self, bytes: &[u8]) -> Vec<Bytes> {
        let lengths = self.steering.get(self.at..).unwrap_or_default();
        let lengths: Vec<usize> =
            lengths.iter().map(|length| usize::from(length.wrapping_sub(b'0'))).collect();
        if lengths.iter().all(|&length| length == 0) {
            return vec![Bytes::copy_from_slice(bytes)];
        }
        let mut rest = bytes;
        let mut reads = Vec::new();
        for length in lengths.into_iter().cycle() {
            let (read, after) = rest.split_at(length.min(rest.len()));
            reads.push(Bytes::copy_from_slice(read));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        reads
    }
}
