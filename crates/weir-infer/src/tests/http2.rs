//! HTTP/2: calls spread over connections, and calls that a service says it never began.

use weir_core::{Class, Failure};
use weir_mock::FaultPlan;

use super::frames::{INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, Reaction, Service, answer, goaway, reset};
use super::{clock, infer, mock, plain, stream, target, text, timers};
use crate::{Begun, Infer, config};

fn reaction(frames: Vec<u8>) -> Reaction {
    Reaction { frames, closes: false }
}

async fn call(infer: &Infer, base: &str) -> Result<Begun, Failure> {
    let request = plain();
    infer.call(&request, &target(base, &request, true), timers(5_000, 5_000)).await
}

#[tokio::test]
async fn streams_are_spoken_over_http2_without_tls_when_asked_for() {
    let mock = mock(r#"{"rules":[]}"#).await;
    let (base, request) = (format!("{}/v1", mock.base_url()), stream());
    let begun = infer().call(&request, &target(&base, &request, true), timers(5_000, 5_000)).await.unwrap();
    let (text, failure) = text(begun).await;
    assert!(failure.is_none() && text.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_call_that_the_service_never_began_is_told_apart_from_one_that_broke() {
    let check = async |react: fn(usize, u32) -> Reaction, expected: (Class, bool)| {
        let service = Service::start(react).await;
        let failure = call(&infer(), &service.base).await.unwrap_err();
        assert_eq!((failure.class, failure.sent), expected, "{}", failure.message);
    };
    check(|_, id| reaction(reset(id, REFUSED_STREAM)), (Class::Unprocessed, false)).await;
    check(|_, _| reaction(goaway(0, NO_ERROR)), (Class::Unprocessed, false)).await;
    check(|_, _| reaction(goaway(0, INTERNAL_ERROR)), (Class::Unprocessed, false)).await;
    check(|_, id| reaction(reset(id, INTERNAL_ERROR)), (Class::Hard, true)).await;
    let broke = |_, id| Reaction { frames: goaway(id, NO_ERROR), closes: true };
    check(broke, (Class::Hard, true)).await;
    check(|_, _| Reaction { frames: Vec::new(), closes: true }, (Class::Hard, true)).await;
}

#[tokio::test]
async fn a_service_that_goes_away_answers_what_it_began_and_the_rest_was_not_begun() {
    let config = config::Attempts { http2_connections: 1, ..config::Attempts::default() };
    let infer = Infer::new(clock(), &config, false).unwrap();
    // The first request waits for the second, whose arrival makes the service go away.
    let service = Service::start(|nth, id| match nth {
        0 => reaction(Vec::new()),
        1 => reaction([goaway(id - 2, NO_ERROR), answer(id - 2)].concat()),
        _ => reaction(answer(id)),
    })
    .await;
    let (first, second) = tokio::join!(call(&infer, &service.base), call(&infer, &service.base));
    assert!(first.is_ok(), "{first:?}");
    let failure = second.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Unprocessed, false), "{}", failure.message);
    assert_eq!(service.connections(), 1);
    // The connection is gone; the next call makes its own.
    assert!(call(&infer, &service.base).await.is_ok());
    assert_eq!(service.connections(), 2);
}

#[tokio::test]
async fn calls_are_spread_over_connections() {
    let infer = infer();
    let service = Service::start(|_, id| reaction(answer(id))).await;
    for _call in 0..8 {
        call(&infer, &service.base).await.unwrap();
    }
    assert_eq!(service.connections(), 4, "one after the other");
    let calls = std::array::from_fn::<_, 4, _>(|_| call(&infer, &service.base));
    let [a, b, c, d] = calls;
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    assert!([a, b, c, d].iter().all(Result::is_ok));
    assert_eq!(service.connections(), 4, "at the same time");
}

#[tokio::test]
async fn a_place_on_a_connection_is_given_back_with_the_answer() {
    let config = config::Attempts { http2_connections: 1, ..config::Attempts::default() };
    let infer = Infer::new(clock(), &config, false).unwrap();
    // Every third call fails, every third is dropped unread: a place kept by one of them would open a second connection.
    let service = Service::start(|nth, id| match nth % 3 {
        0 => reaction(reset(id, INTERNAL_ERROR)),
        _ => reaction(answer(id)),
    })
    .await;
    for nth in 0..200 {
        let begun = call(&infer, &service.base).await;
        assert_eq!(begun.is_err(), nth % 3 == 0);
        if nth % 3 == 1 {
            assert!(text(begun.unwrap()).await.1.is_none());
        }
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn a_full_connection_makes_the_next_call_open_another() {
    let config = config::Attempts { http2_connections: 1, ..config::Attempts::default() };
    let infer = Infer::new(clock(), &config, false).unwrap();
    let mock = mock(r#"{"rules":[{"fault":"stall_after_tokens","after_tokens":1}]}"#).await;
    let (base, request) = (format!("{}/v1", mock.base_url()), stream());
    let target = target(&base, &request, true);
    let mut answers = Vec::new();
    for _call in 0..64 {
        answers.push(infer.call(&request, &target, timers(5_000, 5_000)).await.unwrap());
    }
    let service = infer.clients.lanes();
    let authority = mock.addr().to_string().parse().unwrap();
    assert_eq!(service.seat(&authority).lane(), 1);
    drop(answers);
    assert_eq!(service.seat(&authority).lane(), 0);
}

#[tokio::test]
async fn streams_that_break_over_http2_are_broken_answers() {
    let check = async |fault: &str, expected: Class| {
        let mock = mock(r#"{"rules":[]}"#).await;
        mock.set_faults(FaultPlan::parse(&format!(r#"{{"rules":[{{{fault}}}]}}"#)).unwrap());
        let (base, request) = (format!("{}/v1", mock.base_url()), stream());
        let begun = infer().call(&request, &target(&base, &request, true), timers(5_000, 5_000)).await;
        let failure = match begun {
            Ok(begun) => text(begun).await.1.unwrap(),
            Err(failure) => failure,
        };
        assert_eq!((failure.class, failure.sent), (expected, true), "{fault}: {}", failure.message);
    };
    check(r#""fault":"h2_rst_stream""#, Class::Hard).await;
    check(r#""fault":"h2_rst_stream_after","after_tokens":5"#, Class::Truncated).await;
    check(r#""fault":"h2_goaway","after_tokens":5"#, Class::Truncated).await;
    check(r#""fault":"cut_rst_after","after_tokens":5"#, Class::Truncated).await;
}
