//! Answers that depend on more than their request are not kept, whatever the mode.

use weir_core::{Finish, Request};

use super::{cache, is_known, request, run, tenant};
use crate::config::Mode;

fn is_kept(request: &Request) -> bool {
    let cache = cache(Mode::All);
    run(&cache, &tenant(1), request, Some(Finish::Whole));
    is_known(&cache, request)
}

#[test]
fn content_that_lies_elsewhere_may_change() {
    let with = |part: &str| {
        request(&format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#))
    };
    for part in [
        r#"{"type":"image_url","image_url":{"url":"https://example.com/cam.jpg"}}"#,
        r#"{"type":"image_url","image_url" : { "url" : "HTTPS://example.com/cam.jpg" } }"#,
        r#"{"type":"input_image","image_url":"http://example.com/cam.jpg"}"#,
        r#"{"type":"input_file","file_url":"https://example.com/a.pdf"}"#,
        r#"{"type":"image","source":{"type":"url","url":"https://example.com/cam.jpg"}}"#,
    ] {
        assert!(!is_kept(&with(part)), "{part}");
    }
    for part in [
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#,
        r#"{"type":"text","text":"write {\"url\": \"https://example.com\"} as YAML"}"#,
        r#"{"type":"text","text":"https://example.com"}"#,
    ] {
        assert!(is_kept(&with(part)), "{part}");
    }
}

#[test]
fn what_runs_at_the_service_is_not_repeated_from_memory() {
    let with = |extra: &str| request(&format!(r#"{{"model":"m","messages":[],{extra}}}"#));
    for extra in [
        r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#,
        r#""tools":[{"type":"function","function":{}},{"type":"code_interpreter"}]"#,
        r#""tools":[{"type":"mcp","server_url":"https://example.com"}]"#,
        r#""tools":{"odd":1}"#,
        r#""tools":[],"tools":[{"type":"web_search"}]"#,
        r#""web_search_options":{}"#,
        r#""enable_search":true"#,
        r#""mcp_servers":[{"url":"https://example.com"}]"#,
    ] {
        assert!(!is_kept(&with(extra)), "{extra}");
    }
    for extra in [
        r#""tools":[{"type":"function","function":{"name":"f"}}]"#,
        r#""tools":[{"name":"f","input_schema":{}},{"type":"custom","name":"g"}]"#,
        r#""tools":null"#,
        r#""enable_search":false"#,
        r#""mcp_servers":[]"#,
    ] {
        assert!(is_kept(&with(extra)), "{extra}");
    }
}
