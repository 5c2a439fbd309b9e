//! Which addresses are understood, and that a key stays hidden.

use super::Target;

#[test]
fn a_base_url_may_or_may_not_end_in_v1() {
    for (given, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://host/team/v1/chat/completions", "http://host/team/v1/chat/completions"),
        ("http://host/team", "http://host/team/v1/chat/completions"),
    ] {
        assert_eq!(Target::new(given).unwrap().endpoint().to_string(), expected, "{given}");
    }
}

#[test]
fn a_url_that_cannot_be_called_is_refused_in_words() {
    for (given, expected) in [
        ("127.0.0.1:8080", "url \"127.0.0.1:8080\" has no scheme; write it like http://127.0.0.1:8080"),
        ("ftp://host", "url \"ftp://host\" is neither http nor https; write it like http://127.0.0.1:8080"),
        (
            "http://host/?a=b",
            "url \"http://host/?a=b\" has a query, which a base URL cannot have; \
             write it like http://127.0.0.1:8080",
        ),
        ("http://", "url \"http://\": empty string; write it like http://127.0.0.1:8080"),
    ] {
        assert_eq!(Target::new(given).expect_err(given).to_string(), expected);
    }
}

#[test]
fn a_key_does_not_print() {
    let target = Target::new("http://host").unwrap().with_key("sk-secret").unwrap();
    assert!(!format!("{target:?}").contains("secret"), "{target:?}");
    let error = Target::new("http://host").unwrap().with_key("sk-sec\nret").expect_err("a line break");
    assert!(!format!("{error:?} {error}").contains("ret\""), "{error:?}");
}
