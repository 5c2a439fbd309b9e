//! The circuit against a naive one that keeps every sample and counts anew at each question.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use crate::circuit::{Circuit, Fault, Pass};

/// The same rules, written as they are said.
struct Naive {
    state: State,
    /// Every call sent, by number.
    calls: Vec<Call>,
    samples: Vec<Sample>,
    in_a_row: usize,
    openings: u32,
    /// Calls before this one belong to another time.
    first_of_era: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Closed,
    Open(u64),
    HalfOpen { good: usize },
}

#[derive(Clone, Copy)]
struct Call {
    probe: bool,
    /// The sample that its first token left.
    began: Option<usize>,
    over: bool,
}

#[derive(Clone, Copy)]
struct Sample {
    ms: u64,
    fault: bool,
    slow: bool,
}

impl Naive {
    fn probes_out(&self) -> usize {
        self.calls[self.first_of_era..]
            .iter()
            .filter(|call| call.probe && call.began.is_none() && !call.over)
            .count()
    }

    fn allows(&self, ms: u64) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(until) => ms >= until,
            State::HalfOpen { .. } => self.probes_out() < 3,
        }
    }

    fn sent(&mut self, ms: u64) {
        let probe = self.state != State::Closed && self.allows(ms);
        if let (State::Open(_), true) = (self.state, probe) {
            self.state = State::HalfOpen { good: 0 };
        }
        self.calls.push(Call { probe, began: None, over: false });
    }

    fn began(&mut self, call: usize, slow: bool, ms: u64) {
        if call < self.first_of_era || self.calls[call].began.is_some() {
            return;
        }
        self.samples.push(Sample { ms, fault: false, slow });
        self.calls[call].began = Some(self.samples.len() - 1);
        match self.state {
            State::Closed => {
                self.in_a_row = 0;
                self.open_if_ailing(ms);
            }
            State::Open(_) => self.state = State::HalfOpen { good: 1 },
            State::HalfOpen { good: 2 } => {
                self.openings = 0;
                self.turn(State::Closed);
            }
            State::HalfOpen { good } => self.state = State::HalfOpen { good: good + 1 },
        }
    }

    fn failed(&mut self, call: usize, slow: bool, ms: u64) {
        self.calls[call].over = true;
        if call < self.first_of_era {
            return;
        }
        let Call { probe, began, .. } = self.calls[call];
        match self.state {
            State::Closed => {
                self.in_a_row += 1;
                match began.filter(|sample| remembered(self.samples[*sample].ms, ms)) {
                    Some(sample) => self.samples[sample].fault = true,
                    None => self.samples.push(Sample { ms, fault: true, slow }),
                }
                self.open_if_ailing(ms);
            }
            State::HalfOpen { .. } if probe => self.open(ms),
            State::HalfOpen { .. } | State::Open(_) => {}
        }
    }

    fn open_if_ailing(&mut self, ms: u64) {
        let lately: Vec<_> = self.samples.iter().filter(|sample| remembered(sample.ms, ms)).collect();
        let good = lately.iter().filter(|sample| !sample.fault).count();
        let slow = lately.iter().filter(|sample| sample.slow).count();
        let too_many = good * 10 < lately.len() * 4 || slow * 10 > lately.len() * 6;
        if self.in_a_row >= 10 || (lately.len() >= 20 && too_many) {
            self.open(ms);
        }
    }

    fn open(&mut self, ms: u64) {
        let pause = [5_000, 10_000, 20_000][(self.openings as usize).min(2)];
        self.openings += 1;
        self.turn(State::Open(ms + pause));
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.first_of_era = self.calls.len();
        self.samples.clear();
        self.in_a_row = 0;
    }

    fn name(&self, ms: u64) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open(until) if ms < until => "open",
            _ => "half-open",
        }
    }
}

/// Ten slots of three seconds: the one of now and the nine before it.
fn remembered(then: u64, now: u64) -> bool {
    now / 3_000 - then / 3_000 < 10
}

fn fault(slow: bool) -> Fault {
    Fault { slow, asked: Duration::ZERO, jitter: 0.0 }
}

/// Waits in milliseconds and what then happens to which call: mostly calls that end at once, so that much
/// happens.
fn steps(faults: u32) -> impl Strategy<Value = Vec<(u64, u8, prop::sample::Index)>> {
    let wait = prop_oneof![6 => 0u64..200, 3 => 0u64..3_000, 1 => 0u64..40_000];
    let what = prop_oneof![
        4 => Just(0u8), // send
        3 => Just(1u8), // a first token
        1 => Just(2u8), // a slow one
        faults => Just(3u8),
        1 => Just(4u8), // a time limit overrun
        1 => Just(5u8), // nothing told
    ];
    prop::collection::vec((wait, what, any::<prop::sample::Index>()), 0..400)
}

fn compare(steps: Vec<(u64, u8, prop::sample::Index)>) -> Result<(), TestCaseError> {
    let mut circuit = Circuit::new(at(0));
    let mut naive = Naive {
        state: State::Closed,
        calls: Vec::new(),
        samples: Vec::new(),
        in_a_row: 0,
        openings: 0,
        first_of_era: 0,
    };
    let mut out: Vec<(usize, Pass)> = Vec::new();
    let mut ms = 0;
    for (wait, what, which) in steps {
        ms += wait;
        let now = at(ms);
        if what == 0 || out.is_empty() {
            out.push((naive.calls.len(), circuit.sent(now)));
            naive.sent(ms);
        } else if what <= 2 {
            let which = which.index(out.len());
            let (call, pass) = &mut out[which];
            circuit.began(pass, what == 2, 0.0, now);
            naive.began(*call, what == 2, ms);
        } else {
            let (call, pass) = out.swap_remove(which.index(out.len()));
            if what == 5 {
                circuit.undecided(&pass);
                naive.calls[call].over = true;
            } else {
                circuit.failed(pass, fault(what == 4), now);
                naive.failed(call, what == 4, ms);
            }
        }
        prop_assert_eq!(circuit.name(now), naive.name(ms));
        prop_assert_eq!(circuit.shut_until(now).is_none(), naive.allows(ms));
        prop_assert!(naive.probes_out() <= 3);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn does_what_the_naive_one_does(steps in steps(2)) {
        compare(steps)?;
    }

    #[test]
    fn does_so_when_most_calls_fail(steps in steps(8)) {
        compare(steps)?;
    }
}
