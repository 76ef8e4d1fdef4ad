//! What the attacks need: jobs up to their first phase, keys in the clear, and members without discipline.

use std::collections::BTreeMap;
use std::sync::Arc;
use zektra_he::log::LabelLog;
use zektra_he::member::{Member, extend};
use zektra_he::rehearsal::rows::{classifier, rows};
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::release::commit_share;
use zektra_he::ring::{Eval, Poly};
use zektra_he::seat::SeatSecret;
use zektra_he::share;
use zektra_he::transcript::{Answer, Program, Transcript};
use zektra_he::xof::{Kind, Label, Prf, Stream, Use};
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{F, Field, N, centred, from_i64};
use zektra_statement::payload::mask_bits;
use zektra_statement::record::Plane;
use zeroize::Zeroizing;

/// Two owners and a developer, 32 columns, a row group each.
pub fn small_cast(seed: u64) -> Cast {
    let template = classifier(31, 2, 3);
    let tables = [rows(seed, 128, &template.params), rows(seed + 1, 100, &template.params)];
    Cast::new(seed, 3, &tables, template).unwrap()
}

/// Members who joined, exchanged extension and offline shares, and the node.
pub fn begin<'a>(cast: &'a Cast, logs: &'a mut [LabelLog]) -> (Vec<Member<'a, Memory>>, Transcript<Memory>) {
    let (memory, roots) = cast.extend(logs).unwrap();
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    let mut members = Vec::new();
    for ((index, seat), log) in (0u32..).zip(&cast.seats).zip(logs) {
        members.push(Member::join(seat, log, index, program.clone(), memory.clone()).unwrap());
    }
    let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members).unwrap()), ..memory };
    for m in &mut members {
        *m.source_mut() = memory.clone();
    }
    (members, Transcript::new(program, memory))
}

/// Extension shares by (dataset, member), each tile's planes one after another.
pub type Extensions = BTreeMap<(usize, usize), Vec<Poly>>;

/// The extension shares of all real members.
pub fn extensions(cast: &Cast, logs: &mut [LabelLog]) -> Extensions {
    let mut out = Extensions::new();
    for (index, d) in cast.job.datasets.iter().enumerate() {
        for (m, seat) in cast.seats.iter().enumerate().filter(|(m, _)| *m as u32 != d.owner) {
            let shares = extend(seat, &mut logs[m], &cast.job.chain_id, &d.dataset, 0..d.dataset.tiles()).unwrap();
            out.insert((index, m), shares);
        }
    }
    out
}

/// Tiles under the job's key, and the roots that the lock is bound to.
pub fn gather(cast: &Cast, extensions: &Extensions) -> (Memory, Vec<Fingerprint>) {
    let mut tiles = cast.uploads.clone();
    let mut roots = Vec::new();
    for (&(dataset, _), shares) in extensions {
        let mut root = Encoder::new("test/extension-root");
        for (k, x) in shares.iter().enumerate() {
            root.bytes(&x.fingerprint().0);
            let place = (dataset, k as u64 / 2, Plane::ALL[k % 2]);
            tiles.get_mut(&place).unwrap().add_assign(x);
        }
        roots.push(root.fingerprint());
    }
    (Memory { tiles: Arc::new(tiles), offline: Arc::default() }, roots)
}

/// A seat's key share in the clear, as its own file says: the ground truth of the attacks.
pub fn key_of(seat: &SeatSecret) -> Vec<i64> {
    let file = seat.to_file();
    let seed: [u8; 32] = file[file.len() - 40..file.len() - 8].try_into().unwrap();
    let derived = blake3::derive_key("zektra 2026 ternary key share v1", &seed);
    let mut words = blake3::Hasher::new_keyed(&derived).finalize_xof();
    let digit = |_| {
        let mut word = [0; 8];
        words.fill(&mut word);
        ((u128::from(u64::from_le_bytes(word)) * 3) >> 64) as i64 - 1
    };
    let key: Vec<i64> = (0..N).map(digit).collect();
    // Whoever knows the key can undo a share made with it.
    assert_eq!(SeatSecret::from_seed("", 0, Zeroizing::new(seed)).commitment(), seat.commitment());
    key
}

/// Integers as a polynomial.
pub fn poly(values: &[i64]) -> Poly {
    Poly::from_coefficients(values.iter().map(|&v| from_i64(v)).collect())
}

/// A polynomial as centred integers.
pub fn integers(p: &Poly) -> Vec<i64> {
    p.coefficients().iter().map(|&c| centred(c)).collect()
}

/// `factor · Z^k`.
pub fn monomial(k: usize, factor: i64) -> Poly {
    let mut values = vec![0; N];
    values[k] = factor;
    poly(&values)
}

pub fn sum(a: &Poly, b: &Poly) -> Poly {
    let mut out = a.clone();
    out.add_assign(b);
    out
}

pub fn difference(a: &Poly, b: &Poly) -> Poly {
    let mut out = a.clone();
    out.sub_assign(b);
    out
}

pub fn product(a: &Poly, b: &Poly) -> Poly {
    a.eval().mul(&b.eval()).into_poly()
}

/// `b / a`.
pub fn quotient(b: &Poly, a: &Poly) -> Poly {
    b.eval().mul(&a.eval().inverse().unwrap()).into_poly()
}

/// A use of no real label.
pub fn usage(kind: Kind, index: u32) -> Use {
    let label = Label::Job { job: Fingerprint([0; 32]), iteration: 0, phase: 0, index, attempt: 0 };
    Use { kind, label, multiplier: Fingerprint::NONE, message: Fingerprint::NONE }
}

/// Secret and public randomness of the tests, the same on every machine.
pub struct Chance {
    prf: Prf,
    next: u32,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut e = Encoder::new("test/chance");
        e.u64(seed);
        Self { prf: Prf::new(Zeroizing::new(e.fingerprint().0), Commitment([0; 4])), next: 0 }
    }

    fn stream(&mut self) -> Stream {
        self.next += 1;
        self.prf.stream(&usage(Kind::Mask, self.next))
    }

    pub fn noise(&mut self) -> Poly {
        self.stream().noise()
    }

    pub fn masks(&mut self, count: usize, bits: u32) -> Vec<i64> {
        self.stream().masks(count, bits).to_vec()
    }

    pub fn ternary(&mut self) -> Poly {
        poly(&self.stream().ternary(N).iter().map(|&d| i64::from(d)).collect::<Vec<_>>())
    }

    pub fn uniform(&mut self) -> Poly {
        let mut bytes = vec![0; N * 8];
        self.stream().fill(&mut bytes);
        let word = |c: &[u8]| F::from_noncanonical_u64(u64::from_le_bytes(c.try_into().unwrap()));
        Poly::from_coefficients(bytes.chunks_exact(8).map(word).collect())
    }
}

/// A member that answers whatever it is asked, with the real arithmetic and noise of its own choice.
pub struct Rogue {
    index: u32,
    key: Eval,
    pub transcript: Transcript<Memory>,
    shares: Vec<Vec<F>>,
    chance: Chance,
}

impl Rogue {
    pub fn new(index: u32, key: Eval, program: Arc<Program>, memory: Memory) -> Self {
        let shares = program.table.states.iter().map(|s| vec![F::ZERO; usize::from(s.length)]).collect();
        Self { index, key, transcript: Transcript::new(program, memory), shares, chance: Chance::new(0xbad) }
    }

    /// Answers the next phase; `noise(state)` is the noise of a fresh encryption.
    pub fn answer(&mut self, noise: &mut dyn FnMut(u16) -> Poly) -> Answer {
        let program = self.transcript.program().clone();
        let (iteration, phase) = self.transcript.position();
        let table = &program.table.phases[phase as usize];
        let (evaluated, _) = self.transcript.evaluate().unwrap();
        let bits = mask_bits(program.job.members());
        let mut answer = Answer {
            member: self.index,
            iteration,
            phase,
            attempt: program.job.attempt,
            y: vec![],
            g: vec![],
            shares: vec![],
        };
        let mut masks = Vec::new();
        for (e, o) in evaluated.iter().zip(&table.openings) {
            let m = self.chance.masks(o.positions.len(), bits);
            answer.y.push(share::masked(&self.key, &e.c, &o.positions, &m));
            masks.push(m);
        }
        for out in &table.outputs {
            let parts: Vec<&[i64]> = out.openings.iter().map(|&o| &masks[usize::from(o)][..]).collect();
            let before = &self.shares[usize::from(out.state)];
            let next = share::next_share(before, out.carry, out.negate, table.shift, &parts);
            let negated: Vec<F> = next.iter().map(|&s| -s).collect();
            let message = Poly::placed(program.places(out.state), &negated);
            let a = program.state_randomness(out.state, iteration).into_eval();
            answer.g.push(share::encrypt(&self.key, &a, &message, &noise(out.state)));
            answer.shares.push(commit_share(&next, &[F::ZERO; 4]));
            self.shares[usize::from(out.state)] = next;
        }
        answer
    }

    /// The shares of the released states.
    pub fn released(&self) -> Vec<Vec<F>> {
        let table = &self.transcript.program().table;
        table.released.iter().map(|&s| self.shares[usize::from(s)].clone()).collect()
    }
}

/// A ciphertext of `message` under the keys' sum, and its `c1`; `noise(member)` is each member's.
pub fn encrypt(keys: &[Poly], a: &Poly, message: &Poly, noise: &mut dyn FnMut(usize) -> Poly) -> Poly {
    let zero = Poly::zero();
    let mut c0 = Poly::zero();
    for (i, key) in keys.iter().enumerate() {
        let message = if i == 0 { message } else { &zero };
        c0.add_assign(&share::encrypt(&key.eval(), &a.eval(), message, &noise(i)));
    }
    c0
}

/// One opening of `left · right` by members who follow the protocol, with the masks taken off again.
pub fn open_product(
    chance: &mut Chance,
    keys: &[Poly],
    (left, right): (&(Poly, Poly), &(Poly, Poly)),
    positions: &[u16],
    noise: &mut dyn FnMut(&mut Chance, usize) -> Poly,
) -> Vec<i64> {
    let ((a0, a1), (b0, b1)) = (left, right);
    let d2 = a1.eval().mul(&b1.eval());
    let mut c = sum(&product(a0, b1), &product(a1, b0));
    for (i, key) in keys.iter().enumerate() {
        let noise = noise(chance, i);
        c.add_assign(&share::offline(&key.eval(), &d2, &noise));
    }
    let mut u = product(a0, b0).at(positions);
    let bits = mask_bits(keys.len() as u32);
    for key in keys {
        let masks = chance.masks(positions.len(), bits);
        let y = share::masked(&key.eval(), &c.eval(), positions, &masks);
        for ((u, y), m) in u.iter_mut().zip(y).zip(masks) {
            *u += y - from_i64(m);
        }
    }
    u.into_iter().map(centred).collect()
}
