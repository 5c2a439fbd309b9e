//! Complaints of stampedes: many who ask for the same at once, and one of them who is slow.

use crate::house::{Caller, Service, Weir};
use crate::redis::eventually;

use super::keys::question;

const CHAT: &str = "/v1/chat/completions";
/// Enough tokens for more megabytes of events than the sockets between two processes take.
const LONG: &str = r#","stream":true,"x-mock-tokens":60000"#;

/// msqd/harp#947: 50 clients made 47 calls.
#[test]
fn harp_947_fifty_clients_are_one_call() {
    for more in ["", r#","stream":true"#] {
        let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":300}"#);
        let weir = Weir::before(&[&service], "");
        let body = question(more);
        let bodies: Vec<_> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..50).map(|_| scope.spawn(|| weir.chat(&body))).collect();
            callers.into_iter().map(|caller| caller.join().unwrap().body).collect()
        });
        assert_eq!(service.log().len(), 1);
        assert!(bodies.iter().all(|body| body.len() > 100));
    }
}

/// Envoy#34595: who came first read slowly, and all others with it. Here the first reads its head and no more, of an answer
/// that no buffer takes whole, and the next has all of it.
#[test]
fn envoy_34595_a_slow_leader_starves_nobody() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let mut leader = Caller::to(&weir.data).send("POST", CHAT, &[], &question(LONG));
    leader.until("\r\n\r\n");
    let follower = weir.chat(&question(LONG));
    assert_eq!(service.log().len(), 1);
    assert!(follower.header("x-cache") == "COALESCED" || follower.header("x-cache") == "HIT-memory");
    assert!(follower.whole && follower.body.ends_with("data: [DONE]\n\n"));
    assert!(follower.body.len() > 8 << 20, "{} bytes are too few to hold anybody up", follower.body.len());
    drop(leader);
}

/// moka#240: a call that was made within the first caller's request stood still, for all, when nobody polled that.
#[test]
fn moka_240_who_came_first_may_leave_before_anything_came() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":2000}"#);
    let weir = Weir::before(&[&service], "");
    let in_flight = |count: &str| {
        let line = format!("weir_requests_in_flight {count}");
        eventually("they are in", || weir.admin("/metrics").body.lines().any(|found| found == line));
    };
    let ask = || Caller::to(&weir.data).send("POST", CHAT, &[], &question(""));
    let leader = ask();
    in_flight("1");
    let follower = ask();
    in_flight("2");
    drop(leader);
    let follower = follower.read();
    assert_eq!((follower.status, follower.header("x-cache")), (200, "COALESCED"), "{}", follower.body);
    assert_eq!(service.log().len(), 1);
}
