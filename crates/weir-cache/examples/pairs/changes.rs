//! Near-misses: real questions with one thing changed that changes the answer.
//!
//! The tables are this file's own and were not written from the gate's: a gate that knew only its own words would let a
//! third of these pass. What always holds: a change replaces whole words, and the changed question asks for something else.

use weir_core::Chance;

use super::phrases::{capitalised, find, one, replace, shuffled};
use super::{Pair, Question};

/// What is found, and what may come instead.
pub type Table = &'static [(&'static str, &'static [&'static str])];

/// Numbers.
pub const NUMBERS: Table = &[
    ("one", &["two", "a dozen", "seven"]),
    ("two", &["three", "five", "half a dozen", "eleven"]),
    ("three", &["two", "six", "a score of"]),
    ("four", &["fourteen", "nine"]),
    ("five", &["fifteen", "fifty", "eight"]),
    ("ten", &["twenty", "a hundred", "sixteen"]),
    ("twice", &["three times", "thrice", "fivefold", "four times over"]),
    ("double", &["triple", "quadruple", "tenfold"]),
    ("first", &["third", "umpteenth", "fifth"]),
    ("second", &["fourth", "penultimate", "ninth"]),
    ("third", &["tenth", "second"]),
    ("single", &["triple", "twofold"]),
    ("couple", &["dozen", "trio"]),
    ("1", &["4", "12", "seven"]),
    ("2", &["3", "20", "2.5"]),
    ("3", &["30", "13"]),
    ("5", &["6", "50", "55"]),
    ("10", &["100", "11", "a thousand"]),
    ("18", &["21", "16", "81"]),
    ("20", &["200", "25", "thirty"]),
    ("30", &["300", "35", "13"]),
    ("50", &["500", "15", "eighty"]),
    ("100", &["1000", "1,000,000", "10"]),
    ("500", &["5,000", "550", "six hundred"]),
    ("1000", &["10,000", "1001", "two thousand"]),
];

/// Denial put in and taken out.
pub const NEGATIONS: Table = &[
    ("is not", &["is"]),
    ("isn't", &["is"]),
    ("was not", &["was"]),
    ("wasn't", &["was"]),
    ("has not", &["has"]),
    ("hasn't", &["has"]),
    ("haven't", &["have"]),
    ("have not", &["have"]),
    ("didn't", &["did"]),
    ("did not", &["did"]),
    ("doesn't", &["does"]),
    ("can't", &["can"]),
    ("cannot", &["can"]),
    ("can not", &["can"]),
    ("couldn't", &["could"]),
    ("won't", &["will"]),
    ("unable to", &["able to", "eager to"]),
    ("without", &["with", "thanks to"]),
    (
        "my card is",
        &["my card is not", "my card is by no means", "my card is anything but", "my card ceased to be"],
    ),
    ("my card was", &["my card wasn't", "my card was nowhere near", "my card was never"]),
    ("my transfer is", &["my transfer isn't", "my transfer is in no way"]),
    ("my transfer was", &["my transfer wasn't", "my transfer was never"]),
    ("my payment was", &["my payment was not", "my payment was by no means"]),
    ("i can", &["I cannot", "I can't", "I can never", "I can hardly", "I can ill"]),
    ("i have", &["I have never", "I haven't", "I have yet to have", "I no longer have"]),
    ("i was", &["I was not", "I wasn't", "I narrowly avoided being"]),
    ("i want to", &["I don't want to", "I want not to", "I am loath to", "I hate to"]),
    ("i need to", &["I needn't", "I do not need to", "I am spared having to"]),
    ("i would like to", &["I wouldn't like to", "I would dislike to", "I would decline to"]),
    ("i made", &["I never made", "I didn't make", "I neglected to make", "I forgot to make"]),
    ("i received", &["I did not receive", "I never received", "I missed out on"]),
    ("i got", &["I never got", "I didn't get", "I missed"]),
    ("i tried", &["I never tried", "I omitted to try", "I avoided trying"]),
    ("will i be", &["won't I be", "will I avoid being"]),
];

/// Opposites.
pub const OPPOSITES: Table = &[
    ("activate", &["deactivate", "disable", "suspend"]),
    ("activation", &["deactivation", "suspension"]),
    ("top up", &["withdraw from", "drain", "empty"]),
    ("withdraw", &["deposit", "pay in", "bank"]),
    ("withdrawal", &["deposit", "payment in"]),
    ("deposited", &["withdrew", "took out"]),
    ("send", &["receive", "get back"]),
    ("sent", &["received", "got"]),
    ("receive", &["send", "forward"]),
    ("declined", &["accepted", "approved", "waved through"]),
    ("rejected", &["approved", "passed"]),
    ("lost", &["found", "recovered", "won"]),
    ("stolen", &["returned", "handed back"]),
    ("cancel", &["confirm", "authorise", "repeat"]),
    ("pending", &["completed", "settled", "done"]),
    ("failed", &["succeeded", "went through", "worked"]),
    ("order", &["return", "send back"]),
    ("expire", &["renew", "last"]),
    ("expires", &["renews", "begins"]),
    ("block", &["unblock", "release", "free"]),
    ("unblock", &["block", "seize"]),
    ("blocked", &["unblocked", "freed"]),
    ("physical", &["virtual", "digital", "intangible"]),
    ("virtual", &["physical", "plastic", "tangible"]),
    ("charged", &["refunded", "reimbursed", "credited"]),
    ("refund", &["charge", "surcharge", "invoice"]),
    ("free", &["paid", "chargeable", "costly"]),
    ("link", &["unlink", "separate", "sever"]),
    ("add", &["remove", "delete", "strip"]),
    ("open", &["close", "shut down", "wind up"]),
    ("close", &["open", "reopen"]),
    ("more", &["less", "fewer"]),
    ("before", &["after", "following"]),
    ("after", &["before", "ahead of"]),
    ("maximum", &["minimum", "least"]),
    ("high", &["low", "modest"]),
    ("wrong", &["right", "correct", "proper"]),
    ("debit", &["credit"]),
    ("allowed", &["forbidden", "banned", "barred"]),
    ("accept", &["reject", "turn away", "refuse"]),
    ("verify", &["falsify", "refute"]),
    ("new", &["old", "used", "worn"]),
    ("international", &["domestic", "national", "inland"]),
    ("disappeared", &["appeared", "turned up"]),
    ("remember", &["forget"]),
    ("forgot", &["remembered", "memorised"]),
    ("increase", &["decrease", "lower", "trim"]),
    ("fast", &["slow", "sluggish"]),
];

/// Names, by which the answer goes.
pub const NAMES: Table = &[
    ("visa", &["Amex", "Maestro", "Mastercard", "Discover"]),
    ("mastercard", &["Visa", "Diners Club", "UnionPay"]),
    ("american express", &["Visa", "JCB"]),
    ("apple pay", &["Samsung Pay", "Garmin Pay", "Alipay"]),
    ("apple", &["Samsung", "Huawei", "Fitbit"]),
    ("google pay", &["Apple Pay", "Venmo", "WeChat Pay"]),
    ("google", &["Amazon", "Yahoo"]),
    ("us", &["Canada", "Brazil"]),
    ("uk", &["Norway", "Ireland", "USA"]),
    ("eu", &["ASEAN", "Commonwealth"]),
    ("europe", &["Africa", "South America", "Asia"]),
    ("china", &["Japan", "Vietnam"]),
    ("france", &["Spain", "Portugal"]),
    ("pin", &["CVV", "IBAN", "username", "TAN"]),
    ("atm", &["till", "kiosk", "post office", "branch"]),
    ("swift", &["SEPA", "ACH"]),
    ("sepa", &["SWIFT", "CHAPS"]),
    ("passport", &["birth certificate", "driving licence"]),
    ("iphone", &["Pixel", "ThinkPad"]),
];

/// Directions.
pub const REVERSALS: Table = &[
    ("to my account", &["from my account"]),
    ("into my account", &["out of my account"]),
    ("from my account", &["to my account", "into my account"]),
    ("to my card", &["from my card"]),
    ("onto my card", &["off my card"]),
    ("to a friend", &["from a friend"]),
    ("to my friend", &["from my friend"]),
    ("from a friend", &["to a friend"]),
    ("to my bank", &["from my bank"]),
    ("from my bank", &["to my bank"]),
    ("to another account", &["from another account"]),
    ("from another bank", &["to another bank"]),
    ("to someone", &["from someone"]),
    ("from someone", &["to someone"]),
    ("you sent me", &["I sent you"]),
    ("to china", &["from China"]),
    ("to the us", &["from the US"]),
    ("from the us", &["to the US"]),
    ("to europe", &["from Europe"]),
];

/// Times.
pub const DATES: Table = &[
    ("yesterday", &["today", "last month", "on Boxing Day", "the other day", "a moment ago"]),
    ("today", &["yesterday", "tomorrow", "on payday", "last spring", "at Whitsun"]),
    ("tomorrow", &["next week", "today", "in due course", "on Monday"]),
    ("this morning", &["last night", "at dusk", "this afternoon", "at lunchtime"]),
    ("last night", &["this morning", "at dawn", "at teatime"]),
    ("last week", &["last month", "this week", "in Lent", "yesterday"]),
    ("last month", &["last week", "last year", "at harvest"]),
    ("last year", &["this year", "in 2019"]),
    ("last few days", &["last few months", "last few minutes"]),
    ("a week ago", &["a year ago", "an hour ago", "ages ago"]),
    ("weeks ago", &["hours ago", "aeons ago", "years ago"]),
    ("days ago", &["minutes ago", "months ago", "semesters ago"]),
    ("this week", &["next week", "last week", "this term"]),
    ("next week", &["this week", "next year"]),
    ("saturday", &["Tuesday", "Pancake Day"]),
    ("saturdays", &["Tuesdays", "bank holidays"]),
    ("weekend", &["weekday", "holidays"]),
    ("weekends", &["weekdays", "holidays"]),
    ("earlier today", &["earlier this year", "late yesterday"]),
    ("recently", &["in my childhood", "long ago", "in March"]),
    ("right now", &["next summer", "at Hanukkah"]),
    ("earlier", &["at daybreak", "in April", "years back"]),
    ("just now", &["in the eighties", "last autumn"]),
    ("immediately", &["next Friday", "at year's end"]),
];

/// Units.
pub const UNITS: Table = &[
    ("pounds", &["dollars", "dirhams", "shekels", "euros", "rand"]),
    ("pound", &["dollar", "ringgit", "shilling"]),
    ("dollars", &["pounds", "yen", "forints"]),
    ("dollar", &["euro", "dinar"]),
    ("euros", &["pounds", "francs", "bahts"]),
    ("euro", &["pound", "leu"]),
    ("£", &["$", "€", "CHF "]),
    ("$", &["£", "€", "R$"]),
    ("gbp", &["USD", "AED", "ZAR"]),
    ("usd", &["EUR", "HUF", "THB"]),
    ("eur", &["GBP", "CZK"]),
    ("aud", &["NZD", "USD", "BRL"]),
    ("hours", &["days", "seconds", "semesters"]),
    ("hour", &["week", "nanosecond"]),
    ("days", &["months", "hours", "lunar months"]),
    ("day", &["decade", "minute"]),
    ("weeks", &["days", "years", "fortnights", "shifts"]),
    ("week", &["month", "trimester", "year"]),
    ("month", &["day", "season"]),
    ("minutes", &["days", "jiffies"]),
    ("years", &["months", "lustra"]),
    ("year", &["week", "semester"]),
];

/// So many changes of one question at most.
const CHANGES_MAX: usize = 2;

/// Pairs of a question and itself changed by one row of a table.
pub fn made(questions: &[Question], chance: &Chance, table: Table) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for question in questions {
        let changes = table.iter().filter(|(phrase, _)| find(&question.text, phrase).is_some());
        for (phrase, others) in changes.take(CHANGES_MAX) {
            let other = replace(&question.text, phrase, one(chance, others));
            pairs.extend(other.map(|other| Pair { one: question.text.clone(), other }));
        }
    }
    shuffled(chance, pairs)
}

/// Names changed; every other pair is written without capitals, as people do.
pub fn names(questions: &[Question], chance: &Chance, table: Table) -> Vec<Pair> {
    // "us" is a country only in capitals.
    let meant = |pair: &Pair| pair.other.contains("Canada") <= pair.one.contains("US");
    let mut pairs: Vec<Pair> = made(questions, chance, table).into_iter().filter(meant).collect();
    for pair in pairs.iter_mut().step_by(2) {
        pair.one = pair.one.to_lowercase();
        pair.other = pair.other.to_lowercase();
    }
    pairs
}

/// What may be exchanged for what, for questions whose two currencies change places.
const CURRENCIES: &[&str] = &["GBP", "AUD", "USD", "EUR", "JPY", "SEK", "PLN", "TRY"];

/// Directions turned round: "from" for "to", and what stands on either side of "to" in each other's place.
pub fn reversed(questions: &[Question], chance: &Chance, table: Table) -> Vec<Pair> {
    let mut pairs = made(questions, chance, table);
    for question in questions {
        let held = CURRENCIES.iter().filter_map(|name| find(&question.text, name).map(|at| (at, *name)));
        let mut held: Vec<(usize, &str)> = held.collect();
        held.sort_unstable();
        let [(_, first), (_, second)] = held[..] else { continue };
        let between =
            [" to ", " into ", " for ", " instead of "].iter().any(|word| question.text.contains(word));
        if !between {
            continue;
        }
        // As it was asked, and once more about others, so that no one pair of currencies is all there is.
        let (from, to) = (chance.below(4), 4 + chance.below(4));
        for (a, b) in [(first, second), (CURRENCIES[from], CURRENCIES[to])] {
            let say = |a: &str, b: &str| {
                replace(&question.text, first, "\u{1}")
                    .and_then(|text| replace(&text, second, b))
                    .map(|text| text.replace('\u{1}', a))
            };
            pairs.extend(
                say(a, b)
                    .zip(say(b, a))
                    .map(|(one, other)| Pair { one: capitalised(&one), other: capitalised(&other) }),
            );
        }
    }
    shuffled(chance, pairs)
}
