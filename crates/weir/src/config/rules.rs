//! What holds between values: names that must exist, addresses that must differ, secrets that must be there.
//!
//! Each rule looks at the config as read and reports every breach with its place and its remedy. Adding one is one
//! function and one line here.

mod cache;
mod endpoints;
mod keys;
mod pools;
mod pressure;
mod server;
mod times;
mod url;

use std::collections::HashMap;

use weir_route::KeySource;

use super::code::Code;
use super::place::Place;
use super::report::Report;
use super::{CacheSecrets, Config, Env};

/// What is wrong with a value, and what to do about it.
#[derive(Debug)]
pub struct Breach {
    /// The kind of mistake.
    pub code: Code,
    /// What is wrong, without repeating what may be a secret.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Applies every rule. The endpoints' keys and the cache's secrets are by the way: reading them is how they are checked.
pub fn check(config: &Config, env: Env<'_>, report: &mut Report<'_>) -> (Vec<KeySource>, CacheSecrets) {
    server::check(config, report);
    let keys = endpoints::check(config, env, report);
    pools::check(config, report);
    keys::check(config, report);
    pressure::check(config, report);
    times::check(config, report);
    (keys, cache::check(config, env, report))
}

/// Names in a list of tables must differ: metrics, logs and references tell entries apart by them.
fn unique<'n>(names: impl Iterator<Item = &'n str>, table: &str, field: &str, report: &mut Report<'_>) {
    let mut first = HashMap::new();
    for (index, name) in names.enumerate().filter(|(_, name)| !name.is_empty()) {
        let before = *first.entry(name).or_insert(index);
        if before != index {
            let message = format!(
                "{table} `{name}` is there twice: it is number {} and number {}",
                before + 1,
                index + 1
            );
            let help = format!("give each [[{table}]] its own `{field}`, or remove one");
            report.at(Code::Duplicate, &Place::top(table).item(index).key(field), message, help);
        }
    }
}
