//! What others may have written is no answer; what we wrote is the same answer again.

use bytes::Bytes;
use proptest::prelude::*;

use crate::entry::{Entry, Labels, Moment};
use crate::sealed::{LABELS_WITHIN, Seal, labels};

fn entry(body: Vec<u8>, cuts: Vec<u8>, tag: &str) -> Entry {
    Entry {
        body: body.into(),
        cuts: cuts.into(),
        made: Moment(1_000_000_000_000),
        fresh_ms: 3_600_000,
        revision: u64::MAX - 1,
        labels: Labels { tenant: "payroll".into(), model: "m".into(), tag: tag.into() },
    }
}

proptest! {
    #[test]
    fn what_was_closed_opens_again_for_its_own_key_and_secret_alone(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        cuts in proptest::collection::vec(any::<u8>(), 0..50),
        tag in "[a-z]{0,64}",
    ) {
        let (seal, kept) = (Seal::of(&[1; 32]), entry(body, cuts, &tag));
        let closed = seal.close(&[7; 32], &kept);
        prop_assert_eq!(seal.open(&[7; 32], closed.clone()), Some(kept.clone()));
        prop_assert_eq!(seal.open(&[8; 32], closed.clone()), None);
        prop_assert_eq!(Seal::of(&[2; 32]).open(&[7; 32], closed.clone()), None);
        let beginning = closed[..closed.len().min(LABELS_WITHIN)].to_vec();
        prop_assert_eq!(labels(beginning), Some(kept.labels));
    }

    #[test]
    fn no_change_goes_unseen(at in any::<prop::sample::Index>(), flip in 1..=255_u8, cut in any::<bool>()) {
        let seal = Seal::of(&[1; 32]);
        let mut closed = seal.close(&[7; 32], &entry(b"answer".to_vec(), vec![1, 2], "t"));
        let at = at.index(closed.len());
        if cut { closed.truncate(at) } else { closed[at] ^= flip }
        prop_assert_eq!(seal.open(&[7; 32], closed), None);
    }

    #[test]
    fn bytes_of_no_kind_make_it_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Seal::of(&[1; 32]).open(&[7; 32], bytes.clone()), None);
        labels(bytes);
    }
}

#[test]
fn labels_that_are_cut_off_are_none() {
    let closed = Seal::of(&[1; 32]).close(&[7; 32], &entry(Vec::new(), Vec::new(), &"t".repeat(5000)));
    assert_eq!(labels(Bytes::from(closed).slice(..LABELS_WITHIN).to_vec()), None);
}
