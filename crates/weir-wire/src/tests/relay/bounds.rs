//! No bytes make a relay panic, whatever was delivered and however it goes on.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use weir_core::{Chunk, Finish, Operation, Prefill, Rung};

use super::service::{Block, Writes};
use super::{HOLDS, NO_HOLDS};
use crate::relay::{Holds, Relay};

const RUNGS: [Rung; 7] = [
    Rung::Fresh,
    Rung::Replay,
    Rung::Instructed,
    Rung::Prefill(Prefill::Prefix),
    Rung::Prefill(Prefill::Partial),
    Rung::Prefill(Prefill::ContinueFinalMessage),
    Rung::Prefill(Prefill::Trailing),
];

const BODY: &str = r#"{"model":"m","prompt":"go","messages":[{"role":"user","content":"go"}],"stop":["END","\n\n"],"stop_sequences":["END"]}"#;

/// Arbitrary bytes, events out of order, and events with a byte changed.
fn chunk() -> impl Strategy<Value = Chunk> {
    let writes = Writes { ascii: true, lengths: vec![2], ..Writes::plainly(1) };
    let mut events = writes.chat("so", "a😀END\\ and \"more\"");
    events.extend(writes.message(&[
        Block::Thinking("so"),
        Block::Text("a😀END"),
        Block::Tool("{}"),
        Block::Text("b"),
    ]));
    events.push(writes.delta(r#""tool_calls":[{"index":0}]"#));
    events.push("data: {\"choices\":[{\"text\":\"a\"}]}\n\n".to_owned());
    events.push(": comment\n\n".to_owned());
    let event = prop::sample::select(events);
    let known = event.clone().prop_map(String::into_bytes);
    let changed = (event, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(event, at, byte)| {
        let mut bytes = event.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    let bytes = prop_oneof![4 => known, 2 => changed, 1 => any::<Vec<u8>>()];
    (vec(bytes, 0..4), prop::option::of(Just(Finish::Whole))).prop_map(|(bytes, finish)| Chunk {
        bytes: Bytes::from(bytes.concat()),
        finish,
        ..Chunk::default()
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        attempts in vec((vec(chunk(), 0..8), prop::sample::select(RUNGS.to_vec()), any::<bool>()), 1..4),
        (holds, bound) in (any::<bool>(), 0_usize..400),
    ) {
        for operation in [Operation::Chat, Operation::Completions, Operation::Messages] {
            let (_, envelope) = crate::envelope::read(operation, BODY.into()).unwrap();
            let holds = Holds { text_bytes_max: bound, ..if holds { HOLDS } else { NO_HOLDS } };
            let mut relay = Relay::new(operation, &envelope, holds).unwrap();
            for (chunks, rung, ends) in &attempts {
                for chunk in chunks {
                    let _either = relay.push(chunk.clone());
                }
                if *ends {
                    let _either = relay.finish();
                }
                relay.broke();
                let can = relay.can(*rung);
                let next = relay.resume(*rung, &envelope);
                prop_assert!(can || next.body == envelope.body);
            }
        }
    }
}

#[test]
fn what_cannot_be_continued_is_refused_however_it_is_tried() {
    let writes = Writes::plainly(1);
    let mut call = super::Call::new(Operation::Chat, BODY, NO_HOLDS);
    call.cut(&[writes.delta(r#""tool_calls":[{"index":0}]"#)]);
    for rung in RUNGS {
        assert!(!call.relay.can(rung), "{rung:?}");
        call.resume(rung);
        super::refused(&mut call, &writes.chat("", "Hello"));
    }
}
