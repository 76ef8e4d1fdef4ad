use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::inputs::{
    Extend, ExtendedPlane, Noise, PhaseShare, Refreshed, Sealed, Statement, Step, StepOpening, StepOutput, Tile,
    points, public_inputs,
};
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template};

fn c(v: u64) -> Commitment {
    Commitment([v, v + 1, v + 2, v + 3])
}

fn f(v: u8) -> Fingerprint {
    Fingerprint([v; 32])
}

/// `base` and every variant have pairwise different digests.
fn all_differ<T: Clone, D: PartialEq + std::fmt::Debug>(
    base: &T,
    digest: impl Fn(&T) -> D,
    changes: &[(&str, &dyn Fn(&mut T))],
) {
    let mut seen = vec![("nothing", digest(base))];
    for (name, change) in changes {
        let mut other = base.clone();
        change(&mut other);
        let d = digest(&other);
        for (before, known) in &seen {
            assert_ne!(&d, known, "changing {name} is the same as changing {before}");
        }
        seen.push((name, d));
    }
}

fn params() -> Params {
    // Every field is named: a new one must be added below, too.
    Params {
        features: 20,
        classes: 3,
        groups: 4,
        full_batch: true,
        iterations: 12,
        fan_in: 2,
        scale_x: 8,
        scale_w: 14,
        scale_r: 9,
        shift_w: 13,
        row_norm: 832,
        range: 256,
    }
}

fn template() -> Template {
    Template { kind: Kind::LinearClassifier, params: params() }
}

fn seat(v: u64) -> Seat {
    Seat { name: "a".into(), key: c(v), epoch: 1, release_key: [4; 32], operator_keys: vec![[5; 32]] }
}

fn dataset() -> Dataset {
    Dataset {
        id: f(1),
        owner_key: c(10),
        attempt: 2,
        schema: f(3),
        rows: 100,
        groups: 4,
        columns: 32,
        blocks: 1,
        classes: 3,
        scale_x: 8,
        scale_r: 9,
        row_norm: 832,
        range: 256,
        root: c(20),
        content_root: f(5),
    }
}

fn job() -> Job {
    Job {
        chain_id: "test".into(),
        id: 7,
        attempt: 0,
        max_attempts: 2,
        template: template(),
        seats: vec![seat(10), seat(30)],
        developer: 1,
        datasets: vec![JobDataset { dataset: dataset(), owner: 0 }],
        beacon: [6; 32],
        trusted_inputs: false,
        circuits: None,
    }
}

#[test]
fn a_template_binds_every_parameter() {
    all_differ(
        &template(),
        Template::digest,
        &[
            ("kind", &|t| t.kind = Kind::CubicClassifier),
            ("features", &|t| t.params.features += 1),
            ("classes", &|t| t.params.classes += 1),
            ("groups", &|t| t.params.groups += 1),
            ("full_batch", &|t| t.params.full_batch = false),
            ("iterations", &|t| t.params.iterations += 1),
            ("fan_in", &|t| t.params.fan_in += 1),
            ("scale_x", &|t| t.params.scale_x += 1),
            ("scale_w", &|t| t.params.scale_w += 1),
            ("scale_r", &|t| t.params.scale_r += 1),
            ("shift_w", &|t| t.params.shift_w += 1),
            ("row_norm", &|t| t.params.row_norm += 1),
            ("range", &|t| t.params.range += 1),
        ],
    );
}

#[test]
fn a_seat_and_a_dataset_bind_every_field() {
    all_differ(
        &seat(10),
        Seat::digest,
        &[
            ("name", &|s| s.name.push('b')),
            ("key", &|s| s.key = c(11)),
            ("epoch", &|s| s.epoch += 1),
            ("release_key", &|s| s.release_key[31] ^= 1),
            ("an operator key", &|s| s.operator_keys[0][0] ^= 1),
            ("the number of operator keys", &|s| s.operator_keys.push([0; 32])),
        ],
    );
    all_differ(
        &dataset(),
        Dataset::digest,
        &[
            ("id", &|d| d.id = f(9)),
            ("owner_key", &|d| d.owner_key = c(11)),
            ("attempt", &|d| d.attempt += 1),
            ("schema", &|d| d.schema = f(9)),
            ("rows", &|d| d.rows += 1),
            ("groups", &|d| d.groups += 1),
            ("columns", &|d| d.columns += 1),
            ("blocks", &|d| d.blocks += 1),
            ("classes", &|d| d.classes += 1),
            ("scale_x", &|d| d.scale_x += 1),
            ("scale_r", &|d| d.scale_r += 1),
            ("row_norm", &|d| d.row_norm += 1),
            ("range", &|d| d.range += 1),
            ("root", &|d| d.root = c(21)),
            ("content_root", &|d| d.content_root = f(6)),
        ],
    );
}

/// cap 44: whatever of the joint set changes after the commit, the job is another one, and so is its lock.
#[test]
fn a_job_binds_every_field() {
    let changes: &[(&str, &dyn Fn(&mut Job))] = &[
        ("chain_id", &|j| j.chain_id.push('2')),
        ("id", &|j| j.id += 1),
        ("attempt", &|j| j.attempt += 1),
        ("max_attempts", &|j| j.max_attempts += 1),
        ("template", &|j| j.template.params.iterations += 1),
        ("a seat", &|j| j.seats[1].epoch += 1),
        ("the number of seats", &|j| j.seats.push(seat(50))),
        ("the order of seats", &|j| j.seats.reverse()),
        ("developer", &|j| j.developer = 0),
        ("a dataset's root", &|j| j.datasets[0].dataset.root = c(21)),
        ("a dataset's content root", &|j| j.datasets[0].dataset.content_root = f(6)),
        ("a dataset's owner", &|j| j.datasets[0].owner = 1),
        ("the number of datasets", &|j| j.datasets.push(j.datasets[0].clone())),
        ("beacon", &|j| j.beacon[0] ^= 1),
        ("trusted_inputs", &|j| j.trusted_inputs = true),
        ("circuits", &|j| j.circuits = Some(c(9))),
    ];
    all_differ(&job(), Job::digest, changes);
    all_differ(&job(), |j| j.lock_id(&[f(1), f(2)]), changes);
    let lock = |roots: &[Fingerprint]| job().lock_id(roots);
    let locks = [lock(&[]), lock(&[f(1)]), lock(&[f(1), f(2)]), lock(&[f(2), f(1)]), lock(&[f(1), f(2), f(2)])];
    for (i, l) in locks.iter().enumerate() {
        assert!(!locks[..i].contains(l), "extension roots {i}");
    }
}

#[test]
fn an_object_id_binds_chain_owner_and_name() {
    let ids = [
        Dataset::object_id("a", &c(1), "x"),
        Dataset::object_id("b", &c(1), "x"),
        Dataset::object_id("a", &c(2), "x"),
        Dataset::object_id("a", &c(1), "y"),
        Dataset::object_id("ax", &c(1), ""),
    ];
    for (i, id) in ids.iter().enumerate() {
        assert!(!ids[..i].contains(id), "{i}");
    }
}

#[test]
fn a_phase_table_binds_every_field() {
    let table = template().compile().unwrap();
    all_differ(
        &table,
        |t| t.digest(),
        &[
            ("columns", &|t| t.columns = 64),
            ("blocks", &|t| t.blocks += 1),
            ("slots", &|t| t.slots += 1),
            ("iterations", &|t| t.iterations += 1),
            ("a state's length", &|t| t.states[0].length -= 1),
            ("a state's packing", &|t| t.states[0].packing = zektra_statement::packing::Packing::Elementwise),
            ("a name", &|t| t.phases[0].name = "other"),
            ("a shift", &|t| t.phases[0].shift += 1),
            ("a factor", &|t| t.phases[0].openings[0].products[0].0 = zektra_statement::phase::Operand::State(1)),
            ("no factor", &|t| t.phases[0].openings[0].products.clear()),
            ("an addend", &|t| t.phases[1].openings[0].addends[0].class += 1),
            ("no addend", &|t| t.phases[1].openings[0].addends.clear()),
            ("a position", &|t| t.phases[0].openings[0].positions[3] += 1),
            ("an output's state", &|t| t.phases[0].outputs[0].state += 1),
            ("an output's openings", &|t| t.phases[0].outputs[0].openings[0] += 1),
            ("carry", &|t| t.phases[0].outputs[0].carry = true),
            ("negate", &|t| t.phases[0].outputs[0].negate = true),
            ("constant", &|t| t.phases[0].outputs[0].constant = -1),
            ("released", &|t| t.released[0] += 1),
            ("no release", &|t| t.released.clear()),
        ],
    );
}

/// The order of fields counts as much as their values; so do the circuit, the witness and the quotients.
#[test]
fn public_inputs_bind_every_field() {
    let pairs = || vec![(c(40), c(50)), (c(60), c(70))];
    all_differ(
        &Noise { lock: f(1), key: c(1), pairs: pairs() },
        Noise::elements,
        &[
            ("lock", &|i| i.lock = f(2)),
            ("key", &|i| i.key = c(9)),
            ("a multiplier", &|i| i.pairs[0].0 = c(9)),
            ("a share", &|i| i.pairs[1].1 = c(9)),
            ("both of a pair", &|i| i.pairs[0] = (c(50), c(40))),
        ],
    );
    all_differ(
        &Tile { key: c(1), planes: pairs() },
        Tile::elements,
        &[
            ("key", &|i| i.key = c(9)),
            ("a", &|i| i.planes[0].0 = c(9)),
            ("b", &|i| i.planes[1].1 = c(9)),
            ("planes", &|i| i.planes.swap(0, 1)),
        ],
    );
    let output = Refreshed { a: c(20), g: c(21), after: c(22), before: Some(c(23)) };
    all_differ(
        &PhaseShare { lock: f(1), key: c(1), openings: pairs(), outputs: vec![output; 2] },
        PhaseShare::elements,
        &[
            ("lock", &|i| i.lock = f(2)),
            ("key", &|i| i.key = c(9)),
            ("c", &|i| i.openings[1].0 = c(9)),
            ("y", &|i| i.openings[1].1 = c(9)),
            ("a", &|i| i.outputs[0].a = c(9)),
            ("g", &|i| i.outputs[0].g = c(9)),
            ("share after", &|i| i.outputs[1].after = c(9)),
            ("share before", &|i| i.outputs[1].before = Some(c(9))),
        ],
    );
    let plane = ExtendedPlane { a: c(2), b: c(3), x: vec![c(4), c(5)], c0: c(6) };
    all_differ(
        &Extend { planes: vec![plane; 2] },
        Extend::elements,
        &[
            ("a", &|i| i.planes[0].a = c(9)),
            ("b", &|i| i.planes[0].b = c(9)),
            ("x", &|i| i.planes[1].x.swap(0, 1)),
            ("c0", &|i| i.planes[1].c0 = c(9)),
        ],
    );
    let opening = StepOpening { d2: c(2), c: c(3), p: vec![c(4), c(5)], y: vec![c(6), c(7)] };
    let output = StepOutput { g: vec![c(10), c(11)], before: Some(c(12)), after: c(13), cipher: (c(14), c(15)) };
    all_differ(
        &Step { node: f(1), tiles: pairs(), states: pairs(), openings: vec![opening], outputs: vec![output] },
        Step::elements,
        &[
            ("node", &|i| i.node = f(2)),
            ("tiles", &|i| i.tiles[0].1 = c(9)),
            ("states", &|i| i.states[0].1 = c(9)),
            ("d2", &|i| i.openings[0].d2 = c(9)),
            ("c", &|i| i.openings[0].c = c(9)),
            ("P", &|i| i.openings[0].p.swap(0, 1)),
            ("y", &|i| i.openings[0].y.swap(0, 1)),
            ("g", &|i| i.outputs[0].g.swap(0, 1)),
            ("U before", &|i| i.outputs[0].before = Some(c(9))),
            ("U after", &|i| i.outputs[0].after = c(9)),
            ("c0", &|i| i.outputs[0].cipher.0 = c(9)),
            ("a''", &|i| i.outputs[0].cipher.1 = c(9)),
        ],
    );
}

/// `β` depends on all but the quotients, `r` on everything.
#[test]
fn the_points_depend_on_what_stands_before_them() {
    let elements = Noise { lock: f(1), key: c(1), pairs: vec![(c(2), c(3))] }.elements();
    let sealed = Sealed { witness: c(4), quotient: c(5) };
    let one = points(&f(7), &elements, &sealed);
    let other = points(&f(7), &elements, &Sealed { quotient: c(6), ..sealed });
    assert_eq!(one.beta, other.beta);
    assert_ne!(one.r, other.r);
    let mut changed = elements.clone();
    changed[12] += F::ONE;
    let others = [
        points(&f(8), &elements, &sealed),
        points(&f(7), &changed, &sealed),
        points(&f(7), &elements, &Sealed { witness: c(6), ..sealed }),
    ];
    for other in others {
        assert_ne!(one.beta, other.beta);
        assert_ne!(one.r, other.r);
    }
    let public = public_inputs(&elements, &sealed, &one, &[one.r]);
    assert_eq!(public.len(), elements.len() + 4 + 4 + 2 + 2 + 2);
}
