//! What is said of the numbers: medians, ratios, tables, and the configurations that are generated.

use super::contender::{Contender, Gateway, version_number};
use super::machine::Machine;
use super::measure::Measure;
use super::results::{Results, median, ratio, with_thousands};
use super::setup::{Ports, TOKEN, weir};

#[test]
fn a_median_is_the_middle_or_the_mean_of_two() {
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
}

#[test]
fn a_ratio_that_would_mislead_is_a_dash() {
    assert_eq!(ratio(3.0, Some(2.0)), "1.50");
    for other in [None, Some(0.0), Some(-0.1)] {
        assert_eq!(ratio(3.0, other), "-");
    }
    assert_eq!(ratio(-0.1, Some(2.0)), "-");
}

#[test]
fn whole_numbers_have_commas() {
    for (digits, expected) in [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-123456", "-123,456")] {
        assert_eq!(with_thousands(digits), expected);
    }
}

#[test]
fn versions_are_found_in_what_programs_say() {
    for (text, expected) in [
        ("nginx version: nginx/1.22.1", "1.22.1"),
        ("HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/", "2.6.12"),
        ("weir 0.1.0", "0.1.0"),
    ] {
        assert_eq!(version_number(text).as_deref(), Some(expected));
    }
}

#[test]
fn the_key_in_the_configuration_is_the_hash_and_not_the_token() {
    let text = weir(Ports { gateway: 1, admin: 2, upstream: 3 });
    assert!(!text.contains(TOKEN));
    assert!(text.contains(&format!("hash = \"blake3:{}\"", blake3::hash(TOKEN.as_bytes()).to_hex())));
}

#[test]
fn tables_show_medians_and_ratios() {
    let installed = |gateway: Gateway| Contender::Installed {
        gateway,
        binary: gateway.name().into(),
        version: "1.0".to_owned(),
    };
    let contenders = [installed(Gateway::Weir), installed(Gateway::Nginx)];
    let machine = Machine {
        cpu: "CPU".to_owned(),
        cpus: 2,
        kernel: "6".to_owned(),
        load_average: 0.0,
        congestion_control: "reno".to_owned(),
    };
    let mut results = Results::new(machine, &contenders, 5, 3);
    for (contender, starts) in contenders.iter().zip([[9.0, 30.0, 10.0], [20.0, 21.0, 19.0]]) {
        for start in starts {
            results.add(Measure::ColdStart, contender, vec![Some(start)]);
        }
    }
    let markdown = results.markdown();
    assert!(markdown.contains("| weir | 10.0 |\n| nginx | 20.0 |"), "{markdown}");
    let ratios = "| (e) start to first 200, ms | less | 10.0 | 20.0 | 0.50 |";
    assert!(markdown.contains(ratios), "{markdown}");
    assert!(markdown.contains("command: cargo xtask bench gateway --seconds 5 --repeat 3"), "{markdown}");
    assert!(results.human().contains("  weir                       10.0\n"), "{}", results.human());
}
