//! The circuit: opens on faults in a row, probes one at a time, closes on success.

use proptest::prelude::*;
use weir_testkit::at;

use crate::circuit::Circuit;

fn opened(circuit: &mut Circuit, ms: u64) {
    for _ in 0..10 {
        assert!(circuit.allows(at(ms)));
        circuit.sent(at(ms));
        circuit.failed(at(ms));
    }
}

#[test]
fn ten_faults_in_a_row_open_it_and_one_probe_closes_it() {
    let mut circuit = Circuit::new();
    opened(&mut circuit, 0);
    assert!(!circuit.allows(at(4_999)));
    assert!(circuit.allows(at(5_000)));
    circuit.sent(at(5_000));
    assert!(!circuit.allows(at(5_000)), "one probe at a time");
    circuit.succeeded();
    assert!(circuit.is_closed() && circuit.allows(at(5_000)));
}

#[test]
fn a_success_between_faults_keeps_it_closed() {
    let mut circuit = Circuit::new();
    for _ in 0..100 {
        for _ in 0..9 {
            circuit.failed(at(0));
        }
        circuit.succeeded();
    }
    assert!(circuit.is_closed());
}

#[test]
fn a_failed_probe_doubles_the_pause_up_to_twenty_seconds() {
    let mut circuit = Circuit::new();
    opened(&mut circuit, 0);
    let mut now = 0;
    for pause in [5_000, 10_000, 20_000, 20_000] {
        assert!(!circuit.allows(at(now + pause - 1)));
        now += pause;
        assert!(circuit.allows(at(now)));
        circuit.sent(at(now));
        circuit.failed(at(now));
    }
}

#[test]
fn a_probe_that_says_nothing_lets_the_next_one_go() {
    let mut circuit = Circuit::new();
    opened(&mut circuit, 0);
    circuit.sent(at(5_000));
    circuit.undecided();
    assert!(circuit.allows(at(5_000)) && !circuit.is_closed());
}

proptest! {
    #[test]
    fn never_more_than_one_probe_is_out(steps in prop::collection::vec((0u8..4, 0u64..3_000), 0..300)) {
        let mut circuit = Circuit::new();
        let (mut now, mut probes) = (0, 0_i32);
        for (step, wait) in steps {
            now += wait;
            match step {
                0 | 1 if circuit.allows(at(now)) => {
                    let shut = !circuit.is_closed();
                    circuit.sent(at(now));
                    if shut {
                        probes += 1;
                        prop_assert!(probes <= 1);
                    }
                }
                2 => { circuit.failed(at(now)); probes = 0; }
                3 => { circuit.succeeded(); probes = 0; }
                _ => {}
            }
        }
    }
}
