//! What a trace file may look like, and what is said about one that does not.

use std::time::Duration;

use super::{Trace, timestamp};

fn check_error(content: &str, expected: &str) {
    let error = Trace::parse("t.csv", content.as_bytes()).expect_err("the content is wrong");
    assert_eq!(error.to_string(), expected);
}

fn offsets_ms(content: &str) -> Vec<u128> {
    let trace = Trace::parse("t.csv", content.as_bytes()).unwrap();
    trace.arrivals().iter().map(|arrival| arrival.offset.as_millis()).collect()
}

#[test]
fn the_excerpt_is_whole() {
    let trace = Trace::excerpt();
    let last = trace.arrivals().last().unwrap();
    assert_eq!(trace.arrivals().len(), 600);
    assert_eq!(last.offset, Duration::from_nanos(148_189_130_000));
    assert_eq!((last.context_tokens, last.generated_tokens), (91, 24));
    assert_eq!(trace.arrivals()[0].offset, Duration::ZERO);
}

#[test]
fn azure_files_are_read_as_published() {
    // 2023 writes CRLF and no zone, 2024 a zone.
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens";
    assert_eq!(
        offsets_ms(&format!(
            "{header}\r\n2023-12-31 23:59:59.5000000,1,2\r\n2024-01-01 00:00:00.7500000,3,4\r\n"
        )),
        [0, 1_250]
    );
    assert_eq!(
        offsets_ms(&format!(
            "{header}\n2024-05-10 00:00:00.009930+00:00,1,2\n2024-05-10 00:00:01+00:00,1,2\n"
        )),
        [0, 990]
    );
}

#[test]
fn plain_files_may_name_a_priority() {
    let content = b"arrival_ms,context_tokens,generated_tokens,priority\n0,10,20,9\n7.5,11,21,\n20,12,22,0\n"
        .as_slice();
    let trace = Trace::parse("t.csv", content).unwrap();
    let priorities: Vec<_> =
        trace.arrivals().iter().map(|arrival| arrival.priority.map(|priority| priority.get())).collect();
    assert_eq!(priorities, [Some(9), None, Some(0)]);
    assert_eq!(trace.arrivals()[1].offset, Duration::from_micros(7_500));
}

#[test]
fn rows_out_of_order_are_sorted_and_counted_from_the_first() {
    assert_eq!(
        offsets_ms("arrival_ms,context_tokens,generated_tokens\n900,1,1\n500,1,1\n700,1,1\n"),
        [0, 200, 400]
    );
}

#[test]
fn a_bad_row_is_named_with_file_line_value_and_remedy() {
    let header = "arrival_ms,context_tokens,generated_tokens,priority";
    check_error(
        &format!("{header}\n0,1,1,\n5,-3,1,\n"),
        "t.csv:3: context_tokens is \"-3\"; write a whole number of tokens, 0 to 4294967295",
    );
    for arrival in ["soon", "-1", "nan", "1700158546680590"] {
        check_error(
            &format!("{header}\n{arrival},1,1,\n"),
            &format!(
                "t.csv:2: arrival_ms is {arrival:?}; \
                 write milliseconds from the start, 0 to a year, like 1250 or 1250.5"
            ),
        );
    }
    check_error(
        &format!("{header}\n0,1,1,10\n"),
        "t.csv:2: priority is \"10\"; write 0 (most urgent) to 9, or leave it empty",
    );
    check_error(
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.1,1,1\r\n2023-02-30 18:15:46.1,1,1\r\n",
        "t.csv:3: TIMESTAMP is \"2023-02-30 18:15:46.1\"; write it like 2023-11-16 18:15:46.6805900 (UTC)",
    );
}

#[test]
fn a_short_row_is_a_bad_row() {
    check_error(
        "arrival_ms,context_tokens,generated_tokens\n0,1\n",
        "t.csv:2: generated_tokens is \"\"; write a whole number of tokens, 0 to 4294967295",
    );
}

#[test]
fn a_file_that_is_no_trace_is_refused_as_a_whole() {
    check_error(
        "text,category\nhello,greeting\n",
        "t.csv:1: the header is \"text,category\"; expected `TIMESTAMP,ContextTokens,GeneratedTokens` \
         or `arrival_ms,context_tokens,generated_tokens[,priority]`",
    );
    check_error(
        "arrival_ms,context_tokens,generated_tokens\n",
        "t.csv has no rows; give a file with at least one",
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Trace::read(std::path::Path::new("no/such.csv")).expect_err("there is no such file");
    assert!(error.to_string().starts_with("cannot read no/such.csv: "), "{error}");
}

#[test]
fn timestamps_are_utc_and_must_exist() {
    let seconds = |text| timestamp::parse(text).map(|time| time.as_secs());
    assert_eq!(seconds("1970-01-01 00:00:00"), Some(0));
    assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
    assert_eq!(seconds("2023-11-16 18:15:46.6805900"), Some(1_700_158_546));
    for wrong in [
        "2023-13-01 00:00:00",
        "2023-02-29 00:00:00",
        "2023-01-01 24:00:00",
        "2023-01-01 00:00:00+02:00",
        "2023-01-01",
        "2023-01-01 00:00",
        "2023-01-01 00:00:00.",
        "2023-01-01 00:00:00.0000000001",
        "+2023-01-01 00:00:00",
        "1969-12-31 23:59:59",
    ] {
        assert_eq!(timestamp::parse(wrong), None, "{wrong}");
    }
}
