//! Reads a streamed answer: events in, chunks for the caller and facts for the observers out.
//!
//! What always holds: a chunk ends at an event border; a stream counts as whole only after the service said how it
//! ended, each choice of it; keep-alive comments are absorbed and are never progress.

pub(crate) mod ends;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use weir_core::{Chunk, Class, Failure, Finish, Said, Usage};

use self::ends::Ends;
use crate::dialect::{Care, Format, Phase, Reading};
use crate::frame::{Fit, Frame};
use crate::sse::{Event, Splitter, event_from};

/// What is known of a piece of text by what stands around it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    phase: Option<Phase>,
    reasoning: bool,
}

/// Reads one stream.
pub struct StreamReader {
    format: &'static dyn Format,
    splitter: Splitter,
    keeps_usage: bool,
    begun: bool,
    phase: Phase,
    /// What stands around the text of the last usual piece, and what the service is doing when it writes such pieces.
    usual: Frame<Piece>,
    parts: u64,
    /// How many choices were asked for, when that is known.
    wanted: Option<usize>,
    ends: Ends,
    finish: Option<Finish>,
    last: bool,
    failed: Option<Failure>,
}

impl StreamReader {
    /// A reader for a format. Without `keeps_usage`, the usage chunk that weir asked for is not passed on.
    pub fn new(format: &'static dyn Format, keeps_usage: bool) -> Self {
        let splitter = Splitter::default();
        let (begun, last, parts, wanted) = (false, false, 0, None);
        Self {
            format,
            splitter,
            keeps_usage,
            begun,
            phase: Phase::default(),
            usual: Frame::default(),
            parts,
            wanted,
            ends: Ends::default(),
            finish: None,
            last,
            failed: None,
        }
    }

    /// The same for an answer of so many choices: one that has fewer ends only when its service says so. Of an answer of
    /// one choice, events need not be searched for which one they speak of.
    #[must_use]
    pub const fn expecting(mut self, choices: Option<usize>) -> Self {
        self.wanted = choices;
        self
    }

    /// What the service was writing last.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// How many meaningful parts have come so far.
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// Whether the service has sent its last event.
    pub const fn is_over(&self) -> bool {
        self.last
    }

    /// Whether the service has said how the answer ended: what may still come is its closing.
    pub const fn is_whole(&self) -> bool {
        self.finish.is_some() && self.failed.is_none()
    }

    /// The failure that came in one read with the chunk last given out, right after it.
    pub const fn take_failure(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// Takes a read. `None`: nothing for the caller in it, as in all that follows the service's last event.
    ///
    /// # Errors
    /// The service reported a failure in its stream, or did not speak SSE. What came before it in the same read is given
    /// out first; the failure is then asked for with [`Self::take_failure`], or comes with the next call.
    pub fn push(&mut self, read: Bytes) -> Result<Option<Chunk>, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        let block = self.splitter.push(read).map_err(|error| Failure::new(Class::Hard, error.to_string()))?;
        self.read_block(block)
    }

    /// The service closed the stream. Gives what was left, and the closing mark if the service forgot it.
    ///
    /// # Errors
    /// [`Class::Truncated`] when the service never said how the answer ended.
    pub fn finish(&mut self) -> Result<Option<Chunk>, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        let rest = self.splitter.finish();
        let mut chunk = Chunk::default();
        if rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
            // Some servers end with `data: [DONE]\n` and close: an event all the same, once its blank line is added.
            let mut closed = BytesMut::from(&rest[..]);
            closed.extend_from_slice(b"\n\n");
            chunk = self.read_block(closed.freeze())?.unwrap_or_default();
        }
        if self.finish.is_none() {
            let message = "the service closed the stream before saying how the answer ended";
            return Err(Failure::new(Class::Truncated, message));
        }
        if !self.last {
            let mut bytes = BytesMut::from(&chunk.bytes[..]);
            bytes.extend_from_slice(self.format.closing());
            chunk.bytes = bytes.freeze();
            self.last = true;
        }
        Ok((!chunk.bytes.is_empty()).then_some(chunk))
    }

    fn read_block(&mut self, block: Bytes) -> Result<Option<Chunk>, Failure> {
        let mut chunk = Chunk::default();
        let mut kept = Kept::default();
        let (mut at, mut only) = (0, true);
        while !self.last {
            if let Some(fit) = self.usual.fit(&block[at..]) {
                only = at == 0;
                self.note_usual(&fit, at, &mut chunk);
                kept.keep(&block, at..at + fit.end);
                at += fit.end;
                continue;
            }
            let Some(event) = event_from(&block, at) else { break };
            (at, only) = (event.whole.end, false);
            // What the service said before it failed was said, however its bytes were cut into reads.
            if let Err(failure) = self.read_event(&block, event, &mut chunk, &mut kept) {
                self.failed = Some(failure);
                break;
            }
        }
        // One usual piece from the first byte to the last, or more than one piece.
        chunk.said = chunk.said.filter(|_| only && kept.run == at && kept.broken.is_none());
        chunk.bytes = kept.into_bytes(block);
        let says_something = !chunk.bytes.is_empty() || chunk.usage.is_some();
        match self.failed.take_if(|_| !says_something) {
            Some(failure) => Err(failure),
            None => Ok(says_something.then_some(chunk)),
        }
    }

    fn read_event(
        &mut self,
        block: &[u8],
        event: Event,
        chunk: &mut Chunk,
        kept: &mut Kept,
    ) -> Result<(), Failure> {
        if event.data_lines == 0 && event.name.is_empty() {
            kept.skip();
            return Ok(());
        }
        // Nobody writes several lines but those who break them in odd places: such data is parsed each time.
        let one_line = event.data_lines < 2;
        let care = Care { begun: self.begun && one_line, several: self.wanted != Some(1) };
        let (name, data) = (&block[event.name.clone()], event.data_in(block));
        let reading = self.format.read_event(name, &data, care)?;
        self.note(&reading, chunk)?;
        if reading.drop || (reading.usage_only && !self.keeps_usage) {
            kept.skip();
        } else if event.has_id_or_retry && self.format.strips_id_and_retry() {
            kept.rewrite(block, &event);
        } else {
            if let Some(text) = reading.text.filter(|_| one_line) {
                let before = event.data.start - event.whole.start;
                let piece = Piece { phase: reading.phase, reasoning: text.reasoning };
                let text = before + text.from as usize..before + text.to as usize;
                self.usual.learn(&block[event.whole.clone()], &text, piece);
            }
            kept.keep(block, event.whole);
        }
        Ok(())
    }

    /// Notes a piece like the last one, which begins at `at`: of it, too, there is nothing more to say than that the answer
    /// goes on.
    fn note_usual(&mut self, fit: &Fit<Piece>, at: usize, chunk: &mut Chunk) {
        let Piece { phase, reasoning } = fit.says;
        self.parts += 1;
        self.phase = phase.unwrap_or(self.phase);
        chunk.progress = true;
        // Whether it is the only one is seen at the end.
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        let said = Said { reasoning, from: place(fit.text.start), to: place(fit.text.end) };
        chunk.said = (at == 0).then_some(said);
    }

    fn note(&mut self, reading: &Reading, chunk: &mut Chunk) -> Result<(), Failure> {
        self.begun |= reading.progress;
        self.parts += u64::from(reading.progress);
        self.phase = reading.phase.unwrap_or(self.phase);
        chunk.progress |= reading.progress;
        self.note_ends(reading, chunk);
        if let Some(usage) = reading.usage {
            chunk.usage = Some(chunk.usage.map_or(usage, |known: Usage| known.merged(usage)));
        }
        if reading.last && self.finish.is_none() {
            // `[DONE]` on a dead stream: the one lie weir exists not to pass on.
            let message = "the service closed the answer without a finish reason";
            return Err(Failure::new(Class::Truncated, message));
        }
        self.last |= reading.last;
        Ok(())
    }

    /// The answer has ended once every choice has; a service that closes it may have made fewer than were asked for.
    fn note_ends(&mut self, reading: &Reading, chunk: &mut Chunk) {
        if reading.choices.is_empty() && (reading.progress || reading.finish.is_some()) {
            self.ends.see(0, reading.finish);
        }
        for (choice, finish) in &reading.choices {
            self.ends.see(*choice, *finish);
        }
        if self.finish.is_none() && self.ends.any() {
            let wanted = self.wanted.filter(|_| !reading.last).unwrap_or(1);
            self.finish = self.ends.finish(wanted);
            chunk.finish = self.finish.or(chunk.finish);
        }
    }
}

/// The events of a block that go to the caller. As long as all do, nothing is copied.
#[derive(Default)]
struct Kept {
    /// End of the unbroken run from the block's start.
    run: usize,
    broken: Option<BytesMut>,
    skipped: bool,
}

impl Kept {
    fn keep(&mut self, block: &[u8], event: Range<usize>) {
        if self.skipped && self.broken.is_none() {
            self.broken = Some(BytesMut::from(&block[..self.run]));
        }
        match &mut self.broken {
            Some(bytes) => bytes.extend_from_slice(&block[event]),
            None => self.run = event.end,
        }
    }

    const fn skip(&mut self) {
        self.skipped = true;
    }

    /// Keeps an event without its `id:` and `retry:` lines; one that had only those is gone.
    fn rewrite(&mut self, block: &[u8], event: &Event) {
        let run = self.run;
        let out = self.broken.get_or_insert_with(|| BytesMut::from(&block[..run]));
        for line in block[event.whole.clone()].split_inclusive(|&byte| byte == b'\n') {
            if !line.starts_with(b"id:") && !line.starts_with(b"retry:") {
                out.extend_from_slice(line);
            }
        }
    }

    fn into_bytes(self, block: Bytes) -> Bytes {
        match self.broken {
            Some(bytes) => bytes.freeze(),
            None => block.slice(..self.run),
        }
    }
}
