//! Who may call.

use std::collections::HashMap;

use super::unique;
use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;

const HASH_PREFIX: &str = "blake3:";
const HASH_DIGITS: usize = 64;
const TOKEN_PREFIX: &str = "weir_";

pub fn check(config: &Config, report: &mut Report<'_>) {
    unique(config.key.iter().map(|key| key.name.as_str()), "key", "name", report);
    let mut owners = HashMap::new();
    for (index, key) in config.key.iter().enumerate() {
        let place = Place::top("key").item(index).key("hash");
        if !is_hash(&key.hash) {
            let message = format!("the hash of key `{}` is not `blake3:` and 64 hex digits", key.name);
            let help = if key.hash.starts_with(TOKEN_PREFIX) {
                "this is the key itself: give it to the caller, and paste here the hash that `weir key new` printed with it"
            } else {
                "make a key with `weir key new`, and paste the hash it prints"
            };
            report.at(Code::KeyHash, &place, message, help);
        } else if let Some(owner) = owners.insert(key.hash.to_ascii_lowercase(), &key.name) {
            let message = format!("keys `{owner}` and `{}` are the same key", key.name);
            report.at(Code::Duplicate, &place, message, "make one for each caller with `weir key new`");
        }
    }
}

fn is_hash(text: &str) -> bool {
    let digits = text.strip_prefix(HASH_PREFIX);
    digits.is_some_and(|digits| {
        digits.len() == HASH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
