//! Names go in and come out the same; a wrong one says which are right.

use super::*;

#[test]
fn every_profile_is_found_by_the_name_it_prints() {
    for profile in Profile::ALL {
        assert_eq!(profile.to_string().parse(), Ok(profile));
    }
}

#[test]
fn a_wrong_name_is_answered_with_the_right_ones() {
    let error = "stormy".parse::<Profile>().expect_err("no such profile").to_string();
    assert_eq!(error, r#"no profile is named "stormy": use one of calm, peak, outage, slow, instant"#);
}
