use super::sample::bundle;
use plonky2::field::types::Field;
use proptest::prelude::*;
use zektra_statement::field::F;
use zektra_verify::bundle::{Bundle, MAX_BYTES};
use zektra_verify::envelope::Envelope;
use zektra_verify::known::Trusted;
use zektra_verify::verify::{Refused, verify};

fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = blake3::hash(&body);
    body.extend(checksum.as_bytes());
    body
}

#[test]
fn a_bundle_and_an_envelope_round_trip() {
    let b = bundle();
    assert_eq!(Bundle::decode(&b.encode()), Ok(b.clone()));
    assert_eq!(Envelope::decode(&b.proof.encode()), Ok(b.proof));
}

#[test]
fn what_is_no_bundle_is_named() {
    let good = bundle().encode();
    let field = |bytes: &[u8]| Bundle::decode(bytes).unwrap_err().field;
    assert_eq!(field(b""), "magic");
    assert_eq!(field(b"ZKFILE1\n and more"), "magic");
    let mut other = good.clone();
    other[8] = 2;
    assert_eq!(Bundle::decode(&other).unwrap_err().to_string(), "version, byte 8: 2, expected 1");
    let mut other = good.clone();
    other[100] ^= 1;
    assert_eq!(field(&other), "checksum");
    assert_eq!(field(&good[..30]), "checksum");
    assert_eq!(field(&vec![0; MAX_BYTES + 1]), "size");
    // Behind the end, with a right checksum.
    let mut body = good[..good.len() - 32].to_vec();
    body.push(0);
    assert_eq!(field(&with_checksum(body)), "end");
}

#[test]
fn an_element_beyond_p_is_refused() {
    let mut bytes = bundle().proof.encode();
    // Version, length and text of the system, circuit, number of elements.
    let at = 4 + 4 + 29 + 32 + 4;
    assert_eq!(bytes[at..at + 8], 0u64.to_le_bytes());
    bytes[at..at + 8].copy_from_slice(&zektra_statement::field::P.to_le_bytes());
    let e = Envelope::decode(&bytes).unwrap_err();
    assert_eq!((e.field.as_str(), e.offset), ("envelope.public_inputs[0]", at));
}

proptest! {
    /// With a right checksum, so that the reader itself is tried.
    #[test]
    fn a_cut_body_is_refused(cut in any::<prop::sample::Index>()) {
        let good = bundle().encode();
        let body = &good[..cut.index(good.len() - 32)];
        prop_assert!(Bundle::decode(&with_checksum(body.to_vec())).is_err());
    }

    #[test]
    fn a_flipped_bit_is_refused_or_another_bundle(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let good = bundle().encode();
        let mut body = good[..good.len() - 32].to_vec();
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        let bytes = with_checksum(body);
        if let Ok(other) = Bundle::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes.clone());
            prop_assert!(other != bundle());
        }
        prop_assert!(verify(&bytes, &Trusted::pinned()).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(matches!(verify(&bytes, &Trusted::pinned()), Err(Refused::Unreadable(_))));
        let good = bundle().encode();
        let mut body = good[..12].to_vec();
        body.extend(&bytes);
        prop_assert!(Bundle::decode(&with_checksum(body)).is_err());
        if let Ok(e) = Envelope::decode(&bytes) {
            prop_assert_eq!(e.encode(), bytes);
        }
    }

    #[test]
    fn envelopes_round_trip(values in prop::collection::vec(any::<u32>(), 0..20), proof in prop::collection::vec(any::<u8>(), 0..50)) {
        let public_inputs = values.into_iter().map(F::from_canonical_u32).collect();
        let e = Envelope { public_inputs, proof, ..bundle().proof };
        prop_assert_eq!(Envelope::decode(&e.encode()), Ok(e));
    }
}
