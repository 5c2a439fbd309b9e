//! What each profile decides, at fixed times.

use super::*;

fn decisions(profile: Profile, seconds: u64) -> Vec<Decision> {
    let mut service = Service::new(profile, 1, Duration::ZERO);
    let mut chance = Chance::new(1);
    let arrive = |second| {
        let pace = service.idle_pace(&mut chance);
        service.arrive(Duration::from_secs(second), Shape::OpenAi, pace)
    };
    (0..seconds).map(arrive).collect()
}

#[test]
fn calm_slow_and_instant_never_refuse() {
    for profile in [Profile::Calm, Profile::Slow, Profile::Instant] {
        assert!(decisions(profile, 300).iter().all(|decision| matches!(decision, Decision::Run { .. })));
    }
}

#[test]
fn instant_waits_for_nothing() {
    let Decision::Run { pace, .. } = &decisions(Profile::Instant, 1)[0] else {
        panic!("instant refuses nothing")
    };
    assert_eq!((pace.first, pace.between), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn slow_first_tokens_take_three_to_twenty_seconds() {
    for decision in decisions(Profile::Slow, 200) {
        let Decision::Run { pace, .. } = decision else { panic!("slow refuses nothing") };
        assert!((3..=20).contains(&pace.first.as_secs()), "{:?}", pace.first);
    }
}

#[test]
fn an_outage_answers_nothing_and_has_spells_of_both_kinds() {
    let decisions = decisions(Profile::Outage, 120);
    let refused = decisions.iter().filter(|decision| matches!(decision, Decision::Refuse { .. })).count();
    let reset = decisions.iter().filter(|decision| matches!(decision, Decision::Reset)).count();
    assert_eq!(refused + reset, 120);
    assert!(refused > 20 && reset > 20, "{refused} refused, {reset} reset");
}

#[test]
fn anthropic_callers_are_told_529() {
    let mut service = Service::new(Profile::Outage, 1, Duration::ZERO);
    let pace = service.idle_pace(&mut Chance::new(1));
    match service.arrive(Duration::ZERO, Shape::Anthropic, pace) {
        Decision::Refuse { refusal, .. } => assert_eq!(refusal.status.as_u16(), 529),
        _ => panic!("an outage begins with refusals"),
    }
}
