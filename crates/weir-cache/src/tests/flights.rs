//! Those who ask for the same at the same time share one call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use weir_core::{Chunk, ChunkStream, Class, Failure, Head, Kind, Priority, Rejection, Usage};

use crate::flight::{Begun, FlightKey, Flights, Lead, Listener, Unanswered};

const KEY: FlightKey = FlightKey::new([1; 32], (true, false), (Priority::LAST, true));

fn leads(flights: &Arc<Flights>, key: FlightKey) -> (Lead, Listener) {
    let (lead, listener) = flights.board(key);
    (lead.expect("nobody came before"), listener)
}

fn follows(flights: &Arc<Flights>) -> Listener {
    let (lead, listener) = flights.board(KEY);
    assert!(lead.is_none(), "a call is under way");
    listener
}

fn chunk(bytes: &'static [u8]) -> Chunk {
    Chunk { bytes: Bytes::from_static(bytes), ..Chunk::default() }
}

/// What can be read now: bytes, and how it ended if it has.
fn read(listener: &mut Listener) -> (Vec<u8>, Option<Result<(), Class>>) {
    let (mut cx, mut bytes) = (Context::from_waker(Waker::noop()), Vec::new());
    loop {
        match Pin::new(&mut *listener).poll_chunk(&mut cx) {
            Poll::Ready(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk.bytes),
            Poll::Ready(Some(Err(failure))) => return (bytes, Some(Err(failure.class))),
            Poll::Ready(None) => return (bytes, Some(Ok(()))),
            Poll::Pending => return (bytes, None),
        }
    }
}

fn is_deserted(lead: &Lead) -> bool {
    lead.poll_deserted(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn of_a_thousand_one_leads_and_all_read_from_the_first_byte() {
    let flights = Arc::new(Flights::default());
    let (lead, mut first) = leads(&flights, KEY);
    let mut others: Vec<_> = (0..500).map(|_| follows(&flights)).collect();
    lead.chunk(chunk(b"one "));
    // Also those who come after the first byte.
    others.extend((500..999).map(|_| follows(&flights)));
    lead.chunk(chunk(b"two"));
    assert_eq!(read(&mut first), (b"one two".to_vec(), None));
    lead.ended(Ok(()));
    assert_eq!(read(&mut first), (Vec::new(), Some(Ok(()))));
    for other in &mut others {
        assert_eq!(read(other), (b"one two".to_vec(), Some(Ok(()))));
    }
    assert_eq!(flights.count(), 0);
}

#[test]
fn a_call_goes_on_until_the_last_listener_has_left() {
    let flights = Arc::new(Flights::default());
    let (lead, first) = leads(&flights, KEY);
    let other = follows(&flights);
    drop(first);
    assert!(!is_deserted(&lead));
    drop(other);
    assert!(is_deserted(&lead));
}

#[tokio::test]
async fn whoever_leads_wakes_when_the_last_listener_leaves_and_listeners_when_something_comes() {
    let flights = Arc::new(Flights::default());
    let (lead, mut listener) = leads(&flights, KEY);
    let leading = async {
        tokio::task::yield_now().await;
        lead.begun(Begun { head: Head::default(), whole: None, degraded: None });
        std::future::poll_fn(|cx| lead.poll_deserted(cx)).await;
    };
    let listening = async {
        assert!(listener.begun().await.is_ok());
        drop(listener);
    };
    tokio::join!(leading, listening);
}

#[test]
fn what_ends_in_an_error_ends_so_for_all_and_nothing_is_left() {
    let flights = Arc::new(Flights::default());
    let (lead, mut listener) = leads(&flights, KEY);
    lead.chunk(chunk(b"half"));
    lead.ended(Err(Failure::new(Class::Timeout, "the stream stalled")));
    assert_eq!(read(&mut listener), (b"half".to_vec(), Some(Err(Class::Timeout))));
    // A panic or a shutdown of the task that led.
    let (lead, mut listener) = leads(&flights, KEY);
    drop(lead);
    assert_eq!(read(&mut listener), (Vec::new(), Some(Err(Class::Hard))));
    assert_eq!(flights.count(), 0);
}

#[tokio::test]
async fn who_waits_for_a_beginning_that_never_comes_is_told() {
    let flights = Arc::new(Flights::default());
    let (lead, mut listener) = leads(&flights, KEY);
    drop(lead);
    assert!(matches!(listener.begun().await, Err(Unanswered::GivenUp)), "no fault of the service's");
    let (lead, mut listener) = leads(&flights, KEY);
    lead.rejected(Rejection::new(Kind::Overloaded, ""));
    let told = listener.begun().await;
    assert!(matches!(told, Err(Unanswered::Rejected(rejection)) if rejection.kind == Kind::Overloaded));
}

#[tokio::test]
async fn only_one_of_those_who_share_a_whole_answer_is_told_what_it_used() {
    let flights = Arc::new(Flights::default());
    let (lead, mut pays) = leads(&flights, KEY);
    let mut free = follows(&flights).free();
    let whole = Some(Chunk { usage: Some(Usage::default()), ..chunk(b"answer") });
    lead.begun(Begun { head: Head::default(), whole, degraded: None });
    let usage = |begun: Result<Begun, Unanswered>| begun.unwrap().whole.unwrap().usage;
    assert_eq!((usage(pays.begun().await), usage(free.begun().await)), (Some(Usage::default()), None));
}

#[test]
fn a_slow_reader_holds_up_nobody_and_is_cut_when_too_far_behind() {
    static MIB: [u8; 1 << 20] = [b'x'; 1 << 20];
    let flights = Arc::new(Flights::default());
    let (lead, mut quick) = leads(&flights, KEY);
    let mut slow = follows(&flights);
    for _ in 0..20 {
        lead.chunk(chunk(&MIB));
        assert_eq!(read(&mut quick).0.len(), 1 << 20);
    }
    assert_eq!(read(&mut slow), (Vec::new(), Some(Err(Class::Hard))));
    lead.ended(Ok(()));
    assert_eq!(read(&mut quick), (Vec::new(), Some(Ok(()))));
}

#[test]
fn requests_that_differ_in_form_urgency_or_patience_do_not_share() {
    let flights = Arc::new(Flights::default());
    let (_lead, _listener) = leads(&flights, KEY);
    for other in [
        FlightKey::new([2; 32], (true, false), (Priority::LAST, true)),
        FlightKey::new([1; 32], (false, false), (Priority::LAST, true)),
        FlightKey::new([1; 32], (true, true), (Priority::LAST, true)),
        FlightKey::new([1; 32], (true, false), (Priority::FIRST, true)),
        FlightKey::new([1; 32], (true, false), (Priority::LAST, false)),
        KEY.again(),
    ] {
        drop(leads(&flights, other));
    }
}
