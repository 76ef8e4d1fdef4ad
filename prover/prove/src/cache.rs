//! Built circuits, kept on disk.
//!
//! Building a circuit takes seconds, most of them for the Merkle tree over its constants and permutations. A cached
//! circuit is read back with that tree; what is cheaper to compute than to read (extended values, roots of unity) is
//! computed again.
//!
//! # What is checked
//!
//! A file carries a format version, a fingerprint of the code that made it (sources, Plonky2, crate version), the
//! circuit's id and a BLAKE3 checksum. A file that fails a check is built again and replaced. This protects against
//! **accidents**: an interrupted write, a bad disk, another version. It does not protect against someone who writes
//! to the folder: whoever can do that can write a matching checksum, as they could replace the program. What others
//! rely on does not rest on it: the verifier data of the links of a chain are compared with the job's record, and a
//! proof by another circuit is refused by whoever built their own.
//!
//! Files hold nothing secret and nothing of one machine: they may be copied. Deleting the folder is always safe.

use crate::circuit::{Circuit, Inputs};
use crate::config::{self, C, Purpose};
use crate::gates::{DigitGate, DigitGenerator, RangeGate, RangeGenerator, SmallGate, SmallGenerator};
use crate::link::TooSmall;
use plonky2::field::fft::fft_root_table;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::gadgets::arithmetic::EqualityGenerator;
use plonky2::gadgets::arithmetic_extension::QuotientGeneratorExtension;
use plonky2::gadgets::range_check::LowHighGenerator;
use plonky2::gadgets::split_base::BaseSumGenerator;
use plonky2::gadgets::split_join::{SplitGenerator, WireSplitGenerator};
use plonky2::gates::arithmetic_base::{ArithmeticBaseGenerator, ArithmeticGate};
use plonky2::gates::arithmetic_extension::{ArithmeticExtensionGate, ArithmeticExtensionGenerator};
use plonky2::gates::base_sum::{BaseSplitGenerator, BaseSumGate};
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::{CosetInterpolationGate, InterpolationGenerator};
use plonky2::gates::exponentiation::{ExponentiationGate, ExponentiationGenerator};
use plonky2::gates::multiplication_extension::{MulExtensionGate, MulExtensionGenerator};
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::{PoseidonGate, PoseidonGenerator};
use plonky2::gates::poseidon_mds::{PoseidonMdsGate, PoseidonMdsGenerator};
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::{RandomAccessGate, RandomAccessGenerator};
use plonky2::gates::reducing::{ReducingGate, ReducingGenerator};
use plonky2::gates::reducing_extension::{ReducingExtensionGate, ReducingGenerator as ReducingExtensionGenerator};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use plonky2::iop::generator::{
    ConstantGenerator, CopyGenerator, NonzeroTestGenerator, RandomValueGenerator, SimpleGenerator, WitnessGeneratorRef,
};
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::util::serialization::{
    Buffer, GateSerializer, IoError, IoResult, Read, WitnessGeneratorSerializer, Write,
};
use plonky2::{get_gate_tag_impl, impl_gate_serializer, read_gate_impl, read_generator_impl};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, P, PrimeField64};
use zektra_statement::inputs::circuit_id;

const D: usize = 2;
const MAGIC: &[u8; 8] = b"zektra.c";
/// Of the layout of files.
const FORMAT: u32 = 1;
/// Magic, format, fingerprint of the code, circuit id, checksum.
const HEADER: usize = 8 + 4 + 3 * 32;

/// What was done for a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built, without a cache or because there was no file.
    Built,
    /// Read from its file.
    Loaded,
    /// Built because its file could not be used.
    Rebuilt(String),
}

/// What happened to one circuit.
#[derive(Clone, Debug)]
pub struct Event {
    /// Name of the circuit's file: its id and its kind.
    pub name: String,
    /// Where it came from.
    pub source: Source,
    /// How long that took, without writing.
    pub time: Duration,
    /// How long writing took, and the file's size; why there was none; nothing if it was loaded or not cached.
    pub written: Option<Result<(Duration, u64), String>>,
}

/// A folder of built circuits, or none.
#[derive(Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
    events: Mutex<Vec<Event>>,
}

impl Cache {
    /// Every circuit is built.
    pub fn none() -> Self {
        Self { folder: None, events: Mutex::default() }
    }

    /// Circuits are kept in `folder`, which is made when needed.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), events: Mutex::default() }
    }

    /// The user's cache: `$ZEKTRA_CACHE`, else `$XDG_CACHE_HOME/zektra/circuits`, else `~/.cache/zektra/circuits`. An
    /// empty `ZEKTRA_CACHE` turns it off, as does a machine without a home folder.
    pub fn of_user() -> Self {
        let of = |name: &str| std::env::var_os(name);
        let folder = match of("ZEKTRA_CACHE") {
            Some(v) if v.is_empty() => None,
            Some(v) => Some(PathBuf::from(v)),
            None => {
                let full = |v: Option<std::ffi::OsString>| v.map(PathBuf::from).filter(|p| p.is_absolute());
                let base = full(of("XDG_CACHE_HOME")).or_else(|| full(of("HOME")).map(|h| h.join(".cache")));
                base.map(|b| b.join("zektra/circuits"))
            }
        };
        Self { folder, events: Mutex::default() }
    }

    /// Where circuits are kept.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What happened so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The circuit that `shape` describes, everything that its constants depend on: loaded, or built and kept.
    pub(crate) fn circuit(&self, purpose: Purpose, shape: &str, build: impl FnOnce() -> Circuit) -> Circuit {
        match self.link(purpose, shape, || Ok(build())) {
            Ok(circuit) => circuit,
            Err(TooSmall) => unreachable!("only a link has a size that is given"),
        }
    }

    /// The same for a link, which may not fit the rows that it is given: that is kept, too.
    pub(crate) fn link(
        &self,
        purpose: Purpose,
        shape: &str,
        build: impl FnOnce() -> Result<Circuit, TooSmall>,
    ) -> Result<Circuit, TooSmall> {
        let id = circuit_id(shape.as_bytes());
        let kind = shape.split(['/', ' ']).next().unwrap_or("circuit");
        let name = format!("{id}-{kind}.zkc");
        let path = self.folder.as_ref().map(|f| f.join(&name));
        let start = Instant::now();
        let (mut source, mut time) = (Source::Built, Duration::ZERO);
        if let Some(path) = &path {
            match load(path, id, purpose) {
                Ok(circuit) => {
                    self.note(Event { name, source: Source::Loaded, time: start.elapsed(), written: None });
                    return circuit;
                }
                Err(Unusable::Missing) => {}
                Err(Unusable::Because(why)) => source = Source::Rebuilt(why),
            }
            time = start.elapsed();
        }
        let circuit = build();
        time += start.elapsed() - time;
        if let Ok(c) = &circuit {
            assert_eq!(c.id, id, "the shape under which a circuit is kept is its own");
        }
        let written = path.map(|path| {
            let start = Instant::now();
            store(&path, id, &circuit).map(|size| (start.elapsed(), size))
        });
        self.note(Event { name, source, time, written });
        circuit
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Why a file is not used.
enum Unusable {
    Missing,
    Because(String),
}

/// The code that builds circuits, as a fingerprint.
fn code() -> &'static [u8; 32] {
    static CODE: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.update(env!("ZEKTRA_CIRCUIT_SOURCES").as_bytes());
        hasher.finalize().into()
    });
    &CODE
}

fn checksum(id: &Fingerprint, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(code());
    hasher.update(&id.0);
    hasher.update(body);
    hasher.finalize().into()
}

fn load(path: &Path, id: Fingerprint, purpose: Purpose) -> Result<Result<Circuit, TooSmall>, Unusable> {
    let because = |why: &str| Unusable::Because(why.into());
    let bytes = std::fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Unusable::Missing,
        _ => Unusable::Because(e.to_string()),
    })?;
    let (header, body) = bytes.split_at_checked(HEADER).ok_or_else(|| because("it is cut off"))?;
    if header[..8] != *MAGIC || header[8..12] != FORMAT.to_le_bytes() {
        return Err(because("it has another format"));
    }
    if header[12..44] != *code() {
        return Err(because("another version made it"));
    }
    if header[44..76] != id.0 {
        return Err(because("it is another circuit's"));
    }
    if header[76..] != checksum(&id, body) {
        return Err(because("its checksum is wrong"));
    }
    read(body, id, purpose).map_err(|IoError| because("it cannot be read"))
}

fn store(path: &Path, id: Fingerprint, circuit: &Result<Circuit, TooSmall>) -> Result<u64, String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = vec![];
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(code());
    bytes.extend_from_slice(&id.0);
    bytes.extend_from_slice(&[0; 32]);
    write(&mut bytes, circuit).map_err(|IoError| "a gate or generator is not known".to_string())?;
    let sum = checksum(&id, &bytes[HEADER..]);
    bytes[HEADER - 32..HEADER].copy_from_slice(&sum);
    let folder = path.parent().unwrap_or(Path::new("."));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{count}.tmp", std::process::id()));
    let put = || {
        std::fs::create_dir_all(folder)?;
        std::fs::write(&temporary, &bytes)?;
        std::fs::rename(&temporary, path)
    };
    put().map_err(|e: std::io::Error| {
        // Nothing is left behind if that is possible at all.
        let _ = std::fs::remove_file(&temporary);
        e.to_string()
    })?;
    Ok(bytes.len() as u64)
}

/// All gates and generators of circuits here.
struct Codec;

impl GateSerializer<F, D> for Codec {
    impl_gate_serializer! {
        Codec,
        ArithmeticGate,
        ArithmeticExtensionGate<D>,
        BaseSumGate<2>,
        ConstantGate,
        CosetInterpolationGate<F, D>,
        ExponentiationGate<F, D>,
        MulExtensionGate<D>,
        NoopGate,
        PoseidonMdsGate<F, D>,
        PoseidonGate<F, D>,
        PublicInputGate,
        RandomAccessGate<F, D>,
        ReducingExtensionGate<D>,
        ReducingGate<D>,
        DigitGate,
        RangeGate,
        SmallGate
    }
}

/// Numbers the generators' types; Plonky2's own macro compares each generator with the names of all types.
macro_rules! generators {
    ($($generator:ty),+) => {
        static GENERATORS: LazyLock<BTreeMap<String, u32>> = LazyLock::new(|| {
            let names = [$(SimpleGenerator::<F, D>::id(&<$generator>::default())),+];
            names.into_iter().zip(0..).collect()
        });

        impl WitnessGeneratorSerializer<F, D> for Codec {
            fn read_generator(
                &self,
                buffer: &mut Buffer<'_>,
                common: &CommonCircuitData<F, D>,
            ) -> IoResult<WitnessGeneratorRef<F, D>> {
                let tag = buffer.read_u32()?;
                read_generator_impl!(buffer, tag, common, $($generator),+)
            }

            fn write_generator(
                &self,
                buffer: &mut Vec<u8>,
                generator: &WitnessGeneratorRef<F, D>,
                common: &CommonCircuitData<F, D>,
            ) -> IoResult<()> {
                let tag = GENERATORS.get(&generator.0.id()).ok_or(IoError)?;
                buffer.write_u32(*tag)?;
                generator.0.serialize(buffer, common)
            }
        }
    };
}

generators! {
    ArithmeticBaseGenerator<F, D>,
    ArithmeticExtensionGenerator<F, D>,
    BaseSplitGenerator<2>,
    BaseSumGenerator<2>,
    ConstantGenerator<F>,
    CopyGenerator,
    EqualityGenerator,
    ExponentiationGenerator<F, D>,
    InterpolationGenerator<F, D>,
    LowHighGenerator,
    MulExtensionGenerator<F, D>,
    NonzeroTestGenerator,
    PoseidonGenerator<F, D>,
    PoseidonMdsGenerator<D>,
    QuotientGeneratorExtension<D>,
    RandomAccessGenerator<F, D>,
    RandomValueGenerator,
    ReducingGenerator<D>,
    ReducingExtensionGenerator<D>,
    SplitGenerator,
    WireSplitGenerator,
    DigitGenerator,
    RangeGenerator,
    SmallGenerator
}

fn small(value: usize) -> IoResult<u32> {
    u32::try_from(value).map_err(|_| IoError)
}

fn write_numbers(out: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = usize>) -> IoResult<()> {
    out.write_usize(numbers.len())?;
    out.reserve(4 * numbers.len());
    for n in numbers {
        out.extend_from_slice(&small(n)?.to_le_bytes());
    }
    Ok(())
}

fn write_elements(out: &mut Vec<u8>, elements: &[F]) {
    out.reserve(8 * elements.len());
    elements.iter().for_each(|e| out.extend_from_slice(&e.to_canonical_u64().to_le_bytes()));
}

fn write_hashes(out: &mut Vec<u8>, hashes: &[HashOut<F>]) -> IoResult<()> {
    out.write_usize(hashes.len())?;
    hashes.iter().for_each(|h| write_elements(out, &h.elements));
    Ok(())
}

/// What is left of a body.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> IoResult<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(IoError)?;
        self.0 = rest;
        Ok(taken)
    }

    fn count(&mut self) -> IoResult<usize> {
        let word = self.take(8)?.try_into().map_err(|_| IoError)?;
        usize::try_from(u64::from_le_bytes(word)).map_err(|_| IoError)
    }

    fn numbers(&mut self) -> IoResult<Vec<usize>> {
        let count = self.count()?;
        let bytes = self.take(count.checked_mul(4).ok_or(IoError)?)?;
        Ok(bytes.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b) as usize).collect())
    }

    fn elements(&mut self, count: usize) -> IoResult<Vec<F>> {
        let bytes = self.take(count.checked_mul(8).ok_or(IoError)?)?;
        let read = |&b: &[u8; 8]| {
            let v = u64::from_le_bytes(b);
            if v < P { Ok(F::from_canonical_u64(v)) } else { Err(IoError) }
        };
        bytes.as_chunks().0.iter().map(read).collect()
    }

    fn hashes(&mut self) -> IoResult<Vec<HashOut<F>>> {
        let count = self.count()?;
        let elements = self.elements(count.checked_mul(4).ok_or(IoError)?)?;
        Ok(elements.as_chunks().0.iter().map(|&elements| HashOut { elements }).collect())
    }

    /// What Plonky2 reads itself.
    fn with<T>(&mut self, read: impl FnOnce(&mut Buffer<'_>) -> IoResult<T>) -> IoResult<T> {
        let mut buffer = Buffer::new(self.0);
        let value = read(&mut buffer)?;
        let rest = buffer.unread_bytes().len();
        self.0 = &self.0[self.0.len() - rest..];
        Ok(value)
    }
}

/// A target as one number: wires first.
fn number(target: &Target, rows: usize, wires: usize) -> usize {
    match *target {
        Target::Wire(w) => w.row * wires + w.column,
        Target::VirtualTarget { index } => rows * wires + index,
    }
}

fn target(number: usize, rows: usize, wires: usize) -> Target {
    match number.checked_sub(rows * wires) {
        None => Target::wire(number / wires, number % wires),
        Some(index) => Target::VirtualTarget { index },
    }
}

fn write(out: &mut Vec<u8>, circuit: &Result<Circuit, TooSmall>) -> IoResult<()> {
    out.write_bool(circuit.is_ok())?;
    // Families are names for tests, which build.
    let Ok(Circuit { id: _, data, inputs, purpose: _, elements, families: _, spare, pairs, public_row }) = circuit
    else {
        return Ok(());
    };
    let CircuitData { prover_only, verifier_only: _, common } = data;
    out.write_common_circuit_data(common, &Codec)?;
    let (rows, wires) = (common.degree(), common.config.num_wires);

    let Inputs { slots, inner, verifiers } = inputs;
    out.write_usize(slots.len())?;
    for (name, targets) in slots {
        out.write_usize(name.len())?;
        out.extend_from_slice(name.as_bytes());
        write_numbers(out, targets.iter().map(|t| number(t, rows, wires)))?;
    }
    out.write_usize(inner.len())?;
    inner.iter().try_for_each(|p| out.write_target_proof_with_public_inputs(p))?;
    out.write_usize(verifiers.len())?;
    verifiers.iter().try_for_each(|v| out.write_target_verifier_circuit(v))?;
    write_numbers(out, elements.iter().copied())?;
    write_numbers(out, spare.iter().copied())?;
    write_numbers(out, pairs.iter().flat_map(|&(x, y)| [x, y]).collect::<Vec<_>>().into_iter())?;
    write_numbers(out, public_row.iter().copied())?;

    let ProverOnlyCircuitData {
        generators,
        generator_indices_by_watches,
        constants_sigmas_commitment,
        // Values of polynomials that are written.
        sigmas: _,
        subgroup: _,
        public_inputs,
        representative_map,
        fft_root_table: _,
        circuit_digest,
        lookup_rows,
        lut_to_lookups,
    } = prover_only;
    if !lookup_rows.is_empty() || !lut_to_lookups.is_empty() {
        return Err(IoError);
    }
    let PolynomialBatch { polynomials, merkle_tree, degree_log: _, rate_bits: _, blinding: _ } =
        constants_sigmas_commitment;
    write_hashes(out, std::slice::from_ref(circuit_digest))?;
    write_hashes(out, &merkle_tree.cap.0)?;
    write_hashes(out, &merkle_tree.digests)?;
    out.write_usize(polynomials.len())?;
    polynomials.iter().for_each(|p| write_elements(out, &p.coeffs));
    write_numbers(out, public_inputs.iter().map(|t| number(t, rows, wires)))?;
    write_numbers(out, representative_map.iter().copied())?;
    write_numbers(out, generator_indices_by_watches.keys().copied().collect::<Vec<_>>().into_iter())?;
    write_numbers(out, generator_indices_by_watches.values().map(Vec::len).collect::<Vec<_>>().into_iter())?;
    write_numbers(out, generator_indices_by_watches.values().flatten().copied().collect::<Vec<_>>().into_iter())?;
    out.write_usize(generators.len())?;
    generators.iter().try_for_each(|g| out.write_generator(g, &Codec, common))
}

fn read(body: &[u8], id: Fingerprint, purpose: Purpose) -> IoResult<Result<Circuit, TooSmall>> {
    let mut input = Input(body);
    if input.take(1)? == [0] {
        return Ok(Err(TooSmall));
    }
    let common = input.with(|b| b.read_common_circuit_data::<F, D>(&Codec))?;
    if common.config != config::circuit_config(purpose) {
        return Err(IoError);
    }
    let (rows, wires) = (common.degree(), common.config.num_wires);
    let targets = |numbers: Vec<usize>| numbers.into_iter().map(|n| target(n, rows, wires)).collect::<Vec<_>>();

    let mut slots = BTreeMap::new();
    for _ in 0..input.count()? {
        let length = input.count()?;
        let name = String::from_utf8(input.take(length)?.to_vec()).map_err(|_| IoError)?;
        slots.insert(name, targets(input.numbers()?));
    }
    let count = input.count()?;
    let inner = input.with(|b| (0..count).map(|_| b.read_target_proof_with_public_inputs()).collect())?;
    let count = input.count()?;
    let verifiers = input.with(|b| (0..count).map(|_| b.read_target_verifier_circuit()).collect())?;
    let inputs = Inputs { slots, inner, verifiers };
    let elements = input.numbers()?.first().copied();
    let spare = input.numbers()?;
    let pairs = input.numbers()?.as_chunks().0.iter().map(|&[x, y]| (x, y)).collect();
    let public_row = input.numbers()?.first().copied();

    let circuit_digest = *input.hashes()?.first().ok_or(IoError)?;
    let cap = MerkleCap(input.hashes()?);
    let digests = input.hashes()?;
    let mut polynomials = vec![];
    for _ in 0..input.count()? {
        polynomials.push(PolynomialCoeffs::new(input.elements(rows)?));
    }
    let public_inputs = targets(input.numbers()?);
    let representative_map = input.numbers()?;
    let (keys, lengths, indices) = (input.numbers()?, input.numbers()?, input.numbers()?);
    let mut rest = &indices[..];
    let mut watches = Vec::with_capacity(keys.len());
    for (key, length) in keys.into_iter().zip(lengths) {
        let (taken, left) = rest.split_at_checked(length).ok_or(IoError)?;
        watches.push((key, taken.to_vec()));
        rest = left;
    }
    let count = input.count()?;
    let generators: Vec<_> = input.with(|b| (0..count).map(|_| b.read_generator::<F, D>(&Codec, &common)).collect())?;
    if !input.0.is_empty() {
        return Err(IoError);
    }

    // What follows from the polynomials.
    let rate_bits = common.config.fri_config.rate_bits;
    let quotient_bits = common.quotient_degree_factor.next_power_of_two().trailing_zeros() as usize;
    let roots = fft_root_table(rows << rate_bits.max(quotient_bits));
    let extend = |p: &PolynomialCoeffs<F>| {
        p.lde(rate_bits).coset_fft_with_options(F::coset_shift(), Some(rate_bits), Some(&roots)).values
    };
    let columns: Vec<Vec<F>> = polynomials.par_iter().map(extend).collect();
    let mut leaves = transpose(&columns);
    drop(columns);
    reverse_bits(&mut leaves);
    let sigmas: Vec<Vec<F>> = polynomials[common.sigmas_range()].par_iter().map(|p| p.clone().fft().values).collect();
    let sigmas = transpose(&sigmas);

    let commitment = PolynomialBatch {
        polynomials,
        merkle_tree: MerkleTree { leaves, digests, cap: cap.clone() },
        degree_log: common.degree_bits(),
        rate_bits,
        blinding: false,
    };
    let prover_only = ProverOnlyCircuitData {
        generators,
        generator_indices_by_watches: watches.into_iter().collect(),
        constants_sigmas_commitment: commitment,
        sigmas,
        subgroup: F::two_adic_subgroup(common.degree_bits()),
        public_inputs,
        representative_map,
        fft_root_table: Some(roots),
        circuit_digest,
        lookup_rows: vec![],
        lut_to_lookups: vec![],
    };
    let verifier_only = VerifierOnlyCircuitData { constants_sigmas_cap: cap, circuit_digest };
    let data: CircuitData<F, C, D> = CircuitData { prover_only, verifier_only, common };
    let families = Default::default();
    Ok(Ok(Circuit { id, data, inputs, purpose, elements, families, spare, pairs, public_row }))
}

fn transpose(columns: &[Vec<F>]) -> Vec<Vec<F>> {
    let rows = columns.first().map_or(0, Vec::len);
    (0..rows).into_par_iter().map(|i| columns.iter().map(|c| c[i]).collect()).collect()
}

/// Moves each entry to the place whose binary digits are its own, reversed.
fn reverse_bits<T>(list: &mut [T]) {
    let bits = list.len().trailing_zeros();
    for i in 1..list.len() {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            list.swap(i, j);
        }
    }
}
