//! Finding phrases in a question and putting others in their place.
//!
//! What always holds: only whole words are found, in any case; what comes in begins with a capital if what it replaces did.

/// Where a phrase stands as whole words. ASCII decides on case.
pub fn find(text: &str, phrase: &str) -> Option<usize> {
    let (low, phrase) = (text.to_ascii_lowercase(), phrase.to_ascii_lowercase());
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '\'' || c == '-');
    let open = |c: &str| !letter(c.chars().next());
    low.match_indices(&*phrase).map(|(at, _)| at).find(|at| {
        let (before, after) = (&low[..*at], &low[at + phrase.len()..]);
        (open(&phrase) || !letter(before.chars().next_back()))
            && (!letter(phrase.chars().next_back()) || !letter(after.chars().next()))
    })
}

/// The text with another phrase in the place of the first that is found.
pub fn replace(text: &str, phrase: &str, with: &str) -> Option<String> {
    let at = find(text, phrase)?;
    let capital = text[at..].starts_with(|c: char| c.is_ascii_uppercase()) && at == 0;
    let with = if capital { capitalised(with) } else { with.to_owned() };
    Some(format!("{}{with}{}", &text[..at], &text[at + phrase.len()..]))
}

/// With a capital.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// With a small letter, unless the first word is one that is always written large.
pub fn small(text: &str) -> String {
    let first = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    if first == "I" || first.chars().skip(1).any(char::is_uppercase) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// One of several.
pub fn one<'a, T: ?Sized>(chance: &weir_core::Chance, of: &[&'a T]) -> &'a T {
    of[chance.below(of.len())]
}

/// All in an order by chance.
pub fn shuffled<T>(chance: &weir_core::Chance, mut all: Vec<T>) -> Vec<T> {
    for at in (1..all.len()).rev() {
        all.swap(at, chance.below(at + 1));
    }
    all
}
