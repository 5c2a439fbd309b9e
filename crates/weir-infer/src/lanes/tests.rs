//! Lanes: who sits where.

use super::*;

#[test]
fn the_emptiest_lane_is_taken_and_equals_take_turns() {
    let check = |counts: &[usize], usual, turn, expected| {
        let in_flight = |lane: usize| counts.get(lane).copied().unwrap_or(0);
        assert_eq!(choose(in_flight, usual, turn), expected, "{counts:?} from {turn}");
    };
    check(&[0, 0, 0, 0], 4, 0, 0);
    check(&[0, 0, 0, 0], 4, 6, 2);
    check(&[2, 1, 1, 2], 4, 0, 1);
    check(&[2, 1, 1, 2], 4, 2, 2);
    check(&[5, 5, 5, 4], 4, usize::MAX, 3);
    check(&[64, 64, 64, 63], 4, 0, 3);
    check(&[64, 64, 64, 64], 4, 0, 4);
    check(&[64, 64, 64, 64, 64, 9], 4, 0, 5);
    check(&[70, 1], 1, 0, 1);
    check(&[65; LANES_MAX], 4, 7, 7);
    let mut full = [65; LANES_MAX];
    full[40] = 64;
    check(&full, 4, 7, 40);
}

#[test]
fn seats_are_given_back_and_services_do_not_share_them() {
    let lanes = Lanes::new(4);
    let (one, other) = (Authority::from_static("a.example"), Authority::from_static("b.example:8443"));
    let seats: Vec<Seat> = (0..12).map(|_| lanes.seat(&one)).collect();
    let at = |lane: usize| seats.iter().filter(|seat| seat.lane() == lane).count();
    assert_eq!([at(0), at(1), at(2), at(3)], [3, 3, 3, 3]);
    let elsewhere = lanes.seat(&other);
    let count = |service: &Authority| {
        let counts = lanes.counts(service);
        counts.in_flight.iter().map(|count| count.load(Ordering::Relaxed)).sum::<usize>()
    };
    assert_eq!((count(&one), count(&other)), (12, 1));
    drop((seats, elsewhere));
    assert_eq!((count(&one), count(&other)), (0, 0));
}

#[test]
fn there_is_always_a_lane() {
    for usual in [0, 1, LANES_MAX, usize::MAX] {
        let lanes = Lanes::new(usual);
        assert!(lanes.seat(&Authority::from_static("a.example")).lane() < LANES_MAX, "{usual}");
    }
}
