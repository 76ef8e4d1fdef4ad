use proptest::prelude::*;
use zektra_he::log::LabelLog;
use zektra_he::ring::{Poly, PolyError};
use zektra_he::seat::SeatSecret;
use zektra_statement::field::{P, POLY_BYTES};
use zeroize::Zeroizing;

fn seat(name: &str, epoch: u32, seed: u8) -> SeatSecret {
    SeatSecret::from_seed(name, epoch, Zeroizing::new([seed; 32]))
}

#[test]
fn a_changed_or_truncated_seat_file_is_refused() {
    let file = seat("hospital", 3, 7).to_file();
    for at in 0..file.len() {
        for bit in [0, 3, 7] {
            let mut bytes = file.to_vec();
            bytes[at] ^= 1 << bit;
            assert!(SeatSecret::from_file(&bytes).is_err(), "byte {at}");
        }
        assert!(SeatSecret::from_file(&file[..at]).is_err(), "{at} bytes");
    }
    let mut longer = file.to_vec();
    longer.push(0);
    assert!(SeatSecret::from_file(&longer).is_err());
}

/// What is printed of a seat holds nothing secret.
#[test]
fn a_seat_prints_without_its_secrets() {
    let seat = seat("hospital", 3, 0xab);
    let shown = format!("{seat:?}");
    assert!(shown.contains("hospital") && !shown.contains("abab") && !shown.contains("171, 171"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn seats_round_trip(name in ".{0,40}", epoch: u32, seed: u8) {
        let first = seat(&name, epoch, seed);
        let again = SeatSecret::from_file(&first.to_file()).unwrap();
        prop_assert_eq!(again.public(), first.public());
        prop_assert_eq!(&again.to_file()[..], &first.to_file()[..]);
    }

    #[test]
    fn random_bytes_are_no_seat(mut bytes in prop::collection::vec(any::<u8>(), 0..200), magic: bool) {
        if magic && bytes.len() >= 8 {
            bytes[..8].copy_from_slice(b"ZKSEAT1\n");
        }
        prop_assert!(SeatSecret::from_file(&bytes).is_err());
    }

    #[test]
    fn random_bytes_are_no_log(bytes in prop::collection::vec(any::<u8>(), 0..300), header: bool) {
        let key = seat("a", 0, 1).commitment();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut content = if header { [&b"ZKLABEL1"[..], &key.to_bytes()].concat() } else { vec![] };
        content.extend(&bytes);
        std::fs::write(&path, &content).unwrap();
        // Either refused, or nothing of the random tail is believed.
        if let Ok(log) = LabelLog::open(&path, &key) {
            prop_assert!(header && log.is_empty() && bytes.len() < 72);
        }
    }

    #[test]
    fn a_polynomial_with_another_length_or_a_large_coefficient_is_refused(
        length in 0usize..3 * POLY_BYTES, at in 0usize..4096, value in P..=u64::MAX,
    ) {
        if length != POLY_BYTES {
            prop_assert_eq!(Poly::from_bytes(&vec![0; length]), Err(PolyError::Length(length)));
        }
        let mut bytes = vec![0; POLY_BYTES];
        bytes[at * 8..][..8].copy_from_slice(&value.to_le_bytes());
        prop_assert_eq!(Poly::from_bytes(&bytes), Err(PolyError::Range(at * 8)));
    }
}
