//! What the service does wrong before the answer is invisible, within four attempts; after them the truth is told.

use crate::house::{PLAIN, STREAM, Service, Weir};

#[test]
fn a_fault_before_the_answer_is_repaired_on_another_service() {
    for fault in [
        r#""fault":"status","status":503"#,
        r#""fault":"status","status":500"#,
        r#""fault":"status","status":429,"retry_after":"20""#,
        r#""fault":"reset""#,
        r#""fault":"close""#,
        r#""fault":"html_200""#,
        r#""fault":"empty_200""#,
        r#""fault":"error_event_first","stream":true"#,
        r#""fault":"quota""#,
        r#""fault":"auth""#,
    ] {
        let (sick, sound) = (Service::with(&format!("{{{fault}}}")), Service::with(""));
        let weir = Weir::before(&[&sick, &sound], "");
        for body in [PLAIN, STREAM] {
            let reply = weir.chat(body);
            assert!(reply.status == 200 && reply.whole, "{fault}: {} {}", reply.status, reply.body);
        }
        assert!(!sick.log().is_empty() && !sound.log().is_empty(), "{fault}");
    }
}

#[test]
fn a_single_service_is_asked_again() {
    let service = Service::with(r#"{"fault":"status","status":503,"times":3}"#);
    let weir = Weir::before(&[&service], "[attempts]\nbackoff_ms = 10\n");
    let reply = weir.chat(PLAIN);
    assert_eq!((reply.status, reply.header("x-weir-attempts")), (200, "4"));
}

#[test]
fn after_six_attempts_at_one_full_service_the_caller_hears_the_truth_and_is_told_not_to_repeat() {
    let service = Service::with(r#"{"fault":"status","status":503}"#);
    let weir = Weir::before(&[&service], "[attempts]\nbackoff_ms = 10\n");
    let reply = weir.chat(PLAIN);
    assert_eq!((reply.status, reply.header("x-should-retry")), (503, "false"));
    assert_eq!(reply.json()["error"]["code"], "weir_all_upstreams_down");
    assert_eq!(service.log().len(), 6);
    let body = PLAIN.replace("}]}", "}],\"max_tokens\":9}");
    let reply = weir.post("/v1/messages", &[], &body);
    assert_eq!((reply.status, reply.json()["error"]["type"].as_str()), (529, Some("overloaded_error")));
}

#[test]
fn retry_after_is_obeyed_on_the_only_service() {
    let service = Service::with(r#"{"fault":"status","status":429,"retry_after_ms":300,"times":1}"#);
    let weir = Weir::before(&[&service], "[attempts]\nbackoff_ms = 1\n");
    assert_eq!(weir.chat(PLAIN).status, 200);
    let log = service.log();
    let gap = log[1].started_ms - log[0].started_ms;
    assert!(gap >= 299, "the second attempt came after {gap} ms");
}

#[test]
fn the_callers_mistakes_come_back_in_the_services_words_and_once() {
    for (fault, status) in [("content_filter_400", 400), ("context_length", 400)] {
        let service = Service::with(&format!(r#"{{"fault":"{fault}"}}"#));
        let weir = Weir::before(&[&service], "");
        let reply = weir.chat(PLAIN);
        assert_eq!(reply.status, status);
        assert_eq!(service.log().len(), 1, "{fault}");
        assert!(!reply.body.contains("weir_"), "{}", reply.body);
    }
}

#[test]
fn a_content_filters_answer_is_not_routed_around() {
    let (first, second) = (Service::with(r#"{"fault":"content_filter_400"}"#), Service::with(""));
    let weir = Weir::before(&[&first, &second], "");
    assert_eq!(weir.chat(PLAIN).status, 400);
    assert!(second.log().is_empty());
}

#[test]
fn a_slow_first_token_moves_to_another_service() {
    let slow = Service::with(r#"{"fault":"silence"}"#);
    let quick = Service::with("");
    let weir = Weir::before(&[&slow, &quick], "[attempts]\nfirst_token_ms = 200\n");
    let reply = weir.chat(STREAM);
    assert_eq!((reply.status, reply.header("x-weir-endpoint")), (200, "s1"));
}

#[test]
fn a_service_that_is_not_there_is_moved_past() {
    let gone =
        "[[endpoint]]\nname = \"gone\"\nbase_url = \"http://127.0.0.1:9\"\nmodels = [\"deepseek-flash\"]\n";
    let sound = Service::with("");
    let pool = "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"gone\"]\nfallback = [\"here\"]\n";
    let weir = Weir::start(&format!("{gone}{}{pool}", sound.endpoint("here")));
    let reply = weir.chat(PLAIN);
    assert_eq!((reply.status, reply.header("x-weir-attempts")), (200, "2"));
}
