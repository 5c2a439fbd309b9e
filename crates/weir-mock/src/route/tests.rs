//! Every prefix that services use leads to the same endpoint.

use super::*;

#[track_caller]
fn check(path: &str, bare: &str, beta: bool, anthropic: bool) {
    assert_eq!(bare_path(path), Bare { path: bare, beta, anthropic });
    assert!(endpoint(bare).is_some(), "{bare} is an endpoint");
}

#[test]
fn prefixes_are_taken_off() {
    check("/chat/completions", "/chat/completions", false, false);
    check("/v1/chat/completions", "/chat/completions", false, false);
    check("/beta/chat/completions", "/chat/completions", true, false);
    check("/beta/v1/completions", "/completions", true, false);
    check("/anthropic/v1/messages", "/messages", false, true);
    check("/v1/messages/count_tokens", "/messages/count_tokens", false, false);
    check("/v1/models/org/name", "/models/org/name", false, false);
}

#[test]
fn what_is_no_endpoint_is_none() {
    for path in ["/", "/v1", "/v1x/models", "/betamodels", "/chat"] {
        assert!(endpoint(bare_path(path).path).is_none(), "{path}");
    }
}
