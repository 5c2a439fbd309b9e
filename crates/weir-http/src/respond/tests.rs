//! Durations in headers, to the hundredth of a millisecond.

use std::time::Duration;

use super::ms_to_hundredths;

#[test]
fn a_duration_has_two_digits_after_the_point_and_one_before_it() {
    for (us, expected) in [
        (0, "0.00"),
        (9, "0.00"),
        (10, "0.01"),
        (999, "0.99"),
        (1_000, "1.00"),
        (1_234_567, "1234.56"),
        (u64::MAX, "18446744073709551.61"),
    ] {
        let mut text = String::new();
        ms_to_hundredths(&mut text, Duration::from_micros(us));
        assert_eq!(text, expected);
    }
}
