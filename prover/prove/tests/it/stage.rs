//! A small job, all parties in one process, with everything that provers need. It is played once.

use std::sync::{Arc, LazyLock};
use zektra_he::log::LabelLog;
use zektra_he::member::{Member, PhaseWitness, extension_noise};
use zektra_he::rehearsal::{Cast, Memory, Rows};
use zektra_he::ring::Poly;
use zektra_he::tile::{Sealer, tile_randomness};
use zektra_he::transcript::{Answer, Multipliers, Program, Source, Transcript};
use zektra_prove::extend::{ExtendCircuit, Plane as ExtendPlane};
use zektra_prove::noise::{Item, Kind as NoiseKind, NoiseCircuit};
use zektra_prove::phase::{OpeningWitness, OutputWitness, PhaseCircuit, SharePolys};
use zektra_prove::poly::{self, Sum};
use zektra_prove::step::{Made, OpeningData, OutputData, StepCircuit, StepData};
use zektra_prove::tile::{Bounds, PlaneWitness, TileCircuit};
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{E, F, Field, from_i64, to_ext};
use zektra_statement::inputs::{self, Refreshed};
use zektra_statement::packing::Place;
use zektra_statement::phase::PhaseTable;
use zektra_statement::record::Plane;
use zektra_statement::template::{Kind, Params, Template};

/// Members of the job.
pub const MEMBERS: usize = 3;

/// Numbers that look random.
pub fn pseudo(seed: u64, k: usize) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 32)
}

/// Rows within the bounds, drawn from a seed.
fn rows(seed: u64, count: usize, p: &Params) -> Rows {
    let unit = |k: u64| (pseudo(seed, k as usize) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
    let norm = f64::from(p.row_norm) / 256.0;
    let scale = f64::from(1 << p.scale_x);
    let half = 1 << (p.scale_r - 1);
    (0..count as u64)
        .map(|i| {
            let mut x: Vec<f64> = (0..u64::from(p.features)).map(|j| unit(i * 4096 + j)).collect();
            x[0] = 0.25;
            let length = x.iter().map(|v| v * v).sum::<f64>().max(1e-9);
            let shrink = (norm / length).sqrt().min(1.0) * 0.999;
            let x: Vec<i32> = x.iter().map(|v| ((v * shrink).clamp(-0.99, 0.99) * scale).trunc() as i32).collect();
            let target = |c: u64| if unit(i * 4096 + 2048 + c) + f64::from(x[1]) / scale > 0.0 { half } else { -half };
            (x.clone(), (0..u64::from(p.classes)).map(target).collect())
        })
        .collect()
}

/// A template with the default scales, one row group, two iterations.
fn template(kind: Kind) -> Template {
    let mut params = Params {
        features: 31,
        classes: 1,
        groups: 1,
        full_batch: true,
        iterations: 2,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 1,
        row_norm: 832,
        range: 256,
    };
    params.shift_w = params.shift_for_learning_rate(0.5);
    Template { kind, params }
}

/// `a·b` in the ring.
pub fn product(a: &[F], b: &[F]) -> Vec<F> {
    let mut sum = Sum::default();
    sum.add_product(a, b);
    sum.remainder()
}

/// The commitment of a key share.
pub fn key_commitment(s: &[F]) -> Commitment {
    let three = F::from_canonical_u64(3);
    let sum = |c: &[F]| c.iter().rev().fold(F::ZERO, |sum, &d| sum * three + d + F::ONE);
    commit(Tag::KeyShare, &s.chunks(40).map(sum).collect::<Vec<_>>())
}

/// A ternary key that belongs to nobody.
pub fn other_key() -> Vec<F> {
    (0..4096).map(|k| from_i64((pseudo(77, k) % 3) as i64 - 1)).collect()
}

fn poly_commitment(p: &[F]) -> Commitment {
    commit(Tag::Polynomial, p)
}

/// Extension shares of a member, and what stands behind them.
#[derive(Clone)]
pub struct Shares {
    pub key: Vec<F>,
    pub lock: Fingerprint,
    /// (multiplier, share, noise).
    pub items: Vec<(Vec<F>, Vec<F>, Vec<F>)>,
}

impl Shares {
    /// The shares that follow from key and noise.
    pub fn again(mut self) -> Self {
        for (a, x, e) in &mut self.items {
            *x = product(a, &self.key).iter().zip(&*e).map(|(&p, &e)| e - p).collect();
        }
        self
    }

    pub fn statement(&self, circuit: &NoiseCircuit) -> inputs::Noise {
        let pairs: Vec<_> = self.items.iter().map(|(a, x, _)| (poly_commitment(a), poly_commitment(x))).collect();
        circuit.statement(self.lock, key_commitment(&self.key), &pairs)
    }

    pub fn items(&self) -> Vec<Item<'_>> {
        self.items.iter().map(|(a, x, e)| Item { multiplier: a, share: x, noise: e }).collect()
    }

    pub fn polys(&self) -> Vec<(&[F], &[F])> {
        self.items.iter().map(|(a, x, _)| (&a[..], &x[..])).collect()
    }
}

/// A tile of its owner.
#[derive(Clone)]
pub struct Tile {
    pub key: Vec<F>,
    pub planes: Vec<TilePlane>,
}

#[derive(Clone)]
pub struct TilePlane {
    pub a: Vec<F>,
    pub b: Vec<F>,
    pub message: Vec<F>,
    pub noise: Vec<F>,
}

impl TilePlane {
    fn witness(&self) -> PlaneWitness<'_> {
        let Self { a, b, message, noise } = self;
        PlaneWitness { a, b, message, noise }
    }
}

impl Tile {
    /// The ciphertexts that follow from key, messages and noise.
    pub fn again(mut self) -> Self {
        for p in &mut self.planes {
            let masked = product(&p.a, &self.key);
            p.b = (0..p.b.len()).map(|k| p.message[k] + p.noise[k] - masked[k]).collect();
        }
        self
    }

    pub fn statement(&self) -> inputs::Tile {
        let planes = self.planes.iter().map(|p| (poly_commitment(&p.a), poly_commitment(&p.b)));
        inputs::Tile { key: key_commitment(&self.key), planes: planes.collect() }
    }

    pub fn planes(&self) -> Vec<PlaneWitness<'_>> {
        self.planes.iter().map(TilePlane::witness).collect()
    }

    pub fn polys(&self) -> Vec<(&[F], &[F])> {
        self.planes.iter().map(|p| (&p.a[..], &p.b[..])).collect()
    }
}

/// A member's answer to a phase, and what stands behind it.
#[derive(Clone)]
pub struct Share {
    pub lock: Fingerprint,
    pub key: Vec<F>,
    pub openings: Vec<Opening>,
    pub outputs: Vec<Output>,
}

#[derive(Clone)]
pub struct Opening {
    pub positions: Vec<u16>,
    pub c: Vec<F>,
    pub masks: Vec<i64>,
    pub y: Vec<F>,
}

#[derive(Clone)]
pub struct Output {
    pub places: Vec<Place>,
    pub carry: bool,
    pub a: Vec<F>,
    pub g: Vec<F>,
    pub before: (Vec<F>, [F; 4]),
    pub after: (Vec<F>, [F; 4]),
    pub noise: Vec<F>,
}

impl Output {
    fn witness(&self) -> OutputWitness<'_> {
        let Self { a, g, before, after, noise, .. } = self;
        OutputWitness { a, g, before: (&before.0, before.1), after: (&after.0, after.1), noise }
    }
}

fn share_commitment((share, salt): &(Vec<F>, [F; 4])) -> Commitment {
    commit(Tag::StateShare, &[&share[..], salt].concat())
}

impl Share {
    fn of(lock: Fingerprint, key: Vec<F>, program: &Program, phase: u32, w: &PhaseWitness, answer: &Answer) -> Self {
        let p = &program.table.phases[phase as usize];
        let openings = w.openings.iter().zip(&answer.y).zip(&p.openings);
        let outputs = w.outputs.iter().zip(&answer.g).zip(&p.outputs);
        Self {
            lock,
            key,
            openings: openings
                .map(|(((c, masks), y), o)| Opening {
                    positions: o.positions.clone(),
                    c: c.coefficients().to_vec(),
                    masks: masks.to_vec(),
                    y: y.clone(),
                })
                .collect(),
            outputs: outputs
                .map(|((w, g), o)| Output {
                    places: program.places(o.state).to_vec(),
                    carry: o.carry,
                    a: w.a.coefficients().to_vec(),
                    g: g.coefficients().to_vec(),
                    before: w.before.clone(),
                    after: w.after.clone(),
                    noise: w.noise.coefficients().to_vec(),
                })
                .collect(),
        }
    }

    /// `y` and `g` that follow from key, masks, shares and noise.
    pub fn again(mut self) -> Self {
        for o in &mut self.openings {
            let d = product(&o.c, &self.key);
            let open = |(&p, &m): (&u16, &i64)| d[usize::from(p)] + from_i64(m);
            o.y = o.positions.iter().zip(&o.masks).map(open).collect();
        }
        for o in &mut self.outputs {
            let masked = product(&o.a, &self.key);
            o.g = o.noise.iter().zip(&masked).map(|(&e, &m)| e - m).collect();
            for (place, &s) in o.places.iter().zip(&o.after.0) {
                let at = &mut o.g[usize::from(place.position)];
                if place.negative { *at += s } else { *at -= s }
            }
        }
        self
    }

    pub fn statement(&self) -> inputs::PhaseShare {
        let opening = |o: &Opening| (poly_commitment(&o.c), commit(Tag::MaskedShare, &o.y));
        let output = |o: &Output| Refreshed {
            a: poly_commitment(&o.a),
            g: poly_commitment(&o.g),
            after: share_commitment(&o.after),
            before: o.carry.then(|| share_commitment(&o.before)),
        };
        inputs::PhaseShare {
            lock: self.lock,
            key: key_commitment(&self.key),
            openings: self.openings.iter().map(opening).collect(),
            outputs: self.outputs.iter().map(output).collect(),
        }
    }

    pub fn openings(&self) -> Vec<OpeningWitness<'_>> {
        self.openings.iter().map(|o| OpeningWitness { c: &o.c, masks: &o.masks, y: &o.y }).collect()
    }

    pub fn outputs(&self) -> Vec<OutputWitness<'_>> {
        self.outputs.iter().map(Output::witness).collect()
    }

    pub fn polys(&self) -> SharePolys<'_> {
        SharePolys {
            c: self.openings.iter().map(|o| &o.c[..]).collect(),
            outputs: self.outputs.iter().map(|o| (&o.a[..], &o.g[..])).collect(),
        }
    }
}

/// A phase as the node sees it.
#[derive(Clone)]
pub struct Step {
    pub tiles: Vec<(Vec<F>, Vec<F>)>,
    pub states: Vec<(Vec<F>, Vec<F>)>,
    pub openings: Vec<StepOpening>,
    pub outputs: Vec<StepOutput>,
}

#[derive(Clone)]
pub struct StepOpening {
    pub d2: Vec<F>,
    pub c: Vec<F>,
    pub p: Vec<Vec<F>>,
    pub y: Vec<Vec<F>>,
}

#[derive(Clone)]
pub struct StepOutput {
    pub g: Vec<Vec<F>>,
    pub before: Vec<F>,
    pub carry: bool,
    pub a: Vec<F>,
}

fn slices(list: &[Vec<F>]) -> Vec<&[F]> {
    list.iter().map(Vec::as_slice).collect()
}

impl Step {
    pub fn data(&self) -> StepData<'_> {
        let point = |k: usize| to_ext([F::from_canonical_u64(pseudo(50, k) >> 1), F::from_canonical_usize(k)]);
        let opening = |o| {
            let StepOpening { d2, c, p, y }: &StepOpening = o;
            OpeningData { d2, c, p: slices(p), y: slices(y), offline_points: (0..MEMBERS).map(point).collect() }
        };
        let output = |o| {
            let StepOutput { g, before, a, .. }: &StepOutput = o;
            OutputData { g: slices(g), before, a }
        };
        StepData {
            tiles: self.tiles.iter().map(|(c0, a)| (&c0[..], &a[..])).collect(),
            states: self.states.iter().map(|(c0, a)| (&c0[..], &a[..])).collect(),
            openings: self.openings.iter().map(opening).collect(),
            outputs: self.outputs.iter().map(output).collect(),
            points: (MEMBERS..2 * MEMBERS).map(point).collect(),
        }
    }

    /// The statement for what the node says to have made.
    pub fn statement(&self, made: &[Made]) -> inputs::Step {
        let all = |list: &[Vec<F>]| list.iter().map(|p| poly_commitment(p)).collect::<Vec<_>>();
        let pair = |(c0, a): &(Vec<F>, Vec<F>)| (poly_commitment(c0), poly_commitment(a));
        let opening = |o: &StepOpening| inputs::StepOpening {
            d2: poly_commitment(&o.d2),
            c: poly_commitment(&o.c),
            p: all(&o.p),
            y: o.y.iter().map(|y| commit(Tag::MaskedShare, y)).collect(),
        };
        let output = |(o, m): (&StepOutput, &Made)| inputs::StepOutput {
            g: all(&o.g),
            before: o.carry.then(|| commit(Tag::Opened, &o.before)),
            after: commit(Tag::Opened, &m.opened),
            cipher: (poly_commitment(&m.c0), poly_commitment(&o.a)),
        };
        inputs::Step {
            node: Fingerprint([3; 32]),
            tiles: self.tiles.iter().map(pair).collect(),
            states: self.states.iter().map(pair).collect(),
            openings: self.openings.iter().map(opening).collect(),
            outputs: self.outputs.iter().zip(made).map(output).collect(),
        }
    }
}

/// A row group on its way to the job's key.
#[derive(Clone)]
pub struct Extension {
    pub planes: Vec<ExtensionPlane>,
    pub owner: E,
    pub others: Vec<E>,
}

#[derive(Clone)]
pub struct ExtensionPlane {
    pub a: Vec<F>,
    pub b: Vec<F>,
    pub x: Vec<Vec<F>>,
    pub c0: Vec<F>,
}

impl Extension {
    pub fn statement(&self) -> inputs::Extend {
        let plane = |p: &ExtensionPlane| inputs::ExtendedPlane {
            a: poly_commitment(&p.a),
            b: poly_commitment(&p.b),
            x: p.x.iter().map(|x| poly_commitment(x)).collect(),
            c0: poly_commitment(&p.c0),
        };
        inputs::Extend { planes: self.planes.iter().map(plane).collect() }
    }

    pub fn planes(&self) -> Vec<ExtendPlane<'_>> {
        self.planes.iter().map(|p| ExtendPlane { a: &p.a, b: &p.b, x: slices(&p.x) }).collect()
    }
}

/// Everything about a job of three members with one row group: `[iteration][phase]`.
pub struct Job {
    pub table: PhaseTable,
    pub bounds: Bounds,
    pub tile: Tile,
    /// The extension shares of the second member.
    pub extension_shares: Shares,
    pub extension: Extension,
    /// The first member's offline shares of the first phase, in the last iteration: before, `d2` is zero.
    pub offline_shares: Shares,
    /// `[iteration][phase][member]`.
    pub shares: Vec<Vec<Vec<Share>>>,
    pub steps: Vec<Vec<Step>>,
    /// What the node made of each output, by its own computation: `[iteration][phase]`.
    pub opened: Vec<Vec<Vec<Vec<F>>>>,
}

impl Job {
    fn play(kind: Kind, iterations: u32) -> Self {
        let template = template(kind);
        let cast = Cast::new(7, MEMBERS, &[rows(90, 128, &template.params)], template).unwrap();
        let mut logs: Vec<LabelLog> = cast.logs();
        let (memory, roots) = cast.extend(&mut logs).unwrap();
        let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
        let mut members = Vec::new();
        for ((index, seat), log) in (0u32..).zip(&cast.seats).zip(&mut logs) {
            members.push(Member::join(seat, log, index, program.clone(), memory.clone()).unwrap());
        }
        let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members).unwrap()), ..memory };
        for m in &mut members {
            *m.source_mut() = memory.clone();
        }
        let mut node = Transcript::new(program.clone(), memory);
        let keys: Vec<Vec<F>> = cast.seats.iter().map(|s| s.digits()).collect();
        let table = program.table.clone();
        let mut states = vec![(Poly::zero(), Poly::zero()); table.states.len()];
        let (mut shares, mut steps, mut opened) = (vec![], vec![], vec![]);
        let mut offline_shares = None;
        while node.position().0 < iterations && !node.finished() {
            let (iteration, phase) = node.position();
            if phase == 0 {
                shares.push(vec![]);
                steps.push(vec![]);
                opened.push(vec![]);
            }
            let p = &table.phases[phase as usize];
            let (_, claim) = node.evaluate().unwrap();
            let before: Vec<Vec<F>> = p.outputs.iter().map(|o| node.opened(o.state).to_vec()).collect();
            let answers: Vec<Answer> = members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect();
            let of = |(m, answer): (&Member<'_, Memory>, &Answer)| {
                let key = keys[m.index() as usize].clone();
                Share::of(program.lock, key, &program, phase, m.witness().unwrap(), answer)
            };
            let all: Vec<Share> = members.iter().zip(&answers).map(of).collect();
            for (share, answer) in all.iter().zip(&answers) {
                let found: Vec<_> = share.statement().outputs.iter().map(|o| o.after).collect();
                assert_eq!(found, answer.shares);
            }
            let offline: Vec<Vec<(Poly, Poly)>> = members
                .iter()
                .map(|m| m.offline_noise(&mut Multipliers::new(program.clone()), iteration, phase))
                .collect();
            let shares_of = |i: usize| {
                let items = offline[i].iter().map(|(d2, e)| {
                    let (d2, e) = (d2.coefficients().to_vec(), e.coefficients().to_vec());
                    let p = product(&d2, &keys[i]).iter().zip(&e).map(|(&x, &e)| x + e).collect();
                    (d2, p, e)
                });
                Shares { key: keys[i].clone(), lock: program.lock, items: items.collect() }
            };
            let offline: Vec<Shares> = (0..MEMBERS).map(shares_of).collect();
            let (tiles, reads) = p.reads();
            let d = &cast.job.datasets[0].dataset;
            let tile = |t: &zektra_statement::phase::TilePlane| {
                let c0 = Source::ciphertext(node.source_mut(), 0, u64::from(t.slot), t.plane).unwrap();
                let a = tile_randomness("rehearsal", d.object("rehearsal"), t.plane, u64::from(t.slot), 0);
                (c0.coefficients().to_vec(), a.coefficients().to_vec())
            };
            let tiles: Vec<_> = tiles.iter().map(tile).collect();
            let state = |&s: &u16| {
                let (c0, a) = &states[usize::from(s)];
                (c0.coefficients().to_vec(), a.coefficients().to_vec())
            };
            let step = Step {
                tiles,
                states: reads.iter().map(state).collect(),
                openings: (0..p.openings.len())
                    .map(|o| StepOpening {
                        d2: offline[0].items[o].0.clone(),
                        c: all[0].openings[o].c.clone(),
                        p: offline.iter().map(|s| s.items[o].1.clone()).collect(),
                        y: answers.iter().map(|a| a.y[o].clone()).collect(),
                    })
                    .collect(),
                outputs: (0..p.outputs.len())
                    .map(|k| StepOutput {
                        g: all.iter().map(|s| s.outputs[k].g.clone()).collect(),
                        before: before[k].clone(),
                        carry: p.outputs[k].carry,
                        a: all[0].outputs[k].a.clone(),
                    })
                    .collect(),
            };
            for m in &mut members {
                m.advance(&answers).unwrap();
            }
            node.advance(&answers).unwrap();
            let made: Vec<Vec<F>> = p.outputs.iter().map(|o| node.opened(o.state).to_vec()).collect();
            for ((k, o), u) in p.outputs.iter().enumerate().zip(&made) {
                let mut c0 = Poly::placed(program.places(o.state), u);
                all.iter().for_each(|s| c0.add_assign(&Poly::from_coefficients(s.outputs[k].g.clone())));
                states[usize::from(o.state)] = (c0, Poly::from_coefficients(all[0].outputs[k].a.clone()));
            }
            if phase == 0 {
                offline_shares = offline.into_iter().next();
            }
            let (Some(s), Some(t), Some(u)) = (shares.last_mut(), steps.last_mut(), opened.last_mut()) else {
                unreachable!("the first phase began the lists")
            };
            s.push(all);
            t.push(step);
            u.push(made);
        }
        let (tile, extension_shares, extension) = vault(&cast, &keys);
        let bounds = Bounds::of(&cast.job.template.params).unwrap();
        let offline_shares = offline_shares.unwrap();
        Self { table, bounds, tile, extension_shares, extension, offline_shares, shares, steps, opened }
    }
}

/// The only row group before the job: the owner's tile, the second member's shares, and all of it together.
fn vault(cast: &Cast, keys: &[Vec<F>]) -> (Tile, Shares, Extension) {
    let d = &cast.job.datasets[0].dataset;
    let sealer = Sealer { seat: &cast.seats[0], chain_id: "rehearsal", dataset: d.id, attempt: 0 };
    let messages = &cast.groups[0][0].planes[0];
    let list: Vec<_> = Plane::ALL.into_iter().zip(messages).map(|(p, m)| (0, p, m)).collect();
    let noise = sealer.noise(&list);
    let planes = Plane::ALL.into_iter().zip(messages).zip(&noise).map(|((plane, m), e)| TilePlane {
        a: tile_randomness("rehearsal", d.object("rehearsal"), plane, 0, 0).coefficients().to_vec(),
        b: cast.uploads[&(0, 0, plane)].coefficients().to_vec(),
        message: m.coefficients().to_vec(),
        noise: e.coefficients().to_vec(),
    });
    let tile = Tile { key: keys[0].clone(), planes: planes.collect() };
    let shares_of = |member: usize| {
        let noise = extension_noise(&cast.seats[member], "rehearsal", d, 0..1);
        let items = tile.planes.iter().zip(noise).map(|(p, e)| (p.a.clone(), vec![], e.coefficients().to_vec()));
        Shares { key: keys[member].clone(), lock: Fingerprint::NONE, items: items.collect() }.again()
    };
    let shares: Vec<Shares> = (1..MEMBERS).map(shares_of).collect();
    let planes = tile.planes.iter().enumerate().map(|(k, p)| {
        let x: Vec<Vec<F>> = shares.iter().map(|s| s.items[k].1.clone()).collect();
        let mut c0 = p.b.clone();
        x.iter().for_each(|x| poly::add(&mut c0, x));
        ExtensionPlane { a: p.a.clone(), b: p.b.clone(), x, c0 }
    });
    let point = |k: usize| to_ext([F::from_canonical_u64(pseudo(60, k) >> 1), F::ONE]);
    let extension = Extension { planes: planes.collect(), owner: point(0), others: (1..MEMBERS).map(point).collect() };
    let second = shares.into_iter().next().unwrap();
    (tile, second, extension)
}

/// A linear classifier: rows are opened in its first phase, columns in its second.
pub static JOB: LazyLock<Job> = LazyLock::new(|| Job::play(Kind::LinearClassifier, 2));

/// A cubic classifier: scattered positions are opened in its second and third phase.
pub static CUBIC: LazyLock<Job> = LazyLock::new(|| Job::play(Kind::CubicClassifier, 1));

/// The circuits of the linear job.
pub static NOISE: LazyLock<NoiseCircuit> = LazyLock::new(|| NoiseCircuit::build(NoiseKind::Extension, 2));
pub static TILE: LazyLock<TileCircuit> = LazyLock::new(|| TileCircuit::build(JOB.bounds));
pub static EXTEND: LazyLock<ExtendCircuit> = LazyLock::new(|| ExtendCircuit::build(MEMBERS as u32, 1));
pub static PHASES: LazyLock<[PhaseCircuit; 2]> =
    LazyLock::new(|| [0, 1].map(|p| PhaseCircuit::build(&JOB.table, p, MEMBERS as u32)));
pub static STEPS: LazyLock<[StepCircuit; 2]> =
    LazyLock::new(|| [0, 1].map(|p| StepCircuit::build(&JOB.table, p, MEMBERS as u32)));
