use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Kem;
use hpke::{Deserializable, OpModeS, Serializable};
use proptest::prelude::*;
use rand_core::{CryptoRng, RngCore};
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{F, Field, P};
use zektra_statement::phase::PhaseTable;
use zektra_statement::release::*;
use zektra_statement::template::{Kind, Params, Template};

/// What is sealed with it is the same every time.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 31)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]));
    }
}

impl CryptoRng for Counter {}

const LOCK: Fingerprint = Fingerprint([3; 32]);

/// One class and column block of 32 columns, or three classes of three blocks.
fn table(wide: bool) -> PhaseTable {
    let params = Params {
        features: if wide { 80 } else { 32 },
        classes: if wide { 3 } else { 1 },
        groups: 1,
        full_batch: false,
        iterations: 1,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 10,
        row_norm: 832,
        range: 256,
    };
    Template { kind: Kind::LinearClassifier, params }.compile().unwrap()
}

fn released(table: &PhaseTable, seed: u64) -> Released {
    let mut rng = Counter(seed);
    let mut element = || F::from_noncanonical_u64(rng.next_u64());
    let mut state = |s: &u16| {
        let share = (0..table.states[usize::from(*s)].length).map(|_| element()).collect();
        (share, [(); 4].map(|()| element()))
    };
    Released { states: table.released.iter().map(&mut state).collect() }
}

fn recorded(released: &Released) -> Vec<Commitment> {
    released.states.iter().map(|(share, salt)| commit_share(share, salt)).collect()
}

fn secret(k: u8) -> ReleaseSecret {
    ReleaseSecret::from_bytes(&[k; 32])
}

fn info(lock: &Fingerprint, member: u32) -> Vec<u8> {
    let mut e = Encoder::new("zektra/release/v1");
    e.bytes(&lock.0).u64(u64::from(member));
    e.finish().to_vec()
}

/// Any plaintext, sealed to any 32 bytes.
fn sealed_to(key: &[u8; 32], plain: &[u8]) -> Option<Sealed> {
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(key).unwrap();
    let done = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem, _>(
        &OpModeS::Base,
        &key,
        &info(&LOCK, 1),
        plain,
        &[],
        &mut Counter(5),
    );
    done.ok().map(|(encapped, ciphertext)| Sealed { encapped: encapped.to_bytes().to_vec(), ciphertext })
}

/// The u-coordinates of low order, below `2^255 − 19`: 0, 1, −1, two of order 8.
fn low_order() -> [[u8; 32]; 5] {
    let read = |text: &str| <[u8; 32]>::try_from(bytes(text)).unwrap();
    [
        [0; 32],
        read("0100000000000000000000000000000000000000000000000000000000000000"),
        read("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        read("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        read("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ]
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|k| u8::from_str_radix(&text[k..k + 2], 16).unwrap()).collect()
}

/// Sealed by another implementation: RFC 9180 in Python, over `cryptography`'s X25519 and ChaCha20-Poly1305.
#[test]
fn whoever_sealed_it() {
    let secret = ReleaseSecret::from_bytes(&std::array::from_fn(|k| k as u8 + 1));
    assert_eq!(secret.public()[..], bytes("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"));
    let sealed = Sealed {
        encapped: bytes("57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421"),
        ciphertext: bytes(
            "19276f452cd1515ddc86fdc2553f24d71419c48775283762de41664d9886cc5528810a5b5370bf65fab16c65c55b7df6\
             9697a6ba7f49e84df58e412fb67d068212dd4c337349ea792a7073045a2a481163d3cd45894c30f6aa7b074edc45273f\
             74b5d9562d5a375310d83ab344f47b7685c8c6350134cbfd474733090014564bd879bae05fb4c46a1a3e183b7b065055\
             7abe4858ecc6b416ccbaaf43a7300470b64565d454d52a6faf24e2977ec3f195352f903e0dacd45ad57192b7ec95b62e\
             b1a4c6223a981c004b39acac8e800cd51b892451292a87b634ac234f4dbb802087a54757c8dbcb702c5577171bd46944\
             293c97d8cb30e1c2929cde951a4ab17ff522b3f583e689d186d4908688881026485ea2045ece8c0beebd2ca884fa8833\
             1a33ba07ab5f539d79c340209879157b",
        ),
    };
    let element = |k: u64| {
        F::from_canonical_u64((u128::from(0x9e37_79b9_7f4a_7c15u64) * u128::from(k + 1) % u128::from(P)) as u64)
    };
    let expected = Released { states: vec![((0..32).map(element).collect(), [32, 33, 34, 35].map(element))] };
    let lock = Fingerprint(std::array::from_fn(|k| k as u8 + 100));
    assert_eq!(sealed.ciphertext.len(), ciphertext_bytes(&table(false)));
    let opened = open(&sealed, &secret, &table(false), &lock, 2, &recorded(&expected));
    assert_eq!(opened, Ok(expected));
}

/// Which bytes ours come to, so that no change goes unseen.
#[test]
fn the_same_way_in_every_version() {
    let table = table(false);
    let sealed = seal(&released(&table, 1), &secret(9).public(), &LOCK, 1, &mut Counter(1)).unwrap();
    let print = blake3::hash(&[&sealed.encapped[..], &sealed.ciphertext].concat());
    assert_eq!(print.to_hex()[..16], *"8cf4950d31945b9c");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn for_one_key_job_and_member(
        seed: u64, key in any::<[u8; 32]>(), lock in any::<[u8; 32]>(), member: u32, wide: bool, at: usize, bit in 0u8..8,
    ) {
        let (table, lock, secret) = (table(wide), Fingerprint(lock), ReleaseSecret::from_bytes(&key));
        check_key(&secret.public()).unwrap();
        let released = released(&table, seed);
        let recorded = recorded(&released);
        let sealed = seal(&released, &secret.public(), &lock, member, &mut Counter(seed)).unwrap();
        prop_assert_eq!(sealed.ciphertext.len(), ciphertext_bytes(&table));
        prop_assert_eq!(&open(&sealed, &secret, &table, &lock, member, &recorded), &Ok(released));
        // Five bits of a scalar are not looked at: it is the same secret.
        let mut clamped = key;
        (clamped[0], clamped[31]) = (key[0] ^ 7, key[31] ^ 0x80);
        let same = ReleaseSecret::from_bytes(&clamped);
        prop_assert_eq!(same.public(), secret.public());
        prop_assert!(open(&sealed, &same, &table, &lock, member, &recorded).is_ok());

        let failed = Err(ReleaseError::Open(member));
        let mut other_key = key;
        other_key[1 + at % 30] ^= 1 << bit;
        prop_assert_eq!(
            &open(&sealed, &ReleaseSecret::from_bytes(&other_key), &table, &lock, member, &recorded), &failed);
        let mut other_lock = lock;
        other_lock.0[at % 32] ^= 1 << bit;
        prop_assert_eq!(&open(&sealed, &secret, &table, &other_lock, member, &recorded), &failed);
        let other = open(&sealed, &secret, &table, &lock, member ^ (1 << (at % 32)), &recorded);
        prop_assert_eq!(other, Err(ReleaseError::Open(member ^ (1 << (at % 32)))));
        let mut changed = sealed.clone();
        let place = at % (32 + sealed.ciphertext.len());
        match place.checked_sub(32) {
            Some(at) => changed.ciphertext[at] ^= 1 << bit,
            // The highest bit is no bit of the point, but of the key schedule.
            None => changed.encapped[place] ^= 1 << bit,
        }
        prop_assert_eq!(&open(&changed, &secret, &table, &lock, member, &recorded), &failed);
        let mut short = sealed.clone();
        short.ciphertext.truncate(at % short.ciphertext.len());
        prop_assert_eq!(&open(&short, &secret, &table, &lock, member, &recorded), &failed);
        let mut short = sealed;
        short.encapped.truncate(at % 32);
        prop_assert_eq!(&open(&short, &secret, &table, &lock, member, &recorded), &failed);
    }
}

#[test]
fn if_it_is_what_was_proven() {
    let table = table(true);
    let (right, secret) = (released(&table, 7), secret(1));
    let recorded = recorded(&right);
    let tried = |released: &Released| {
        let sealed = seal(released, &secret.public(), &LOCK, 1, &mut Counter(2)).unwrap();
        open(&sealed, &secret, &table, &LOCK, 1, &recorded).map(drop)
    };
    assert_eq!(tried(&right), Ok(()));
    for k in 0..right.states.len() {
        let wrong = Err(ReleaseError::Commitment { member: 1, state: table.released[k] });
        let mut share = right.clone();
        share.states[k].0[31] += F::ONE;
        assert_eq!(tried(&share), wrong);
        let mut salt = right.clone();
        salt.states[k].1[3] += F::ONE;
        assert_eq!(tried(&salt), wrong);
    }
    let mut turned = right.clone();
    turned.states.swap(0, 1);
    assert_eq!(tried(&turned), Err(ReleaseError::Commitment { member: 1, state: table.released[0] }));
    let (mut more, mut less) = (right.clone(), right.clone());
    more.states[0].0.push(F::ONE);
    less.states.pop();
    for other in [more, less] {
        assert!(matches!(tried(&other), Err(ReleaseError::Form(1, _, _))));
    }
    // That the record has too little is not its sender's fault.
    let sealed = seal(&right, &secret.public(), &LOCK, 1, &mut Counter(2)).unwrap();
    let error = open(&sealed, &secret, &table, &LOCK, 1, &recorded[1..]).unwrap_err();
    assert_eq!(error, ReleaseError::Recorded(8, 9));
    assert!(!error.is_the_senders());
}

#[test]
fn with_canonical_elements_alone() {
    let (table, secret) = (table(false), secret(2));
    let zero = Released { states: vec![(vec![F::ZERO; 32], [F::ZERO; 4])] };
    let recorded = recorded(&zero);
    let plain = |first: u64| [&first.to_le_bytes()[..], &[0; 35 * 8]].concat();
    let opened = |plain: &[u8]| {
        let sealed = sealed_to(&secret.public(), plain).unwrap();
        open(&sealed, &secret, &table, &LOCK, 1, &recorded)
    };
    assert_eq!(opened(&plain(0)), Ok(zero));
    // The same element in its other form.
    let error = opened(&plain(P)).unwrap_err();
    assert_eq!(error, ReleaseError::Form(1, 288, 288));
    assert!(error.is_the_senders());
    assert_eq!(opened(&plain(0)[8..]), Err(ReleaseError::Form(1, 280, 288)));
    assert_eq!(opened(&[]), Err(ReleaseError::Form(1, 0, 288)));
}

#[test]
fn and_not_by_a_point_of_low_order() {
    let (table, secret) = (table(false), secret(3));
    let right = released(&table, 3);
    let sealed = seal(&right, &secret.public(), &LOCK, 1, &mut Counter(3)).unwrap();
    for point in low_order() {
        let low = Sealed { encapped: point.to_vec(), ..sealed.clone() };
        let error = open(&low, &secret, &table, &LOCK, 1, &recorded(&right)).unwrap_err();
        assert_eq!(error, ReleaseError::Open(1));
        assert!(error.is_the_senders());
        assert_eq!(check_key(&point), Err(ReleaseError::Key));
        assert_eq!(sealed_to(&point, b"x"), None, "nobody can seal to it");
        assert_eq!(seal(&right, &point, &LOCK, 1, &mut Counter(3)), Err(ReleaseError::Key));
    }
}

#[test]
fn and_a_key_has_one_form() {
    let (table, secret) = (table(false), secret(4));
    let right = released(&table, 4);
    let key = secret.public();
    check_key(&key).unwrap();
    let mut other = key;
    other[31] |= 0x80;
    assert_eq!(check_key(&other), Err(ReleaseError::Key));
    // Why: who seals to another form of the key takes that into its schedule, who opens takes the one form.
    let plain = vec![0; 36 * 8];
    let zero = vec![commit_share(&[F::ZERO; 32], &[F::ZERO; 4])];
    let tried = |key| open(&sealed_to(key, &plain).unwrap(), &secret, &table, &LOCK, 1, &zero).map(drop);
    assert_eq!(tried(&key), Ok(()));
    assert_eq!(tried(&other), Err(ReleaseError::Open(1)));
    // From 2^255 − 19 on, and what is nearly there.
    let largest = |low: u8| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (low, 0x7f);
        key
    };
    assert_eq!((0xed..=0xff).filter(|low| check_key(&largest(*low)).is_ok()).count(), 0);
    check_key(&largest(0xeb)).unwrap();
    let mut inner = largest(0xff);
    inner[15] = 0xfe;
    check_key(&inner).unwrap();
    assert!(seal(&right, &other, &LOCK, 1, &mut Counter(4)).is_err());
}

#[test]
fn and_a_secret_is_not_shown_by_mistake() {
    let secret = ReleaseSecret::from_bytes(&[0xab; 32]);
    assert_eq!(format!("{secret:?}"), "ReleaseSecret(…)");
    assert_eq!(*secret.as_bytes(), [0xab; 32]);
    assert_eq!(ReleaseSecret::derive(&[1; 32]).public(), ReleaseSecret::derive(&[1; 32]).public());
    assert_ne!(ReleaseSecret::derive(&[1; 32]).public(), ReleaseSecret::derive(&[2; 32]).public());
}
