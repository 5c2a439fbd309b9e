//! Paths and what they mean.

use http::Method;
use weir_core::Operation;

use crate::operation::{Target, target};

fn check(method: Method, path: &str, expected: Target) {
    assert_eq!(target(&method, path), expected, "{method} {path}");
}

fn call(operation: Operation, below: &str) -> Target {
    Target::Call(operation, below.to_owned())
}

#[test]
fn paths_are_known_with_and_without_v1() {
    for prefix in ["", "/v1"] {
        let path = |below: &str| format!("{prefix}{below}");
        check(Method::POST, &path("/chat/completions"), call(Operation::Chat, "/chat/completions"));
        check(Method::POST, &path("/chat/completions/"), call(Operation::Chat, "/chat/completions"));
        check(Method::POST, &path("/messages"), call(Operation::Messages, "/messages"));
        check(Method::GET, &path("/models"), Target::Models);
        check(Method::GET, &path("/models/org/m"), Target::Model("org/m".into()));
        check(Method::GET, &path("/models/org%2Fm"), Target::Model("org/m".into()));
        check(Method::POST, &path("/moderations"), call(Operation::Other, "/moderations"));
        check(Method::GET, &path("/embeddings"), Target::WrongMethod);
    }
    check(Method::POST, "/v1/anything/new", call(Operation::Other, "/anything/new"));
    check(Method::GET, "/v1/chat/completions", call(Operation::Other, "/chat/completions"));
    check(Method::DELETE, "/v1/models/m", call(Operation::Other, "/models/m"));
    check(Method::POST, "/anything", Target::Unknown);
    check(Method::GET, "/v10/models", Target::Unknown);
}

#[test]
fn a_disguised_path_is_what_it_disguises() {
    check(Method::POST, "/v1/chat/completion%73", call(Operation::Chat, "/chat/completions"));
    check(Method::POST, "/v1/%63hat/completions", call(Operation::Chat, "/chat/completions"));
}

#[test]
fn no_path_climbs_out_of_the_api_root() {
    for path in [
        "/v1/../key/generate",
        "/v1/./files",
        "/v1/%2e%2e/user/balance",
        "/v1/files/..%2f..%2fadmin",
        "/v1/files/%2e%2e%5cadmin",
        "/v1//chat/completions",
        "/v1/files/a%2Fb",
        "/v1/files/%zz",
        "/v1/files/%e4%bd",
    ] {
        check(Method::POST, path, Target::Unknown);
    }
    check(Method::OPTIONS, "/v1/chat/completions", Target::Unknown);
}
