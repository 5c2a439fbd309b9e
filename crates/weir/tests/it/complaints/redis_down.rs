//! The complaint that a Redis which is down takes the gateway down with it.

use std::time::{Duration, Instant};

use crate::house::{Service, Weir};
use crate::redis::{Server, looked};

use super::keys::{question, state};

/// LiteLLM PR 35273: without a time limit on the socket each request hung, the breaker never saw a failure and so never
/// opened, and the probes were green meanwhile. Here the same Redis: it takes connections and never answers.
#[test]
fn litellm_35273_a_frozen_redis_hangs_nobody_and_is_passed_over() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    let ask = |number: usize| state(&weir.chat(&question(&format!(",\"seed\":{number}")))).to_owned();
    assert_eq!(ask(0), "MISS");
    server.holds(1);
    server.signal("STOP");
    let begun = Instant::now();
    for number in 1..=60 {
        assert_eq!(ask(number), "MISS");
        for probe in ["/healthz", "/readyz"] {
            assert_eq!(weir.admin(probe).status, 200, "{probe} while it can serve");
        }
    }
    let took = begun.elapsed();
    let (waited, skipped) = (looked(&weir, "error"), looked(&weir, "skipped"));
    assert_eq!(waited + skipped, 60);
    assert!(waited >= 5 && skipped > 2 * waited, "the breaker is open: {waited} waited, {skipped} did not");
    // A machine with other work is given some more than 50 ms for each that waited; a socket without a limit takes for ever.
    assert!(took < Duration::from_secs(20), "{took:?}");
    // Writes that cannot be made hold up nobody either, and what memory has is given.
    assert_eq!(ask(60), "HIT-memory");
    server.signal("CONT");
}
