//! Links of the chain of proofs: each verifies the one before. `docs/protocol.md`, section 15, "Fold".

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit};
use crate::config::{self, C, Purpose};
use crate::extend::ExtendCircuit;
use crate::kit::{Builder, Ext, Hash, Inner, Kit, hash};
use crate::noise::NoiseCircuit;
use crate::phase::PhaseCircuit;
use crate::step::StepCircuit;
use crate::tile::TileCircuit;
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::circuit_data::CommonCircuitData;
use std::cell::OnceCell;
use std::sync::LazyLock;
use zektra_statement::chain::{
    CIRCUITS, ELEMENTS, Elements, LAST_FOLD, OFFLINE, RESUME, SEAL, START, TILES, fold_place,
};
use zektra_statement::digest::{Commitment, Tag};
use zektra_statement::field::{F, Field};
use zektra_statement::merkle::{DEPTH, EMPTY, empty_tops};
use zektra_statement::phase::{PhaseTable, TilePlane};
use zektra_statement::record::Plane;
use zektra_verify::pinned::wrap_shape;

/// The gates that every link has, used or not: links must have one shape.
static GATES: LazyLock<Vec<GateRef<F, 2>>> = LazyLock::new(gates);

fn gates() -> Vec<GateRef<F, 2>> {
    let config = config::circuit_config(Purpose::Chain);
    let coefficients = ReducingGate::<2>::max_coeffs_len(config.num_wires, config.num_routed_wires);
    let wide = ReducingExtensionGate::<2>::max_coeffs_len(config.num_wires, config.num_routed_wires);
    let mut all = vec![
        GateRef::new(NoopGate),
        GateRef::new(ConstantGate::new(config.num_constants)),
        GateRef::new(PublicInputGate),
        GateRef::new(BaseSumGate::<2>::new_from_config::<F>(&config)),
        GateRef::new(ArithmeticGate::new_from_config(&config)),
        GateRef::new(ArithmeticExtensionGate::<2>::new_from_config(&config)),
        GateRef::new(MulExtensionGate::<2>::new_from_config(&config)),
        GateRef::new(ReducingGate::<2>::new(coefficients)),
        GateRef::new(ReducingExtensionGate::<2>::new(wide)),
        GateRef::new(ExponentiationGate::<F, 2>::new_from_config(&config)),
        GateRef::new(RandomAccessGate::<F, 2>::new_from_config(&config, 4)),
        GateRef::new(PoseidonGate::<F, 2>::new()),
        GateRef::new(PoseidonMdsGate::<F, 2>::new()),
    ];
    // The interpolation gate has no constructor: it comes from a circuit that verifies a proof.
    let mut inner = Builder::new(config.clone());
    fill(&mut inner, 12);
    let inner = inner.mock_build::<C>().common;
    let mut outer = Builder::new(config.clone());
    let proof = outer.add_virtual_proof_with_pis(&inner);
    let verifier = outer.add_virtual_verifier_data(config.fri_config.cap_height);
    outer.verify_proof::<C>(&proof, &verifier, &inner);
    all.extend(outer.mock_build::<C>().common.gates);
    all
}

/// The shape that all links of `2^rows_log2` rows have.
pub(crate) fn link_shape(rows_log2: usize) -> CommonCircuitData<F, 2> {
    let mut b = Builder::new(config::circuit_config(Purpose::Chain));
    GATES.iter().for_each(|g| b.add_gate_to_gate_set(g.clone()));
    let public = b.add_virtual_targets(ELEMENTS);
    b.register_public_inputs(&public);
    fill(&mut b, rows_log2);
    b.mock_build::<C>().common
}

/// No-ops, so that the circuit gets `2^rows_log2` rows.
fn fill(b: &mut Builder, rows_log2: usize) {
    while b.num_gates() <= 1 << (rows_log2 - 1) {
        b.add_gate(NoopGate, vec![]);
    }
}

/// The elements of a link in a circuit.
#[derive(Clone)]
struct Shown {
    context: Hash,
    circuits: Hash,
    datasets: Hash,
    dataset_top: Hash,
    dataset_groups: Target,
    tile_top: Hash,
    tile_groups: Target,
    made: Hash,
    used: Hash,
    batches: Hash,
    iteration: Target,
    state: Hash,
}

impl Shown {
    fn read(e: &[Target]) -> Self {
        Self {
            context: hash(e),
            circuits: hash(&e[4..]),
            datasets: hash(&e[8..]),
            dataset_top: hash(&e[12..]),
            dataset_groups: e[16],
            tile_top: hash(&e[17..]),
            tile_groups: e[21],
            made: hash(&e[22..]),
            used: hash(&e[26..]),
            batches: hash(&e[30..]),
            iteration: e[34],
            state: hash(&e[35..]),
        }
    }

    fn write(&self, zero: Target) -> Vec<Target> {
        let mut out = [self.context, self.circuits, self.datasets, self.dataset_top].concat();
        out.push(self.dataset_groups);
        out.extend(self.tile_top);
        out.push(self.tile_groups);
        out.extend([self.made, self.used, self.batches].concat());
        out.push(self.iteration);
        out.extend(self.state);
        out.resize(ELEMENTS, zero);
        out
    }
}

/// What the links of a chain have in common.
pub(crate) struct Chain<'a> {
    pub members: usize,
    pub rows_log2: usize,
    pub cache: &'a Cache,
    shape: OnceCell<CommonCircuitData<F, 2>>,
}

impl<'a> Chain<'a> {
    pub fn new(members: usize, rows_log2: usize, cache: &'a Cache) -> Self {
        Self { members, rows_log2, cache, shape: OnceCell::new() }
    }

    /// The shape of all links; known from the first that is loaded.
    pub fn shape(&self) -> &CommonCircuitData<F, 2> {
        self.shape.get_or_init(|| link_shape(self.rows_log2))
    }

    /// Loads a link, or builds it on a kit with all gates of links.
    fn link(&self, name: &str, build: impl FnOnce(Kit) -> Result<Circuit, TooSmall>) -> Result<Circuit, TooSmall> {
        let text = format!("{name} rows=2^{}", self.rows_log2);
        let circuit = self.cache.link(Purpose::Chain, &text, || {
            let mut kit = Kit::new(Purpose::Chain, &text, None);
            GATES.iter().for_each(|g| kit.b.add_gate_to_gate_set(g.clone()));
            build(kit)
        })?;
        let shape = self.shape.get_or_init(|| circuit.data.common.clone());
        assert!(circuit.data.common == *shape, "a link of another shape: {circuit:?}");
        Ok(circuit)
    }
}

struct Opened {
    /// Lock and table, node, keys.
    all: Vec<Target>,
    lock: Vec<Target>,
    node: Vec<Target>,
    keys: Vec<Hash>,
}

/// The link before, at one of the `allowed` places of the list.
fn before(kit: &mut Kit, shape: &CommonCircuitData<F, 2>, allowed: &[usize]) -> Shown {
    let (public, digest) = kit.verify_any(shape);
    let shown = Shown::read(&public);
    let list = kit.input("circuits", 4 * CIRCUITS);
    let opened = kit.commit(Tag::Circuits, &list);
    kit.equal("list of circuits", &opened, &shown.circuits);
    let mut expected = hash(&list[4 * allowed[0]..]);
    for (k, &place) in allowed.iter().enumerate().skip(1) {
        let bit = bit(kit, format!("before {k}"));
        expected = select(kit, bit, hash(&list[4 * place..]), expected);
    }
    kit.equal("circuit before", &digest, &expected);
    shown
}

fn bit(kit: &mut Kit, name: impl Into<String>) -> BoolTarget {
    let bit = kit.b.add_virtual_bool_target_safe();
    kit.name(name, vec![bit.target]);
    bit
}

fn select(kit: &mut Kit, bit: BoolTarget, yes: Hash, no: Hash) -> Hash {
    std::array::from_fn(|k| kit.b.select(bit, yes[k], no[k]))
}

/// A link needs more rows than its shape has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooSmall;

/// Rows that building adds for public inputs and constants, at most.
const RESERVE: usize = 256;

fn finish(mut kit: Kit, shape: &CommonCircuitData<F, 2>, after: &Shown) -> Result<Circuit, TooSmall> {
    let zero = kit.b.zero();
    kit.expose(&after.write(zero));
    if kit.b.num_gates() + RESERVE > shape.degree() {
        return Err(TooSmall);
    }
    fill(&mut kit.b, shape.degree_bits());
    Ok(kit.finish(Blinding::None))
}

fn open_context(kit: &mut Kit, shown: &Shown, members: usize) -> Opened {
    let input = kit.input("context", 24 + 4 * members);
    let opened = kit.commit(Tag::Context, &input);
    kit.equal("context", &opened, &shown.context);
    Opened {
        lock: input[..8].to_vec(),
        node: input[16..24].to_vec(),
        keys: (0..members).map(|i| hash(&input[24 + 4 * i..])).collect(),
        all: input,
    }
}

/// The top of the tree in which `leaf` stands at the position with these bits.
fn top(kit: &mut Kit, leaf: Hash, bits: &[BoolTarget], siblings: &[Hash]) -> Hash {
    bits.iter().zip(siblings).fold(leaf, |node, (&bit, &sibling)| {
        let left = select(kit, bit, sibling, node);
        let right = select(kit, bit, node, sibling);
        kit.commit(Tag::DatasetNode, &[left, right].concat())
    })
}

fn siblings(kit: &mut Kit, name: String) -> Vec<Hash> {
    let input = kit.input(name, 4 * DEPTH);
    (0..DEPTH).map(|k| hash(&input[4 * k..])).collect()
}

/// The tree with `leaf` at the empty position `index`.
fn append(kit: &mut Kit, name: &str, top_before: Hash, index: Target, leaf: Hash) -> Hash {
    let bits = kit.b.split_le(index, DEPTH);
    let path = siblings(kit, name.into());
    let empty = kit.constant_hash(&EMPTY);
    let found = top(kit, empty, &bits, &path);
    kit.equal("empty leaf", &found, &top_before);
    top(kit, leaf, &bits, &path)
}

fn extend_chain(kit: &mut Kit, before: Hash, added: &[Target]) -> Hash {
    kit.commit(Tag::Chain, &[&before[..], added].concat())
}

fn ext(t: &[Target]) -> Ext {
    ExtensionTarget([t[0], t[1]])
}

/// The first link: nothing read, nothing done, these states.
pub(crate) fn start(job: &Chain<'_>, states: Commitment) -> Result<Circuit, TooSmall> {
    job.link(&format!("start/1 state={states}"), |kit| build_start(job, states, kit))
}

fn build_start(job: &Chain<'_>, states: Commitment, mut kit: Kit) -> Result<Circuit, TooSmall> {
    let (context, circuits) = (hash(&kit.input("context", 4)), hash(&kit.input("circuits", 4)));
    let e = Elements::start(EMPTY, EMPTY, states);
    let zero = kit.b.zero();
    let none = [zero; 4];
    let after = Shown {
        context,
        circuits,
        datasets: none,
        dataset_top: kit.constant_hash(&e.dataset_top),
        dataset_groups: zero,
        tile_top: kit.constant_hash(&e.tile_top),
        tile_groups: zero,
        made: none,
        used: none,
        batches: none,
        iteration: zero,
        state: kit.constant_hash(&e.state),
    };
    finish(kit, job.shape(), &after)
}

/// One row group: its tile, the others' shares, their sum.
pub(crate) fn tiles(
    job: &Chain<'_>,
    tile: &TileCircuit,
    extension: &NoiseCircuit,
    extend: &ExtendCircuit,
) -> Result<Circuit, TooSmall> {
    let n = job.members;
    let planes = 2 * tile.bounds().blocks;
    let (t, x, e) = (&tile.circuit, &extension.circuit, &extend.circuit);
    let name = format!("tiles/1 n={n} planes={planes} {} {} {}", t.id, x.id, e.id);
    job.link(&name, |kit| build_tiles(job, planes, kit, &[START, TILES], t, Some(x), e))
}

/// One row group of a dataset alone: its tile, and its polynomials at the point of the tile's proof.
pub(crate) fn seal(chain: &Chain<'_>, tile: &TileCircuit, extend: &ExtendCircuit) -> Result<Circuit, TooSmall> {
    let planes = 2 * tile.bounds().blocks;
    let (t, e) = (&tile.circuit, &extend.circuit);
    let name = format!("seal/1 planes={planes} {} {}", t.id, e.id);
    chain.link(&name, |kit| build_tiles(chain, planes, kit, &[START, SEAL], t, None, e))
}

fn build_tiles(
    job: &Chain<'_>,
    planes: usize,
    mut kit: Kit,
    places: &[usize],
    tile: &Circuit,
    extension: Option<&Circuit>,
    extend: &Circuit,
) -> Result<Circuit, TooSmall> {
    let n = job.members;
    let shown = before(&mut kit, job.shape(), places);
    let Opened { keys, .. } = open_context(&mut kit, &shown, n);
    // One seat is the owner's; the others stand in their order.
    let owner: Vec<BoolTarget> = (0..n).map(|i| bit(&mut kit, format!("owner {i}"))).collect();
    let one = kit.b.one();
    let sum = kit.b.add_many(owner.iter().map(|b| b.target));
    kit.equal("one owner", &[sum], &[one]);
    let zero = kit.b.zero();
    let mut owner_key = [zero; 4];
    for (b, key) in owner.iter().zip(&keys) {
        for (o, &k) in owner_key.iter_mut().zip(key) {
            *o = kit.b.mul_add(b.target, k, *o);
        }
    }
    let mut passed = zero;
    let mut others = vec![];
    for j in 0..n - 1 {
        passed = kit.b.add(passed, owner[j].target);
        let bit = BoolTarget::new_unsafe(passed);
        others.push(select(&mut kit, bit, keys[j + 1], keys[j]));
    }

    let tile = kit.verify_statement(tile);
    kit.equal("owner's key", &tile.elements[..4], &owner_key);
    let shares: Vec<Inner> =
        extension.into_iter().flat_map(|c| vec![c; n - 1]).map(|c| kit.verify_statement(c)).collect();
    assert_eq!(shares.len(), n - 1, "a share of every other member");
    for (share, key) in shares.iter().zip(&others) {
        kit.equal("no lock", &share.elements[..8], &[zero; 8]);
        kit.equal("member's key", &share.elements[8..12], key);
    }
    let sums = kit.verify(extend);
    // Elements of `extend`: a plane has a, b, n − 1 times x, c0.
    let per_plane = 4 * (n + 2);
    let points = per_plane * planes;
    kit.equal_ext("points", ext(&sums[points..]), tile.r);
    let (mut leaf, mut job_leaf) = (vec![shown.dataset_groups], vec![]);
    leaf.extend(owner_key);
    for k in 0..planes {
        let plane = &sums[per_plane * k..per_plane * (k + 1)];
        let (a, b, c0) = (&plane[..4], &plane[4..8], &plane[per_plane - 4..]);
        kit.equal("tile's polynomials", &tile.elements[4 + 8 * k..12 + 8 * k], &[a, b].concat());
        kit.equal("tile's values", &tile.values[4 * k..4 * k + 4], &sums[points + 2 + 4 * k..points + 6 + 4 * k]);
        for (j, share) in shares.iter().enumerate() {
            let x = &plane[8 + 4 * j..12 + 4 * j];
            kit.equal("share's polynomials", &share.elements[12 + 8 * k..20 + 8 * k], &[a, x].concat());
            let at = points + (2 + 4 * planes) * (j + 1);
            kit.equal_ext("points", ext(&sums[at..]), share.r);
            kit.equal("share's values", &share.values[4 * k..4 * k + 4], &sums[at + 2 + 4 * k..at + 6 + 4 * k]);
        }
        leaf.extend([a, b].concat());
        job_leaf.extend([c0, a].concat());
    }
    let leaf = kit.commit(Tag::DatasetLeaf, &leaf);
    let job_leaf = kit.commit(Tag::TileLeaf, &job_leaf);
    let dataset_top = append(&mut kit, "dataset path", shown.dataset_top, shown.dataset_groups, leaf);
    let tile_top = append(&mut kit, "tile path", shown.tile_top, shown.tile_groups, job_leaf);
    let groups = kit.b.add(shown.dataset_groups, one);
    let tile_groups = kit.b.add(shown.tile_groups, one);

    let last = bit(&mut kit, "last of dataset");
    let root = kit.commit(Tag::DatasetRoot, &[&[groups][..], &dataset_top].concat());
    let finished = extend_chain(&mut kit, shown.datasets, &[&root[..], &owner_key, &[groups]].concat());
    let none = kit.constant_hash(&empty_tops()[DEPTH]);
    let after = Shown {
        datasets: select(&mut kit, last, finished, shown.datasets),
        dataset_top: select(&mut kit, last, none, dataset_top),
        dataset_groups: kit.b.select(last, zero, groups),
        tile_top,
        tile_groups,
        ..shown
    };
    finish(kit, job.shape(), &after)
}

/// A batch of offline shares of every member.
pub(crate) fn offline(job: &Chain<'_>, noise: &NoiseCircuit) -> Result<Circuit, TooSmall> {
    let name = format!("offline/1 n={} {}", job.members, noise.circuit.id);
    job.link(&name, |kit| build_offline(job, kit, noise))
}

fn build_offline(job: &Chain<'_>, mut kit: Kit, noise: &NoiseCircuit) -> Result<Circuit, TooSmall> {
    let n = job.members;
    let shown = before(&mut kit, job.shape(), &[TILES, OFFLINE]);
    let Opened { keys, lock, .. } = open_context(&mut kit, &shown, n);
    let shares: Vec<Inner> = (0..n).map(|_| kit.verify_statement(&noise.circuit)).collect();
    for (share, key) in shares.iter().zip(&keys) {
        kit.equal("lock", &share.elements[..8], &lock);
        kit.equal("member's key", &share.elements[8..12], key);
    }
    let mut made = shown.made;
    for k in 0..noise.pairs() {
        let pair = |share: &Inner| share.elements[12 + 8 * k..20 + 8 * k].to_vec();
        let d2 = pair(&shares[0])[..4].to_vec();
        let mut leaf = d2.clone();
        for share in &shares {
            kit.equal("same d2", &pair(share)[..4], &d2);
            leaf.extend(&pair(share)[4..]);
        }
        for share in &shares {
            leaf.extend(share.r.0);
            leaf.extend(&share.values[4 * k..4 * k + 4]);
        }
        let leaf = kit.commit(Tag::OfflineLeaf, &leaf);
        let used = bit(&mut kit, format!("pair {k}"));
        // Values are public inputs that `r` does not depend on: they bind only where another proof evaluates the
        // polynomials, as the phases do for pairs that are used. A free one would solve the batch's identity.
        for share in &shares {
            for &value in &share.values[4 * k..4 * k + 4] {
                let kept = kit.b.mul(used.target, value);
                kit.equal("unused pair", &[kept], &[value]);
            }
        }
        let next = extend_chain(&mut kit, made, &leaf);
        made = select(&mut kit, used, next, made);
    }
    let after = Shown { made, ..shown };
    finish(kit, job.shape(), &after)
}

/// A phase: every member's answer, the node's step.
pub(crate) fn fold(
    job: &Chain<'_>,
    table: &PhaseTable,
    phase: usize,
    share: &PhaseCircuit,
    step: &StepCircuit,
) -> Result<Circuit, TooSmall> {
    let states: Vec<u16> = table.phases[phase].outputs.iter().map(|o| o.state).collect();
    let name = format!(
        "fold/2 n={} phase={phase}/{} blocks={} slots={} states={} reads={:?} writes={states:?} {} {}",
        job.members,
        table.phases.len(),
        table.blocks,
        table.slots,
        table.states.len(),
        table.phases[phase].reads(),
        share.circuit.id,
        step.circuit.id
    );
    job.link(&name, |kit| build_fold(job, table, phase, kit, share, step))
}

fn build_fold(
    job: &Chain<'_>,
    table: &PhaseTable,
    phase: usize,
    mut kit: Kit,
    share: &PhaseCircuit,
    step: &StepCircuit,
) -> Result<Circuit, TooSmall> {
    let n = job.members;
    let phases = table.phases.len();
    let p = &table.phases[phase];
    let places = if phase == 0 { vec![OFFLINE, LAST_FOLD, RESUME] } else { vec![fold_place(phase - 1, phases)] };
    let shown = before(&mut kit, job.shape(), &places);
    let Opened { keys, lock, node, .. } = open_context(&mut kit, &shown, n);
    let slots = usize::from(table.slots);
    let per_state = 4 * (3 + n);
    let mut state = kit.input("state", slots + per_state * table.states.len());
    let opened = kit.commit(Tag::States, &state);
    kit.equal("state", &opened, &shown.state);
    let mut batches = shown.batches;
    if phase == 0 {
        let groups = kit.input("groups", slots);
        batches = extend_chain(&mut kit, batches, &groups);
        state[..slots].copy_from_slice(&groups);
    }
    let entry = |s: u16| slots + per_state * usize::from(s);

    // The members' answers. Elements: lock, key, openings (c, y), outputs (a'', g, after, before?).
    let shares: Vec<Inner> = (0..n).map(|_| kit.verify_statement(&share.circuit)).collect();
    let step = kit.verify_statement(&step.circuit);
    kit.equal("node", &step.elements[..8], &node);
    for (share, key) in shares.iter().zip(&keys) {
        kit.equal("lock", &share.elements[..8], &lock);
        kit.equal("member's key", &share.elements[8..12], key);
    }

    // What the step reads.
    let (tiles, reads) = p.reads();
    let mut at = 8;
    let mut next = |count: usize| {
        at += count;
        at - count..at
    };
    let mut seen = std::collections::BTreeMap::new();
    for t in &tiles {
        seen.insert(*t, step.elements[next(8)].to_vec());
    }
    for s in &reads {
        let place = entry(*s);
        kit.equal("state read", &step.elements[next(8)], &state[place..place + 8]);
    }
    for slot in 0..table.slots {
        if !tiles.iter().any(|t| t.slot == slot) {
            continue;
        }
        let mut leaf = vec![];
        for block in 0..table.blocks {
            for plane in Plane::ALL {
                let pair = seen.get(&TilePlane { slot, block, plane }).cloned();
                leaf.extend(pair.unwrap_or_else(|| kit.input(format!("unread {slot} {block} {plane:?}"), 8)));
            }
        }
        let leaf = kit.commit(Tag::TileLeaf, &leaf);
        let bits = kit.b.split_le(state[usize::from(slot)], DEPTH);
        let path = siblings(&mut kit, format!("path {slot}"));
        let found = top(&mut kit, leaf, &bits, &path);
        kit.equal("row group", &found, &shown.tile_top);
    }

    // Openings: d2, c, P…, y….
    let mut openings = vec![];
    for _ in &p.openings {
        let (d2, c) = (step.elements[next(4)].to_vec(), step.elements[next(4)].to_vec());
        let ps = step.elements[next(4 * n)].to_vec();
        let ys = step.elements[next(4 * n)].to_vec();
        openings.push((d2, c, ps, ys));
    }
    // Outputs: g…, U before?, U after, c0, a''.
    let mut outputs = vec![];
    for o in &p.outputs {
        let g = step.elements[next(4 * n)].to_vec();
        let place = entry(o.state);
        if o.carry {
            kit.equal("opened before", &step.elements[next(4)], &state[place + 8..place + 12]);
        }
        let (after, c0, a) =
            (step.elements[next(4)].to_vec(), step.elements[next(4)].to_vec(), step.elements[next(4)].to_vec());
        outputs.push((g, after, c0, a));
    }
    assert_eq!(at, step.elements.len(), "the elements of a step");

    for (i, share) in shares.iter().enumerate() {
        let mut at = 12;
        let mut next = |count: usize| {
            at += count;
            at - count..at
        };
        for (_, c, _, ys) in &openings {
            kit.equal("c", &share.elements[next(4)], c);
            kit.equal("y", &share.elements[next(4)], &ys[4 * i..4 * i + 4]);
        }
        for (o, (g, _, _, a)) in p.outputs.iter().zip(&outputs) {
            kit.equal("a''", &share.elements[next(4)], a);
            kit.equal("g", &share.elements[next(4)], &g[4 * i..4 * i + 4]);
            let place = entry(o.state) + 12 + 4 * i;
            let after = share.elements[next(4)].to_vec();
            if o.carry {
                kit.equal("share before", &share.elements[next(4)], &state[place..place + 4]);
            }
            state[place..place + 4].copy_from_slice(&after);
        }
        assert_eq!(at, share.elements.len(), "the elements of a share");
    }
    // Values: for each member r and what its share took; then the offline shares.
    let mut at = 0;
    for share in &shares {
        kit.equal("points", &step.values[at..at + 2], &share.r.0);
        let count = share.values.len();
        kit.equal("values", &step.values[at + 2..at + 2 + count], &share.values);
        at += 2 + count;
    }
    let mut used = shown.used;
    for (d2, _, ps, _) in &openings {
        let mut leaf = [&d2[..], ps].concat();
        leaf.extend(&step.values[at..at + 6 * n]);
        at += 6 * n;
        let leaf = kit.commit(Tag::OfflineLeaf, &leaf);
        used = extend_chain(&mut kit, used, &leaf);
    }
    assert_eq!(at, step.values.len(), "the values of a step");
    for (o, (_, after, c0, a)) in p.outputs.iter().zip(&outputs) {
        let place = entry(o.state);
        state[place..place + 4].copy_from_slice(c0);
        state[place + 4..place + 8].copy_from_slice(a);
        state[place + 8..place + 12].copy_from_slice(after);
    }
    let state = kit.commit(Tag::States, &state);
    let iteration = if phase + 1 == phases { kit.b.add_const(shown.iteration, F::ONE) } else { shown.iteration };
    let after = Shown { used, batches, state, iteration, ..shown };
    finish(kit, job.shape(), &after)
}

/// Another node goes on from a wrap: everything stays but the node.
pub(crate) fn resume(job: &Chain<'_>, wrap: &Circuit) -> Result<Circuit, TooSmall> {
    let name = format!("resume/1 n={} {}", job.members, wrap.id);
    job.link(&name, |kit| build_resume(job, kit, wrap))
}

fn build_resume(job: &Chain<'_>, mut kit: Kit, wrap: &Circuit) -> Result<Circuit, TooSmall> {
    // A constant wrap vouches that a link at the last place of the list `circuits` showed the same.
    let shown = Shown::read(&kit.verify(wrap));
    let Opened { mut all, .. } = open_context(&mut kit, &shown, job.members);
    let node = kit.input("node", 8);
    all[16..24].copy_from_slice(&node);
    let context = kit.commit(Tag::Context, &all);
    let after = Shown { context, ..shown };
    finish(kit, job.shape(), &after)
}

/// The last proof: a link at the last place, made small.
pub(crate) fn wrap(cache: &Cache, rows_log2: usize, shape: impl FnOnce() -> CommonCircuitData<F, 2>) -> Circuit {
    let text = wrap_shape(rows_log2);
    cache.circuit(Purpose::Wrap, &text, || {
        let mut kit = Kit::new(Purpose::Wrap, &text, None);
        let shown = before(&mut kit, &shape(), &[LAST_FOLD]);
        let zero = kit.b.zero();
        kit.expose(&shown.write(zero));
        kit.finish(Blinding::None)
    })
}
