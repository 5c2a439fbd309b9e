//! A caller who leaves: the call to the service ends at once, wherever it was.

use std::time::Duration;

use weir_mock::{FaultPlan, LogEntry, Mock};

use super::{clock, infer, mock, stream, target, timers};

/// How soon the service knows. A slot at DeepSeek is held until then.
const SOON: Duration = Duration::from_millis(100);
/// A busy machine may keep this test from running for longer than that: the quickest of so many counts.
const TRIES: usize = 4;

async fn until(mock: &Mock, seen: impl Fn(&LogEntry) -> bool) {
    let seen = async {
        while !mock.log().last().is_some_and(&seen) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), seen).await.expect("the mock sees it");
}

/// How long the service takes to see that the caller left in the middle of this.
async fn seen_after(fault: &str, http2: bool, answered: bool, begun: bool) -> Duration {
    let mock = mock(r#"{"rules":[]}"#).await;
    mock.set_faults(FaultPlan::parse(&format!(r#"{{"rules":[{{{fault}}}]}}"#)).unwrap());
    let (base, request, infer) = (format!("{}/v1", mock.base_url()), stream(), infer());
    let target = target(&base, &request, http2);
    let mut call = Box::pin(infer.call(&request, &target, timers(20_000, 20_000)));
    let answer = if begun {
        Some(call.as_mut().await.unwrap())
    } else {
        tokio::select! {
            biased;
            begun = call.as_mut() => panic!("{fault}: {begun:?}"),
            () = until(&mock, |entry| entry.fault.is_some() && entry.status.is_some() == answered) => None,
        }
    };
    let left = clock().now();
    drop((call, answer));
    until(&mock, |entry| entry.ended.is_some()).await;
    clock().now() - left
}

#[tokio::test]
async fn the_service_sees_it_at_once() {
    for http2 in [false, true] {
        let check = async |fault: &str, answered: bool, begun: bool| {
            let mut quickest = Duration::MAX;
            for _try in 0..TRIES {
                quickest = quickest.min(seen_after(fault, http2, answered, begun).await);
                if quickest <= SOON {
                    return;
                }
            }
            panic!("{fault}, http2 {http2}: seen after {quickest:?}");
        };
        check(r#""fault":"silence""#, false, false).await;
        check(r#""fault":"keepalive_then_tokens","delay_ms":60000,"keep_alive_ms":5"#, true, false).await;
        check(r#""fault":"slow_first_token","delay_ms":60000"#, true, false).await;
        check(r#""fault":"stall_after_tokens","after_tokens":2"#, true, true).await;
    }
}
