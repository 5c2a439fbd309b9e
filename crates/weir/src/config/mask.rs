//! Hides what looks like a secret in a text that will be shown.
//!
//! It works on the bare text, not on the parsed file, so that it holds for a file whose syntax is broken as well.
//! What always holds: the masked text has the same length in bytes and the same lines, so that places stay right.

/// How the keys of well-known services, and weir's own, begin.
const TOKEN_PREFIXES: [&str; 8] = ["sk-", "sk_", "weir_", "AIza", "gsk_", "hf_", "xai-", "Bearer "];
/// What may follow such a beginning before it is a word like `sk-ip` rather than a key.
const TOKEN_LENGTH_MIN: usize = 8;
/// Keys of the file whose values name secrets.
const SECRET_KEYS: [&str; 3] = ["api_key", "password", "secret"];
/// Beginnings of values that name a secret without being one.
const REFERENCES: [&str; 3] = ["env:", "file:", "caller"];

/// The text with every secret overwritten by asterisks.
pub fn mask(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        hide_assigned(line, &mut bytes[offset..]);
        hide_tokens(line, &mut bytes[offset..]);
        hide_in_urls(line, &mut bytes[offset..]);
        offset += line.len();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// What follows `api_key =` and the like, unless it is a reference.
fn hide_assigned(line: &str, bytes: &mut [u8]) {
    for (at, key) in SECRET_KEYS.iter().flat_map(|key| line.match_indices(key)) {
        let rest = &line[at + key.len()..];
        let Some((between, value)) = rest.split_once('=') else { continue };
        // `api_key`, `"api_key"`, and slips of the pen such as `api_keys`, but not a sentence about keys.
        if !between.trim().chars().all(|letter| letter.is_alphanumeric() || "_-\"'".contains(letter)) {
            continue;
        }
        let start = line.len() - value.len();
        let lead = value.len() - value.trim_start_matches([' ', '\t', '"', '\'', '[']).len();
        let value = value[lead..].trim_end();
        if !REFERENCES.iter().any(|reference| value.starts_with(reference)) {
            let end = value.find(['"', '\'']).unwrap_or(value.len());
            hide(bytes, start + lead, end);
        }
    }
}

/// Anything that begins the way keys do.
fn hide_tokens(line: &str, bytes: &mut [u8]) {
    for prefix in TOKEN_PREFIXES {
        for (at, _) in line.match_indices(prefix) {
            let starts_a_word = !line[..at].ends_with(|letter: char| letter.is_alphanumeric());
            let rest = &line[at + prefix.len()..];
            let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
            let length = end.unwrap_or(rest.len());
            if starts_a_word && length >= TOKEN_LENGTH_MIN {
                hide(bytes, at, prefix.len() + length);
            }
        }
    }
}

/// User, password and query of URLs.
fn hide_in_urls(line: &str, bytes: &mut [u8]) {
    for (at, _) in line.match_indices("://") {
        let start = at + "://".len();
        let rest = &line[start..];
        let rest = &rest[..rest.find(['"', '\'', ' ', '`', '\n', '\r']).unwrap_or(rest.len())];
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        if let Some(end) = authority.rfind('@') {
            hide(bytes, start, end);
        }
        if let Some(query) = rest.find('?') {
            hide(bytes, start + query + 1, rest.len() - query - 1);
        }
    }
}

fn hide(bytes: &mut [u8], start: usize, length: usize) {
    bytes[start..start + length].fill(b'*');
}
