//! What a caller writes about the cache, understood or refused by name.

use weir_core::Kind;
use weir_testkit::with_header;

use super::{cache, deterministic, keep, look, tenant};
use crate::Lookup;
use crate::config::Mode;

#[test]
fn a_header_that_cannot_be_understood_is_named_with_its_value() {
    let check = |name: &str, value: &str, expected: &str| {
        let cache = cache(Mode::All);
        let refused = look(&cache, &tenant(1), &with_header(deterministic(""), name, value)).err().unwrap();
        assert_eq!(refused.kind, Kind::BadRequest);
        assert!(refused.message.contains(name) && refused.message.contains(expected), "{}", refused.message);
    };
    check("x-weir-cache", "maybe", "`maybe`, which is not `off`, `exact` or `semantic`");
    check("x-weir-cache-threshold", "1.1", "`1.1`, which is not a number from 0 to 1");
    check("x-weir-cache-threshold", "NaN", "from 0 to 1");
    check("x-weir-cache-ttl", "0", "`0`, which is not a number of seconds from 1 to 604800");
    check("x-weir-cache-ttl", "-5", "`-5`, which is not a number of seconds from 1 to 604800");
    check("x-weir-cache-ttl", "soon", "`soon`");
    check("x-weir-cache-ttl", "99999999999999999999", "seconds from 1");
    check("x-weir-cache-tag", &"x".repeat(65), "at most 64 characters");
}

#[test]
fn who_wants_nothing_but_a_kept_answer_is_told_that_there_is_none() {
    let cache = cache(Mode::All);
    let only = || with_header(deterministic(""), "cache-control", "only-if-cached");
    assert_eq!(look(&cache, &tenant(1), &only()).err().unwrap().kind, Kind::NotCached);
    keep(&cache, &deterministic(""));
    assert!(matches!(look(&cache, &tenant(1), &only()), Ok(Lookup::Hit(_))));
    let off = super::cache(Mode::Off);
    assert_eq!(look(&off, &tenant(1), &only()).err().unwrap().kind, Kind::NotCached);
}
