//! From the reference of a secret to the secret, or to a message that does not repeat it.

use std::io::Read;

use weir_core::{Secret, SecretRef};
use weir_route::KeySource;

use super::Env;
use super::code::Code;
use super::rules::Breach;

/// Keys are some hundred bytes; a file beyond this is not one, and `/dev/zero` ends here.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Reads a secret of weir's own that a reference names. `field`: where the reference stands.
///
/// # Errors
/// As for [`resolve`]; and a caller has nothing to do with this one.
pub fn own(reference: &str, field: &str, env: Env<'_>) -> Result<Secret, Breach> {
    match resolve(reference, env) {
        Ok(KeySource::Own(secret)) => Ok(secret),
        Err(breach) if breach.code == Code::SecretAbsent => Err(breach),
        _ => Err(Breach {
            code: Code::SecretReference,
            message: format!("`{field}` must name the secret, not hold it"),
            help: "put it in an environment variable and write \"env:NAME\"; or \"file:PATH\"".to_owned(),
        }),
    }
}

/// Reads the secret that a reference names.
///
/// # Errors
/// The reference cannot be understood, nothing is there, or it cannot be sent in a header.
pub fn resolve(reference: &str, env: Env<'_>) -> Result<KeySource, Breach> {
    match reference.parse() {
        Ok(SecretRef::Caller) => Ok(KeySource::Caller),
        Ok(SecretRef::Env(name)) => from_environment(&name, env),
        Ok(SecretRef::File(path)) => from_file(&path),
        // The parser's own error shows how the text begins, which may be how a pasted key begins.
        Err(_) => Err(Breach {
            code: Code::SecretReference,
            message: "`api_key` must name the key, not hold it".to_owned(),
            help: "put the key in an environment variable and write \"env:NAME\"; or \"file:PATH\", or \"caller\"".to_owned(),
        }),
    }
}

fn from_environment(name: &str, env: Env<'_>) -> Result<KeySource, Breach> {
    let Some(value) = env(name).filter(|value| !value.trim().is_empty()) else {
        let message = format!("the environment variable `{name}` is not set, or is empty");
        return Err(absent(message, format!("set it before weir starts: export {name}=…")));
    };
    sendable(&value, &format!("the environment variable `{name}`"))
}

fn from_file(path: &str) -> Result<KeySource, Breach> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    if let Err(error) = read {
        let help =
            "check the path and its permissions; a relative path starts where weir is started".to_owned();
        return Err(absent(format!("the secret's file {path} cannot be read: {error}"), help));
    }
    if text.trim().is_empty() {
        return Err(absent(
            format!("the secret's file {path} is empty"),
            "write the key into it, one line".to_owned(),
        ));
    }
    sendable(&text, &format!("the file {path}"))
}

/// A key travels in a header, where only visible ASCII is safe.
fn sendable(text: &str, origin: &str) -> Result<KeySource, Breach> {
    let key = text.trim();
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(KeySource::Own(Secret::new(key)));
    }
    let message =
        format!("{origin} holds more than a key: there are spaces, line ends or letters beyond ASCII in it");
    Err(absent(message, "leave the bare key there, without `Bearer` and without quotation marks".to_owned()))
}

fn absent(message: String, help: String) -> Breach {
    Breach { code: Code::SecretAbsent, message, help }
}
