//! A text in pieces: words, Chinese characters, numbers, identifiers, quotes, signs.
//!
//! What always holds: every piece is a part of the text, in the text's order; each character is looked at a bounded number of
//! times; what stands in quotes or backticks is one piece, and so is whatever a programmer would call one name.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters, with apostrophes inside.
    Word,
    /// One Chinese character.
    Han,
    /// Digits, with points and commas inside.
    Number,
    /// Code, a path, an address, a flag: compared to the letter.
    Identifier,
    /// What stood between quotation marks.
    Quoted,
    /// A sign of money, of percent, of calculation.
    Sign,
    /// The end of a sentence.
    Stop,
}

/// A piece.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: &'a str,
}

/// Quotation marks that close otherwise than they open, and those that do not.
const QUOTES: &[(char, char)] = &[
    ('"', '"'),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{ab}', '\u{bb}'),
    ('「', '」'),
    ('『', '』'),
    ('《', '》'),
];

/// So far on a single quotation mark looks for its other half: it is an apostrophe more often.
const SINGLE_QUOTE_BYTES_MAX: usize = 200;

const SIGNS: &str = "$£€¥₹₩₿₽₺฿₫₴%‰°+=<>*^×÷≤≥≠≈±→←~|&#−";

/// A text without what writes the same thing differently: full-width letters, other digits, curly apostrophes.
pub fn plain(text: &str) -> String {
    const ZEROS: &[u32] = &[0x660, 0x6f0, 0x966, 0x9e6, 0xe50];
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => {}
            '\u{2018}' | '\u{2019}' | '\u{2bc}' => plain.push('\''),
            '\u{2010}' | '\u{2011}' => plain.push('-'),
            '\u{ff01}'..='\u{ff5e}' => plain.extend(char::from_u32(code - 0xfee0)),
            _ => {
                let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code));
                plain.push(zero.and_then(|zero| char::from_digit(code - zero, 10)).unwrap_or(c));
            }
        }
    }
    plain
}

/// Whether a character is a Chinese one.
pub const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '〇' | '\u{20000}'..='\u{3134f}')
}

/// A text's pieces.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut splitter = Splitter { text, at: 0, pieces: Vec::new(), unclosed: [false; QUOTES.len()] };
    while splitter.step() {}
    splitter.pieces
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    pieces: Vec<Piece<'a>>,
    /// Marks that nothing further on closes, so that nobody looks for it again.
    unclosed: [bool; QUOTES.len()],
}

impl<'a> Splitter<'a> {
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(c) = rest.chars().next() else { return false };
        if let Some(length) = self.quoted(rest, c) {
            self.at += length;
            return true;
        }
        if c == '\n' || "!?。…".contains(c) {
            self.push(Kind::Stop, &rest[..c.len_utf8()]);
        } else if is_han(c) {
            self.push(Kind::Han, &rest[..c.len_utf8()]);
        } else if is_run(c) {
            let length = rest.find(|c: char| !is_run(c)).unwrap_or(rest.len());
            self.run(&rest[..length]);
            self.at += length;
            return true;
        }
        self.at += c.len_utf8();
        true
    }

    fn push(&mut self, kind: Kind, text: &'a str) {
        self.pieces.push(Piece { kind, text });
    }

    /// Takes what stands in quotation marks that open here. Says how long it is, marks included.
    fn quoted(&mut self, rest: &'a str, open: char) -> Option<usize> {
        if open == '\'' {
            return self.single_quoted(rest);
        }
        let mark = QUOTES.iter().position(|(begin, _)| *begin == open)?;
        if self.unclosed[mark] {
            return None;
        }
        // Three backticks open what three backticks close.
        let width =
            if open == '`' { rest.bytes().take_while(|b| *b == b'`').count() } else { open.len_utf8() };
        let inside = &rest[width..];
        let end = if open == '`' { inside.find(&rest[..width]) } else { inside.find(QUOTES[mark].1) };
        let Some(end) = end else {
            // A longer fence says nothing of a shorter one.
            self.unclosed[mark] = width == open.len_utf8();
            return (width > open.len_utf8()).then_some(width);
        };
        let kind = if open == '`' { Kind::Identifier } else { Kind::Quoted };
        self.push(kind, inside[..end].trim());
        let close = if open == '`' { width } else { QUOTES[mark].1.len_utf8() };
        Some(width + end + close)
    }

    fn single_quoted(&mut self, rest: &'a str) -> Option<usize> {
        let before = self.text[..self.at].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let inside = &rest[1..];
        let mut marks = inside.match_indices('\'').take_while(|(at, _)| *at <= SINGLE_QUOTE_BYTES_MAX);
        let (end, _) = marks.find(|(at, _)| {
            let after = inside[at + 1..].chars().next();
            *at > 0 && !after.is_some_and(char::is_alphanumeric)
        })?;
        self.push(Kind::Quoted, inside[..end].trim());
        Some(end + 2)
    }

    /// Takes apart what has no blank inside.
    fn run(&mut self, run: &'a str) {
        let ends = run.ends_with(['.', ':', ';']);
        let inside = run.trim_end_matches(['.', ',', ';', ':', ')', ']', '}', '\'', '/', '-']);
        let inside = inside.trim_start_matches(['(', '[', '{', '\'', ',', ';', ':']);
        if is_identifier(inside) {
            self.push(Kind::Identifier, inside);
        } else {
            self.parts(inside);
        }
        if ends {
            self.push(Kind::Stop, &run[run.len() - 1..]);
        }
    }

    /// Words, numbers and signs that stand together: `$1,000`, `top-up`, `24/7`, `5km`.
    fn parts(&mut self, run: &'a str) {
        let mut at = 0;
        let mut digits_before = false;
        while let Some(c) = run[at..].chars().next() {
            let rest = &run[at..];
            let length = if c.is_ascii_digit() || (c == '.' && starts_with_digit(&rest[1..])) {
                self.number(rest)
            } else if c.is_alphabetic() {
                let length = word_length(rest);
                self.push(Kind::Word, &rest[..length]);
                length
            } else {
                let after = &rest[c.len_utf8()..];
                let between = "-/".contains(c) && digits_before && starts_with_digit(after);
                let minus = "-−".contains(c) && at == 0 && starts_with_digit(after);
                // "½" and "²" count, and no one reads them as digits.
                if SIGNS.contains(c) || c.is_numeric() || between || minus {
                    self.push(Kind::Sign, &rest[..c.len_utf8()]);
                } else if c == '.' {
                    self.push(Kind::Stop, &rest[..1]);
                }
                c.len_utf8()
            };
            digits_before = c.is_ascii_digit();
            at += length;
        }
    }

    /// A number, and the unit that hangs on it; or an identifier that begins with a digit, such as `2FA`.
    fn number(&mut self, rest: &'a str) -> usize {
        let digits = number_length(rest);
        let letters = word_length(&rest[digits..]);
        let (hangs, follows) = (&rest[digits..digits + letters], &rest[digits + letters..]);
        if letters == 0 || super::lexicon::hangs_on_numbers(hangs) && !starts_with_digit(follows) {
            self.push(Kind::Number, &rest[..digits]);
            if letters > 0 {
                self.push(Kind::Word, hangs);
            }
            return digits + letters;
        }
        let after = rest[digits..].find(|c: char| !c.is_alphanumeric());
        let all = after.map_or(rest.len(), |after| digits + after);
        self.push(Kind::Identifier, &rest[..all]);
        all
    }
}

fn is_run(c: char) -> bool {
    let breaks = c.is_whitespace() || is_han(c) || "!?。…，、；：？！（）【】".contains(c);
    !breaks && !QUOTES.iter().any(|(open, close)| *open == c || *close == c)
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) || (matches!(bytes.get(end), Some(b'.' | b',')) && digit(end + 1)) {
        end += 1;
    }
    end
}

fn word_length(text: &str) -> usize {
    let inside = |(at, c): (usize, char)| {
        let apostrophe = c == '\'' && at > 0 && text[at + 1..].starts_with(char::is_alphabetic);
        // Marks that stand on letters are no letters themselves.
        !(c.is_alphabetic() || apostrophe || matches!(c, '\u{300}'..='\u{36f}' | '\u{93c}'..='\u{94d}'))
            || is_han(c)
    };
    text.char_indices().find(|at| inside(*at)).map_or(text.len(), |(at, _)| at)
}

/// Whether this is one name to a programmer.
fn is_identifier(run: &str) -> bool {
    let mut letters = run.chars().filter(|c| c.is_alphanumeric());
    let named = letters.next().is_some() && run.is_ascii();
    let slashes = run.matches('/').count();
    let rooted = ["/", "./", "../", "~/", "--", "@"].iter().any(|start| run.starts_with(start));
    let short_flag =
        run.len() == 2 && run.starts_with('-') && run.ends_with(|c: char| c.is_ascii_alphabetic());
    let lettered = run.contains(|c: char| c.is_ascii_alphabetic());
    let joined = ["://", "::", "_", "\\", "()", "->", "@"].iter().any(|mark| run.contains(mark));
    let path = lettered && (slashes > 1 || rooted || short_flag);
    named && (joined || path || run.starts_with("www.") || is_dotted(run))
}

/// `main.rs`, `a.b.c`, `1.2.3`, `v1.95`; not `U.S.`, `1.5` nor a sentence that ends without a blank.
fn is_dotted(run: &str) -> bool {
    let parts: Vec<&str> = run.split('.').collect();
    let simple = parts.iter().all(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/".contains(&b))
    });
    let numeric = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let numbers = parts.iter().filter(|part| numeric(part)).count();
    let (several, initials) = (parts.len() > 1, parts.iter().all(|part| part.len() == 1 && !numeric(part)));
    let sentence = parts.iter().skip(1).any(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
    let money = parts.len() == 2 && (numbers == 2 || (numbers == 1 && numeric(&parts[0])));
    several && simple && !initials && !sentence && !money
}
