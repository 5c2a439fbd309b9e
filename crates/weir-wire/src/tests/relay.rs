//! The relay: what reaches the caller of an answer that took several attempts.

mod any_break;
mod bounds;
mod caller;
mod chat;
mod holds;
mod legacy;
mod messages;
mod requests;
mod service;
mod tokens;

use bytes::Bytes;
use weir_core::{Class, Envelope, Failure, Operation, Rung};

use self::caller::Caller;
use crate::dialect::format;
use crate::envelope;
use crate::relay::{Delivered, Holds, Relay};
use crate::stream::StreamReader;

const HOLDS: Holds = Holds { tool_calls: true, structured: true, text_bytes_max: 1 << 20 };
const NO_HOLDS: Holds = Holds { tool_calls: false, structured: false, text_bytes_max: 1 << 20 };

/// One answer on its way to one caller, as the pipeline drives it.
struct Call {
    operation: Operation,
    envelope: Envelope,
    relay: Relay,
    caller: Caller,
}

impl Call {
    fn new(operation: Operation, body: &str, holds: Holds) -> Self {
        let (_, envelope) = envelope::read(operation, Bytes::from(body.to_owned())).unwrap();
        let relay = Relay::new(operation, &envelope, holds).unwrap();
        Self { operation, envelope, relay, caller: Caller::default() }
    }

    fn chat(body: &str) -> Self {
        Self::new(Operation::Chat, body, HOLDS)
    }

    /// Reads that the service sends; the stream is still open after them.
    fn reads(&mut self, reads: &[impl AsRef<str>]) -> Result<(), Failure> {
        let mut reader = StreamReader::new(format(self.operation).unwrap(), true);
        for read in reads {
            let Some(chunk) = reader.push(Bytes::from(read.as_ref().to_owned()))? else { continue };
            if let Some(chunk) = self.relay.push(chunk)? {
                self.caller.take(&chunk);
            }
            if self.relay.is_over() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads that the service sends before it ends its stream well.
    fn whole(&mut self, reads: &[impl AsRef<str>]) -> Result<(), Failure> {
        self.reads(reads)?;
        if let Some(chunk) = self.relay.finish()? {
            self.caller.take(&chunk);
        }
        Ok(())
    }

    /// Reads after which the stream breaks. Says what was delivered.
    fn cut(&mut self, reads: &[impl AsRef<str>]) -> Delivered {
        self.reads(reads).unwrap();
        self.relay.broke()
    }

    /// The next attempt's request.
    fn resume(&mut self, rung: Rung) -> serde_json::Value {
        let envelope = self.relay.resume(rung, &self.envelope);
        serde_json::from_slice(&envelope.body).unwrap()
    }
}

/// The attempt could not be joined, and nothing of it was given.
fn refused(call: &mut Call, reads: &[impl AsRef<str>]) {
    let pings_aside = |bytes: &str| bytes.replace("event: ping\ndata: {\"type\":\"ping\"}\n\n", "");
    let before = pings_aside(&call.caller.bytes);
    let failure = call.whole(reads).expect_err("the attempt is not the answer that broke off");
    assert_eq!(failure.class, Class::Truncated);
    assert_eq!(pings_aside(&call.caller.bytes), before);
}
