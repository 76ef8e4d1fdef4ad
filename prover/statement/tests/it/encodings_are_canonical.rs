use proptest::prelude::*;
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit, fingerprint};
use zektra_statement::field::{F, Field, P};

proptest! {
    #[test]
    fn commitments_round_trip(values in prop::array::uniform4(0..P)) {
        let c = Commitment(values);
        prop_assert_eq!(Commitment::from_bytes(&c.to_bytes()), Some(c));
    }

    #[test]
    fn other_bytes_are_refused_or_canonical(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(c) = Commitment::from_bytes(&bytes) {
            prop_assert_eq!(&c.to_bytes()[..], &bytes[..]);
        }
        prop_assert_eq!(Fingerprint::from_bytes(&bytes).is_some(), bytes.len() == 32);
    }

    #[test]
    fn an_element_beyond_p_is_refused(at in 0usize..4, v in P..=u64::MAX) {
        let mut bytes = [0; 32];
        bytes[at * 8..][..8].copy_from_slice(&v.to_le_bytes());
        prop_assert_eq!(Commitment::from_bytes(&bytes), None);
    }

    /// Zeros at the end, and another tag, are other messages.
    #[test]
    fn commitments_separate_length_and_use(values in prop::collection::vec(0..P, 1..20)) {
        let mut elements: Vec<F> = values.iter().map(|&v| F::from_canonical_u64(v)).collect();
        let (c, f) = (commit(Tag::Polynomial, &elements), fingerprint(&elements));
        prop_assert_ne!(commit(Tag::Opened, &elements), c);
        elements.push(F::ZERO);
        prop_assert_ne!(commit(Tag::Polynomial, &elements), c);
        prop_assert_ne!(fingerprint(&elements), f);
        elements.pop();
        elements[0] += F::ONE;
        prop_assert_ne!(commit(Tag::Polynomial, &elements), c);
        prop_assert_ne!(fingerprint(&elements), f);
    }
}
