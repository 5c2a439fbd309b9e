//! The mock's faults over real sockets, in both dialects: each has its class, and none passes for an answer.

use weir_core::{Class, Operation, Request};
use weir_testkit::with_header;

use super::{call, messages, mock, plain, stream, text, timers};

async fn check_before(fault: &str, request: Request, limit_ms: u64, expected: Class) {
    let mock = mock(&format!(r#"{{"rules":[{{{fault}}}]}}"#)).await;
    match call(&mock, &request, timers(limit_ms, limit_ms)).await {
        Ok(begun) => panic!("{fault}: began with {:?}", begun.head.status),
        Err(failure) => assert_eq!(failure.class, expected, "{fault}: {}", failure.message),
    }
}

/// Faults before anything of an answer: each is an error with its class, and nothing has been given out.
#[tokio::test]
async fn faults_before_the_answer_have_their_class() {
    let check = async |fault: &str, make: fn() -> Request, expected: Class| {
        check_before(fault, make(), 5_000, expected).await;
    };
    let keep_alive = |fault| format!(r#""fault":"{fault}","delay_ms":50,"keep_alive_ms":10"#);
    for make in [stream, plain, || messages(true), || messages(false)] {
        check(r#""fault":"status","status":503"#, make, Class::Overload).await;
        check(r#""fault":"status","status":500"#, make, Class::Hard).await;
        check(r#""fault":"reset""#, make, Class::Hard).await;
        check(r#""fault":"close""#, make, Class::Hard).await;
        check(r#""fault":"html_200""#, make, Class::Hard).await;
        check(r#""fault":"quota""#, make, Class::Quota).await;
        check(r#""fault":"auth""#, make, Class::Auth).await;
        check(r#""fault":"context_length""#, make, Class::ContextLength).await;
        check(&keep_alive("keepalive_then_close"), make, Class::Truncated).await;
        check(&keep_alive("error_after_committed_200"), make, Class::Overload).await;
    }
    for make in [stream, plain] {
        // Anthropic's dialect has no code for it.
        check(r#""fault":"content_filter_400""#, make, Class::ContentFilter).await;
    }
    for make in [stream, || messages(true)] {
        check(r#""fault":"error_event_first""#, make, Class::Overload).await;
        check(r#""fault":"clean_eof","after_tokens":0"#, make, Class::Truncated).await;
        check(r#""fault":"empty_200""#, make, Class::Truncated).await;
        check(r#""fault":"blank_200","delay_ms":10"#, make, Class::Truncated).await;
    }
    for make in [plain, || messages(false)] {
        check(r#""fault":"empty_200""#, make, Class::Hard).await;
        check(r#""fault":"blank_200","delay_ms":10"#, make, Class::Hard).await;
        check(r#""fault":"cut_rst_after","after_tokens":3"#, make, Class::Truncated).await;
        check(r#""fault":"insufficient_system_resource""#, make, Class::Truncated).await;
    }
}

#[tokio::test]
async fn services_that_do_not_begin_are_cut_whatever_they_do_meanwhile() {
    for make in [stream, plain, || messages(true), || messages(false)] {
        for fault in [
            r#""fault":"silence""#,
            r#""fault":"slow_first_token","delay_ms":3000"#,
            r#""fault":"keepalive_then_tokens","delay_ms":3000,"keep_alive_ms":10"#,
            r#""fault":"stall_after_tokens","after_tokens":0"#,
        ] {
            check_before(fault, make(), 100, Class::Deadline).await;
        }
    }
}

/// Faults in the middle: what came is given out, and the end is a failure, never a clean one.
#[tokio::test]
async fn a_dead_stream_ends_in_a_failure() {
    let check = async |fault: &str, expected: Class| {
        for request in [stream(), messages(true)] {
            let mock = mock(&format!(r#"{{"rules":[{{{fault},"after_tokens":5}}]}}"#)).await;
            // Tokens one by one: an error that shares a read with the first token is an error before the answer.
            let request = with_header(request, "x-mock-itl-ms", "5");
            let (text, failure) = text(call(&mock, &request, timers(5000, 150)).await.unwrap()).await;
            let failure = failure.unwrap_or_else(|| panic!("{fault}: ended cleanly after {text}"));
            assert_eq!(failure.class, expected, "{fault}: {}", failure.message);
            let (whole, begun) = match request.operation {
                Operation::Messages => ("message_stop", "_delta\""),
                _ => ("[DONE]", "\"delta\""),
            };
            assert!(!text.contains(whole) && text.contains(begun), "{fault}: {text}");
        }
    };
    check(r#""fault":"cut_fin_after""#, Class::Truncated).await;
    check(r#""fault":"cut_rst_after""#, Class::Truncated).await;
    check(r#""fault":"clean_eof""#, Class::Truncated).await;
    check(r#""fault":"stall_after_tokens""#, Class::Timeout).await;
    check(r#""fault":"stall_after_tokens","keep_alive_ms":20"#, Class::Timeout).await;
    check(r#""fault":"reasoning_stall""#, Class::Timeout).await;
    check(r#""fault":"reasoning_stall","keep_alive_ms":20"#, Class::Timeout).await;
    check(r#""fault":"error_event_after""#, Class::Overload).await;
    check(r#""fault":"insufficient_system_resource""#, Class::Truncated).await;
}
