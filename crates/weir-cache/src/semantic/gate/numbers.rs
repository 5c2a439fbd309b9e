//! Numbers in one form: `1,000`, `1000`, `1e3` of words, `one thousand`, `一千` and `1千` are equal.
//!
//! What always holds: a number is its digits and a power of ten, without zeros at either end; what cannot be read as a number
//! is none, and nothing overflows.

/// A number: digits without zeros around them, times a power of ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    digits: String,
    exponent: i64,
}

impl Number {
    /// From digits with thousands and at most one point. Codes such as `007` keep their zeros.
    pub fn written(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let mut groups = whole.split(',');
        let first = groups.next()?;
        let mut digits = first.to_owned();
        for group in groups {
            if group.len() != 3 || first.is_empty() || first.len() > 3 {
                return None;
            }
            digits.push_str(group);
        }
        digits.push_str(part);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if digits.len() > 2 && digits.starts_with('0') && part.is_empty() {
            return Some(Self { digits, exponent: 0 });
        }
        Some(Self::normal(&digits, -(part.len() as i64)))
    }

    /// A whole number.
    pub fn whole(value: u128) -> Self {
        Self::normal(&value.to_string(), 0)
    }

    /// So many places higher.
    pub fn times_ten_to(mut self, places: u32) -> Self {
        if !self.digits.is_empty() {
            self.exponent += i64::from(places);
        }
        self
    }

    /// As one string, equal for equal numbers.
    pub fn canonical(&self) -> String {
        match self.exponent {
            0 => self.digits.clone(),
            exponent => format!("{}e{exponent}", self.digits),
        }
    }

    fn normal(digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let short = digits.trim_end_matches('0');
        if short.is_empty() {
            return Self { digits: String::new(), exponent: 0 };
        }
        Self { digits: short.to_owned(), exponent: exponent + (digits.len() - short.len()) as i64 }
    }
}

/// Adds number words up: "two hundred and five thousand", "三万五千".
#[derive(Default)]
pub struct Sum {
    /// What is complete: multiples of the great scales.
    total: u128,
    /// Below the next great scale.
    group: u128,
    /// What waits for its scale, if anything does.
    pending: Option<u128>,
    /// Digits one after the other, as in "二〇二四".
    run: usize,
}

impl Sum {
    /// A word that counts: "five", "forty", "五".
    pub fn count(&mut self, value: u128) {
        match self.pending {
            // "forty" "five"
            Some(pending)
                if pending >= 20 && pending % 10 == 0 && pending < 100 && value < 10 && self.run == 0 =>
            {
                self.pending = Some(pending + value);
            }
            // "二" "〇" "二" "四", "one" "nine"
            Some(pending) => {
                self.run += 1;
                self.pending =
                    Some(pending.saturating_mul(if value > 9 { 100 } else { 10 }).saturating_add(value));
            }
            None => self.pending = Some(value),
        }
    }

    /// A word that scales by a power of ten.
    pub fn scale(&mut self, places: u32) {
        let factor = 10u128.pow(places.min(30));
        self.run = 0;
        if places >= 4 || (places == 3 && self.is_english_thousand()) {
            let group = self.group.saturating_add(self.pending.take().unwrap_or(0));
            // "一百万", and "万亿" after a total.
            let base = if group == 0 { std::mem::take(&mut self.total).max(1) } else { group };
            self.total = self.total.saturating_add(base.saturating_mul(factor));
            self.group = 0;
        } else {
            let count = self.pending.take().unwrap_or(1);
            self.group = self.group.saturating_add(count.saturating_mul(factor));
        }
    }

    /// "five hundred thousand" scales the hundreds, "五百" never meets "千".
    const fn is_english_thousand(&self) -> bool {
        self.group > 0 || matches!(self.pending, Some(10..))
    }

    /// The number.
    pub fn number(self) -> Number {
        Number::whole(self.total.saturating_add(self.group).saturating_add(self.pending.unwrap_or(0)))
    }
}
