//! A streamed answer as a service sends it: server-sent events of the chat dialect, one word at a time,
//! with whatever goes wrong on the way. It knows no limits but its own; those who listen have theirs.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::time::Sleep;

use crate::service::Slot;
use crate::text::Question;
use crate::trouble::{Break, Broken, STALL};

/// The connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reset;

/// An answer on its way.
pub(crate) struct Speech {
    question: Question,
    telling: u16,
    usage: bool,
    place: u32,
    due: Instant,
    timer: Pin<Box<Sleep>>,
    broken: Option<(Broken, u32)>,
    /// Given back at the end.
    slot: Option<Slot>,
}

impl Speech {
    pub(crate) fn new(
        question: Question,
        telling: u16,
        usage: bool,
        begins: Instant,
        broken: Option<Break>,
        slot: Slot,
    ) -> Self {
        // After at least one word, and before the last.
        let place = |at: f64| 1 + (at * f64::from(question.words - 1)) as u32;
        let broken = broken.map(|broken| (broken.how, place(broken.at)));
        let timer = Box::pin(tokio::time::sleep_until(begins.into()));
        Self { question, telling, usage, place: 0, due: begins, timer, broken, slot: Some(slot) }
    }

    /// The next read; `None` at the end, whether it is a good one or not.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Reset>>> {
        let Some(slot) = &self.slot else { return Poll::Ready(None) };
        ready!(self.timer.as_mut().poll(cx));
        if slot.is_down() {
            self.slot = None;
            return Poll::Ready(Some(Err(Reset)));
        }
        match self.broken {
            Some((Broken::Reset, place)) if place == self.place => {
                self.slot = None;
                return Poll::Ready(Some(Err(Reset)));
            }
            Some((Broken::CleanEnd, place)) if place == self.place => {
                self.slot = None;
                return Poll::Ready(None);
            }
            Some((Broken::Stall, place)) if place == self.place => {
                self.broken = None;
                self.wait(STALL);
                return self.poll_read(cx);
            }
            _ => {}
        }
        let bytes = self.read();
        if self.place == self.question.words {
            self.slot = None;
        } else {
            self.place += 1;
            self.wait(self.question.gap);
        }
        Poll::Ready(Some(Ok(bytes)))
    }

    fn wait(&mut self, pause: std::time::Duration) {
        self.due += pause;
        self.timer.as_mut().reset(self.due.into());
    }

    /// The events that are due now: the role with the first word, a word, or everything that closes an
    /// answer.
    fn read(&self) -> Bytes {
        const CLOSED: &[u8] = b"}\n\n";
        let mut out = Vec::with_capacity(384);
        if self.place == 0 {
            self.open(&mut out);
            out.extend_from_slice(
                br#""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#,
            );
            out.extend_from_slice(CLOSED);
        }
        self.open(&mut out);
        if self.place < self.question.words {
            out.extend_from_slice(br#""choices":[{"index":0,"delta":{"content":""#);
            self.question.tell(self.telling, self.place, &mut out);
            out.extend_from_slice(br#""},"finish_reason":null}]"#);
            out.extend_from_slice(CLOSED);
            return out.into();
        }
        out.extend_from_slice(br#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#);
        out.extend_from_slice(CLOSED);
        if self.usage {
            self.open(&mut out);
            let Question { prompt_tokens: asked, answer_tokens: said, .. } = self.question;
            let all = asked + said;
            let tokens =
                format!(r#""prompt_tokens":{asked},"completion_tokens":{said},"total_tokens":{all}"#);
            out.extend_from_slice(br#""choices":[],"usage":{"#);
            out.extend_from_slice(tokens.as_bytes());
            out.push(b'}');
            out.extend_from_slice(CLOSED);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        out.into()
    }

    /// What every event of one answer begins with.
    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"data: {"id":"chatcmpl-"#);
        let digits = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1]
            .map(|unit| b'0' + (self.question.number / unit % 10) as u8);
        out.extend_from_slice(&digits);
        out.extend_from_slice(br#"","object":"chat.completion.chunk","created":1,"model":"m","#);
    }
}
