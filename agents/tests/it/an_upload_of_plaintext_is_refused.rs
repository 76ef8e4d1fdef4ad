use crate::parties::{JobText, Parties, table};
use zektra_agents::archive::{StreamId, refuse_plaintext};
use zektra_he::ring::Poly;
use zektra_he::seat::SeatSecret;
use zektra_he::tile::tile_randomness;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, N, POLY_BYTES, from_i64};
use zektra_statement::record::Plane;

const TILES: StreamId = StreamId::Tiles { dataset: 0, member: 0 };

/// Containers of plaintext that would pass for polynomials: right length, every element below `p`.
fn containers() -> Vec<(&'static str, Poly)> {
    let text: Vec<u8> = b"5.1,3.5,1.4,0.2,setosa\n".iter().copied().cycle().take(POLY_BYTES).collect();
    let words = |bytes: &[u8]| {
        let word = |c: &[u8]| F::from_canonical_u64(u64::from_le_bytes(c.try_into().unwrap()));
        Poly::from_coefficients(bytes.chunks_exact(8).map(word).collect())
    };
    let floats: Vec<u8> = (0..N).flat_map(|i| ((i as f64 - 2000.0) / 7.0).to_le_bytes()).collect();
    let rows = |i: usize| from_i64((i as i64 * 37) % 513 - 256);
    vec![
        ("CSV text", words(&text)),
        ("f64", words(&floats)),
        ("scaled rows in field encoding", Poly::from_coefficients((0..N).map(rows).collect())),
        ("zeros", Poly::zero()),
    ]
}

/// cap 23: what is no ciphertext is refused by name, and ciphertexts never are.
#[test]
fn containers_of_plaintext_are_told_from_ciphertexts() {
    for (what, poly) in containers() {
        let refused = refuse_plaintext(TILES, 7, &[poly]).unwrap_err().to_string();
        assert!(refused.contains("polynomial 7") && refused.contains("looks like plaintext"), "{what}: {refused}");
    }
    let seat = SeatSecret::generate("a").unwrap();
    for tile in 0..200 {
        let poly = tile_randomness("local", Fingerprint(seat.commitment().to_bytes()), Plane::Features, tile, 0);
        refuse_plaintext(TILES, tile, &[poly]).unwrap();
    }
}

/// cap 23: an owner's own member does not send a vault that holds plaintext, whatever its records say.
#[test]
fn a_vault_of_plaintext_never_leaves_its_owner() {
    let parties = Parties::new();
    parties.seats(&["alice", "developer"]);
    parties.write("alice.csv", table(1, 130, 3, |row| String::from(if row[0] > 0.0 { "1" } else { "0" })));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText::of(&["alice"], 2));
    let (_, poly) = containers().remove(2);
    let mut tiles = parties.read("alice/vault/alice/tiles.bin");
    tiles[..POLY_BYTES].copy_from_slice(&poly.to_bytes());
    parties.write("alice/vault/alice/tiles.bin", tiles);
    parties.run(&["train", "--job", "job.toml"]).failed(3, &["polynomial 0", "looks like plaintext"]);
    assert!(!parties.path("node/jobs/1-0/tiles-0.bin").exists());
}
