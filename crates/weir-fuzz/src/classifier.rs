//! Error answers, with any status, body and headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_core::{Class, Dialect, Failure};
use weir_wire::classify::{in_band, refuses_prefill, reply, retry_after};

use crate::input::Input;

/// The longest wait a service is believed to mean.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// Classes that only weir's own side of a call can tell, never the words of a service.
const OWN: [Class; 6] = [
    Class::OwnLimit,
    Class::Unprocessed,
    Class::Timeout,
    Class::Deadline,
    Class::Truncated,
    Class::PrefillRejected,
];

/// Every error answer has one class, which its status and words decide alone, and asks for an hour at most.
///
/// # Panics
/// One of these does not hold.
pub fn classifier(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let hundreds = 100 * (1 + input.number(9));
    let status = u16::try_from(hundreds + 10 * input.number(10) + input.number(10)).expect("below 1000");
    let status = StatusCode::from_u16(status).expect("between 100 and 999");
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << (2 * input.number(17)));
    let body = Bytes::copy_from_slice(input.record(0));
    let headers = headers(&input);

    let failure = reply(status, &headers, body.clone(), wall);
    check(&failure);
    let again = reply(status, &HeaderMap::new(), body.clone(), SystemTime::UNIX_EPOCH);
    assert_eq!(failure.class, again.class, "the headers or the clock decide the class");
    assert_eq!(failure.message, again.message);
    assert_eq!(failure.reply.as_ref().map(|reply| &reply.body), Some(&body), "the reply is kept as it came");
    assert!(failure.sent);
    let refused = refuses_prefill(&failure);
    assert!(!refused || matches!(status.as_u16(), 400 | 422), "{status} refuses a beginning");

    let wait = retry_after(&headers, wall);
    assert_eq!(wait, failure.retry_after);
    assert!(wait.is_none_or(|wait| wait <= WAIT_MAX), "{wait:?} is too long to be believed");

    let text = String::from_utf8_lossy(&body);
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let failure = in_band(dialect, &text);
        check(&failure);
        assert_eq!(failure.class, in_band(dialect, &text).class);
        assert_eq!(failure.reply.is_some(), failure.class.is_the_callers(), "{:?}", failure.class);
        if let Some(reply) = failure.reply {
            let readable = serde_json::from_slice::<serde_json::Value>(&reply.body);
            assert!(readable.is_ok_and(|body| body["error"].is_object()), "a caller could not read it");
            assert!((400..600).contains(&reply.status.as_u16()), "{} is no error", reply.status);
        }
    }
}

fn check(failure: &Failure) {
    assert!(!OWN.contains(&failure.class), "a service cannot say {:?}", failure.class);
}

/// The second and third record as the two headers that ask to wait, unless they cannot stand in one.
fn headers(input: &Input<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (at, name) in [(1, "retry-after"), (2, "retry-after-ms"), (3, "content-type")] {
        if let Ok(value) = HeaderValue::from_bytes(input.record(at)) {
            headers.insert(name, value);
        }
    }
    headers
}
