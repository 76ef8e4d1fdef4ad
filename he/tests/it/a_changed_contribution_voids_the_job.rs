use crate::stage::{extensions, gather, integers, key_of, poly, product, small_cast, sum};
use std::sync::Arc;
use zektra_he::log::LogError;
use zektra_he::member::{Member, Refusal};
use zektra_he::rehearsal::Cast;
use zektra_he::rehearsal::rows::{classifier, rows};
use zektra_he::ring::Poly;
use zektra_he::tile::tile_randomness;
use zektra_he::transcript::Program;
use zektra_statement::merkle::{Tree, dataset_leaf};
use zektra_statement::record::{Dataset, Job, Plane};

/// The Poseidon root of what an owner uploaded.
fn root(cast: &Cast, dataset: usize, change: impl Fn(usize, &Poly) -> Poly) -> zektra_statement::digest::Commitment {
    let d = &cast.job.datasets[dataset].dataset;
    let leaves = (0..d.tiles()).map(|tile| {
        let planes = Plane::ALL.map(|plane| {
            let a = tile_randomness(&cast.job.chain_id, d.object("rehearsal"), plane, tile, d.attempt);
            let i = 2 * tile as usize + plane.index() as usize;
            (a.commitment(), change(i, &cast.uploads[&(dataset, tile, plane)]).commitment())
        });
        dataset_leaf(tile, &d.owner_key, &planes)
    });
    Tree::new(leaves.collect()).root()
}

/// cap 44: a tile that changes after the commit has another root, the record with that root is another
/// job with another lock, and a member that joined the first refuses the second.
#[test]
fn a_changed_tile_is_another_job() {
    let mut cast = small_cast(81);
    for d in 0..2 {
        cast.job.datasets[d].dataset.root = root(&cast, d, |_, b| b.clone());
    }
    let mut logs = cast.logs();
    let (memory, roots) = gather(&cast, &extensions(&cast, &mut logs));
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    for (member, seat) in cast.seats.iter().enumerate() {
        drop(Member::join(seat, &mut logs[member], member as u32, program.clone(), memory.clone()).unwrap());
    }
    for dataset in 0..2 {
        for tile in 0..2 {
            let flip = |i, b: &Poly| if i == tile { sum(b, &crate::stage::monomial(100, 1)) } else { b.clone() };
            let changed = root(&cast, dataset, flip);
            assert_ne!(changed, cast.job.datasets[dataset].dataset.root);
            let mut job = cast.job.clone();
            job.datasets[dataset].dataset.root = changed;
            let other = Arc::new(Program::new(job, &roots).unwrap());
            assert_ne!(other.lock, program.lock);
            assert_ne!(other.state_randomness(0, 0), program.state_randomness(0, 0));
            for (member, seat) in cast.seats.iter().enumerate() {
                let refused = Member::join(seat, &mut logs[member], member as u32, other.clone(), memory.clone());
                assert!(matches!(refused, Err(Refusal::Log(LogError::Used { .. }))), "member {member}");
            }
        }
    }
}

/// cap 43: everything that one owner and the developer have, keys and all, decrypts to noise: the other
/// owner's key share covers every coefficient of its tiles.
#[test]
fn the_other_members_together_cannot_decrypt_a_tile() {
    let cast = small_cast(82);
    let mut logs = cast.logs();
    let shares = extensions(&cast, &mut logs);
    let (memory, _) = gather(&cast, &shares);
    let keys: Vec<Vec<i64>> = cast.seats.iter().map(key_of).collect();
    let add =
        |members: &[usize]| poly(&(0..4096).map(|i| members.iter().map(|&m| keys[m][i]).sum()).collect::<Vec<_>>());
    let d = &cast.job.datasets[1].dataset;
    let a = tile_randomness(&cast.job.chain_id, d.object("rehearsal"), Plane::Features, 0, d.attempt);
    let tile = &memory.tiles[&(1, 0, Plane::Features)];
    let rows = integers(&cast.groups[1][0].planes[0][0]);

    let all = integers(&sum(tile, &product(&a, &add(&[0, 1, 2]))));
    assert!(all.iter().zip(&rows).all(|(x, m)| (x - m).abs() <= 6), "with all keys it is the rows and noise");
    let upload = &cast.uploads[&(1, 0, Plane::Features)];
    for (what, view) in [
        ("the stored tile", upload.clone()),
        ("the job's tile", tile.clone()),
        ("opened by the others", sum(tile, &product(&a, &add(&[0, 2])))),
        ("opened by one too many", sum(upload, &product(&a, &add(&[0, 1, 2])))),
    ] {
        // Sixteen bins of the whole range: chi-square with 15 degrees of freedom, 37.7 is one in a thousand.
        let mut bins = [0f64; 16];
        let view = integers(&view);
        view.iter().for_each(|v| bins[((v >> 60) + 8) as usize] += 1.0);
        let chi: f64 = bins.iter().map(|c| (c - 256.0).powi(2) / 256.0).sum();
        assert!(chi < 45.0, "{what} is not uniform: {chi}");
        let same = view.iter().zip(&rows).filter(|(v, m)| (*v - *m).abs() < 1 << 50).count();
        assert!(same < 8, "{what}: {same} coefficients near the rows");
    }
}

/// The contents of a stored tile depend on its place and its owner's key, not on its rows alone.
#[test]
fn equal_rows_have_unequal_tiles() {
    let template = classifier(31, 2, 3);
    let table = rows(1, 128, &template.params);
    let cast = Cast::new(83, 3, &[table.clone(), table], template).unwrap();
    assert_eq!(cast.groups[0][0].planes[0][0], cast.groups[1][0].planes[0][0]);
    assert_ne!(cast.uploads[&(0, 0, Plane::Features)], cast.uploads[&(1, 0, Plane::Features)]);
}

/// A record must fit itself before anything is derived from it.
#[test]
fn a_record_that_contradicts_itself_is_refused() {
    let cast = small_cast(84);
    let changes: &[(&str, &dyn Fn(&mut Job))] = &[
        ("seats", &|j| j.seats.clear()),
        ("seats[1].key", &|j| j.seats[1].key = j.seats[0].key),
        ("developer", &|j| j.developer = 3),
        ("datasets", &|j| j.datasets.clear()),
        ("datasets[0].owner", &|j| j.datasets[0].owner = 9),
        ("datasets[0].owner_key", &|j| j.datasets[0].owner = 1),
        ("datasets[1].id", &|j| j.datasets[1].dataset.id = j.datasets[0].dataset.id),
        ("datasets[1].schema", &|j| j.datasets[1].dataset.schema.0[0] ^= 1),
        ("datasets[0].groups", &|j| j.datasets[0].dataset.groups = 0),
        ("datasets[1].scale_x", &|j| j.datasets[1].dataset.scale_x += 1),
        ("datasets[0].row_norm", &|j| j.datasets[0].dataset.row_norm += 1),
        ("groups", &|j| j.template.params.groups = 3),
        ("full_batch", &|j| j.template.params.full_batch = false),
        ("classes", &|j| j.template.params.classes = 2),
    ];
    for (field, change) in changes {
        let mut job = cast.job.clone();
        change(&mut job);
        assert_eq!(Program::new(job, &[]).unwrap_err().field, *field);
    }
    let d = &cast.job.datasets[0].dataset;
    assert_eq!(d.id, Dataset::object_id("rehearsal", &d.owner_key, "table-0"));
}
