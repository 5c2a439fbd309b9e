//! Levels of pressure that could not be reached in order.

use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;

/// What each threshold in requests a second does above it.
const DOES: [&str; 3] = ["queues", "answers in a cheaper way", "sheds"];

pub fn check(config: &Config, report: &mut Report<'_>) {
    let Some(qps) = config.pressure.qps else { return };
    let place = Place::top("pressure").key("qps");
    for (index, pair) in qps.windows(2).enumerate().filter(|(_, pair)| pair[0] >= pair[1]) {
        let (lower, upper) = (pair[0], pair[1]);
        let message = format!(
            "`qps` must rise: {} above {upper} requests a second, and {} above {lower} already",
            DOES[index + 1],
            DOES[index]
        );
        let help = match sorted(qps) {
            Some([one, two, three]) => format!("in order: qps = [{one}, {two}, {three}]"),
            None => "write three different numbers, each larger than the one before".to_owned(),
        };
        report.at(Code::Thresholds, &place.item(index + 1), message, help);
    }
}

/// The thresholds in order, if they are three.
fn sorted(mut qps: [u32; 3]) -> Option<[u32; 3]> {
    qps.sort_unstable();
    (qps[0] < qps[1] && qps[1] < qps[2]).then_some(qps)
}
