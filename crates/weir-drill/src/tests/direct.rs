//! Drills without a gateway: the caller speaks to the misbehaving service itself, so a fault must show as
//! what it is.

use tokio::net::TcpListener;
use weir_mock::{Mock, Options};

use super::{case, clock};
use crate::judge::Verdict;
use crate::run::{Stage, run};
use crate::upstream::{Trouble, Upstream};

async fn mock() -> Mock {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Mock::start(listener, Options { models: Vec::new(), ..Options::default() }).await.unwrap()
}

fn stage(gateway: &str, primary: &Mock, fallback: &Mock) -> Stage {
    Stage {
        gateway: gateway.to_owned(),
        model: "drill".to_owned(),
        key: None,
        primary: Upstream::new(&primary.base_url()).unwrap(),
        fallback: Upstream::new(&fallback.base_url()).unwrap(),
        mark: "test".to_owned(),
    }
}

async fn check(id: &str, expected: Verdict, says: &str) {
    let (primary, fallback) = tokio::join!(mock(), mock());
    let report = run(&case(id), &stage(&primary.base_url(), &primary, &fallback), clock()).await.unwrap();
    assert_eq!((report.verdict, report.reason.contains(says)), (expected, true), "{report:?}");
    assert_eq!((report.primary, report.fallback), (1, 0), "{report:?}");
}

#[tokio::test]
async fn each_fault_shows_as_what_it_is() {
    tokio::join!(
        check("S03", Verdict::Safe, "status 500"),
        check("S05", Verdict::Fail, "without a word"),
        check("S08", Verdict::Fail, "without a word"),
        check("S10", Verdict::Fail, "no JSON"),
        check("S11", Verdict::Partial, "mark of the end"),
        check("S12", Verdict::Safe, "context_length_exceeded"),
        check("S13", Verdict::Pass, "explicit error"),
        check("X05-messages-stream", Verdict::Fail, "truncated, and ends in good order"),
        check("X05-chat-plain", Verdict::Fail, "no JSON"),
        check("X07-messages-plain", Verdict::Safe, "overloaded_error"),
        check("X06-chat-plain", Verdict::Fail, "`insufficient_system_resource`"),
        check("X07-messages-stream", Verdict::Safe, "overloaded_error"),
        check("X08-chat-stream", Verdict::Safe, "503"),
        check("X11-chat-plain", Verdict::Fail, "no JSON"),
        check("X15-messages-stream", Verdict::Fail, "without a word"),
        check("X16-chat-plain", Verdict::Fail, "without a word"),
        check("X29-chat-stream", Verdict::Fail, "no JSON"),
        check("X29-messages-stream", Verdict::Fail, "no JSON"),
    );
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_no_verdict() {
    let (primary, fallback) = tokio::join!(mock(), mock());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let tried = run(&case("S08"), &stage(&nowhere, &primary, &fallback), clock()).await;
    assert!(matches!(tried, Err(Trouble::Gateway(why)) if why.contains("cannot connect")));
    let stage = Stage { primary: Upstream::new(&nowhere).unwrap(), ..stage(&nowhere, &primary, &fallback) };
    assert!(matches!(run(&case("S08"), &stage, clock()).await, Err(Trouble::Mock { .. })));
    assert!(Upstream::new("https://example.org").is_err() && Upstream::new("127.0.0.1:1").is_err());
}
