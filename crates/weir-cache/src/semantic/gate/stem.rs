//! One form of a word for its several: without the endings of grammar, and across slips of the pen.
//!
//! What always holds: only endings that change no meaning go (`cards`, `charged`, `charging`), never those that make another
//! word of it (`payer`, `careless`); two words that both exist are no slip of each other, as far as a table can know.

/// The shortest word in which a letter too many, too few or in the wrong place is a slip.
const SLIP_LETTERS_MIN: usize = 5;

/// The longest: what is longer is no word.
const SLIP_LETTERS_MAX: usize = 24;

/// Words that a slip would turn into each other, and that are both meant.
const LOOK_ALIKES: &[[&str; 2]] = &[
    ["accept", "except"],
    ["access", "excess"],
    ["adapt", "adopt"],
    ["adverse", "averse"],
    ["affect", "effect"],
    ["angel", "angle"],
    ["assure", "assume"],
    ["casual", "causal"],
    ["censor", "sensor"],
    ["coarse", "course"],
    ["complement", "compliment"],
    ["conserve", "converse"],
    ["contact", "contract"],
    ["country", "county"],
    ["crash", "cash"],
    ["dairy", "diary"],
    ["desert", "dessert"],
    ["device", "devise"],
    ["diffuse", "defuse"],
    ["expand", "expend"],
    ["export", "expert"],
    ["formally", "formerly"],
    ["friend", "fiend"],
    ["import", "impart"],
    ["insure", "ensure"],
    ["later", "latter"],
    ["liable", "libel"],
    ["martial", "marital"],
    ["moral", "morale"],
    ["parent", "patent"],
    ["personal", "personnel"],
    ["perspective", "prospective"],
    ["plaintiff", "plaintive"],
    ["prescribe", "proscribe"],
    ["principal", "principle"],
    ["quiet", "quite"],
    ["reserve", "reverse"],
    ["salary", "celery"],
    ["state", "skate"],
    ["statue", "statute"],
    ["stationary", "stationery"],
    ["store", "score"],
    ["through", "though"],
    ["through", "thorough"],
    ["trail", "trial"],
    ["united", "untied"],
];

/// A word's form without the endings of number, person and tense.
pub fn stem(word: &str) -> &str {
    if !word.is_ascii() {
        return word;
    }
    let word = word.strip_suffix("'s").unwrap_or(word);
    let word = without_plural(word);
    let bare = [("ing", 3), ("ed", 3)]
        .iter()
        .find_map(|(ending, left)| word.strip_suffix(ending).filter(|bare| bare.len() >= *left))
        .filter(|bare| bare.contains(['a', 'e', 'i', 'o', 'u', 'y']));
    let bare = bare.map_or(word, without_double);
    // "charge" and "charging" meet here.
    match bare.strip_suffix('e') {
        Some(short) if short.len() >= 3 => short,
        _ => bare,
    }
}

fn without_plural(word: &str) -> &str {
    let keeps = word.len() < 4 || ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(bare) if !keeps => {
            let hissing = ["sse", "xe", "che", "she", "zze"].iter().any(|ending| bare.ends_with(ending));
            if hissing { &bare[..bare.len() - 1] } else { bare }
        }
        _ => word,
    }
}

/// "topp" of "topping" is "top".
fn without_double(bare: &str) -> &str {
    let mut letters = bare.bytes().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) if last == before && !b"lsz".contains(&last) => &bare[..bare.len() - 1],
        _ => bare,
    }
}

/// Whether two words are one, written once with a slip: a letter inside it missing, doubled, wrong or swapped.
pub fn slip(one: &str, other: &str) -> bool {
    let fits = |word: &str| {
        (SLIP_LETTERS_MIN..=SLIP_LETTERS_MAX).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase())
    };
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if !fits(short) || !fits(long) || long.len() - short.len() > 1 || look_alike(one, other) {
        return false;
    }
    let (short, long) = (short.as_bytes(), long.as_bytes());
    let begin = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let end = short[begin..].iter().rev().zip(long[begin..].iter().rev()).take_while(|(a, b)| a == b).count();
    // Prefixes and endings make other words; slips inside hardly do.
    if begin == 0 || end == 0 {
        return false;
    }
    let (short, long) = (&short[begin..short.len() - end], &long[begin..long.len() - end]);
    match (short, long) {
        ([], [_]) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

fn look_alike(one: &str, other: &str) -> bool {
    let is = |word: &str, form: &str| stem(form) == word || form == word;
    LOOK_ALIKES.iter().any(|[a, b]| (is(one, a) && is(other, b)) || (is(one, b) && is(other, a)))
}
