//! Paths and what they mean.

use http::Method;
use weir_core::Operation;

use crate::operation::{Target, target};

#[test]
fn paths_are_known_with_and_without_v1() {
    let check = |method: Method, path: &str, expected: Target<'_>, below: &str| {
        assert_eq!(target(&method, path), (expected, below), "{method} {path}");
    };
    for prefix in ["", "/v1"] {
        let path = |below: &str| format!("{prefix}{below}");
        check(Method::POST, &path("/chat/completions"), Target::Call(Operation::Chat), "/chat/completions");
        check(Method::POST, &path("/messages"), Target::Call(Operation::Messages), "/messages");
        check(Method::GET, &path("/models"), Target::Models, "/models");
        check(Method::GET, &path("/models/org/m"), Target::Model("org/m"), "/models/org/m");
        check(Method::POST, &path("/moderations"), Target::Call(Operation::Other), "/moderations");
        check(Method::GET, &path("/embeddings"), Target::WrongMethod, "/embeddings");
    }
    check(Method::POST, "/v1/anything/new", Target::Call(Operation::Other), "/anything/new");
    check(Method::GET, "/v1/chat/completions", Target::Call(Operation::Other), "/chat/completions");
    check(Method::DELETE, "/v1/models/m", Target::Call(Operation::Other), "/models/m");
    check(Method::POST, "/anything", Target::Unknown, "/anything");
    check(Method::GET, "/v10/models", Target::Unknown, "/v10/models");
}
