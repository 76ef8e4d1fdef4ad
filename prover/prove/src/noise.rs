//! "`share + multiplier·s` is noise", for a batch of pairs: extension shares and offline shares.

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::gates::SmallGate;
use crate::kit::{Family, Kit, Values};
use crate::poly;
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{E, F, Field, N};
use zektra_statement::inputs::{self, Statement};

/// What a batch is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `x + a·s`.
    Extension,
    /// `P − d2·s`.
    Offline,
}

/// A batch of `pairs` shares in one proof.
#[derive(Debug)]
pub struct NoiseCircuit {
    /// The circuit.
    pub circuit: Circuit,
    kind: Kind,
    pairs: usize,
}

/// One share with its secret noise; slices of 4096 coefficients.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    /// `a`, or `d2`.
    pub multiplier: &'a [F],
    /// `x`, or `P`.
    pub share: &'a [F],
    /// `e`: secret.
    pub noise: &'a [F],
}

impl NoiseCircuit {
    /// Builds the circuit.
    pub fn build(kind: Kind, pairs: usize) -> Self {
        Self::without(kind, pairs, None)
    }

    /// Loads the circuit, or builds it.
    pub fn load(cache: &Cache, kind: Kind, pairs: usize) -> Self {
        let build = || Self::build(kind, pairs).circuit;
        Self { circuit: cache.circuit(Purpose::Share, &Self::shape(kind, pairs), build), kind, pairs }
    }

    fn shape(kind: Kind, pairs: usize) -> String {
        format!("noise/1 {kind:?} pairs={pairs}")
    }

    /// Builds the circuit without one family of constraints: for tests of the others.
    pub fn without(kind: Kind, pairs: usize, omit: Option<Family>) -> Self {
        let mut kit = Kit::new(Purpose::Share, &Self::shape(kind, pairs), omit);
        kit.public(8);
        let key = kit.public_hash();
        kit.public_hashes(2 * pairs);
        let head = kit.head();
        let values: Vec<_> = (0..pairs).map(|_| (kit.public_ext(), kit.public_ext())).collect();

        let key = kit.key(key);
        let s = kit.evaluate(&key.digits, head.r);
        let gate = SmallGate::noise(!kit.omits("noise range"));
        let powers = kit.row_powers(&gate, head.r);
        let mut packs = vec![];
        let mut terms = vec![];
        for (k, (multiplier, share)) in values.into_iter().enumerate() {
            let e = kit.small(&format!("noise {k}"), &gate, &powers, None);
            packs.extend(e.packs);
            let sum = kit.b.mul_add_extension(multiplier, s, share);
            terms.push(kit.b.sub_extension(sum, e.value));
        }
        let opened = kit.commit(Tag::Witness, &packs);
        kit.equal("witness commitment", &opened, &head.witness);
        crate::gadgets::identities(&mut kit, &head, &terms, vec![]);
        Self { circuit: kit.finish(Blinding::Hiding), kind, pairs }
    }

    /// Shares in a proof.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Pairs of commitments, filled up with zero polynomials.
    pub fn statement(&self, lock: Fingerprint, key: Commitment, pairs: &[(Commitment, Commitment)]) -> inputs::Noise {
        let mut pairs = pairs.to_vec();
        let zero = commit(Tag::Polynomial, &[F::ZERO; N]);
        pairs.resize(self.pairs, (zero, zero));
        inputs::Noise { lock, key, pairs }
    }

    /// The values of a statement at `r`, from the polynomials: (multiplier, share) of each pair.
    pub fn values_at(&self, polys: &[(&[F], &[F])], r: E) -> Vec<E> {
        let sign = if self.kind == Kind::Offline { E::NEG_ONE } else { E::ONE };
        let mut out: Vec<E> =
            polys.iter().flat_map(|(m, s)| [sign * poly::evaluate(m, r), poly::evaluate(s, r)]).collect();
        out.resize(2 * self.pairs, E::ZERO);
        out
    }

    /// What an honest prover fills in.
    pub fn values(&self, statement: &inputs::Noise, key: &[F], items: &[Item<'_>]) -> Values {
        let mut values = Values::default();
        let gate = SmallGate::noise(true);
        values.put("key", key.to_vec());
        let zero = vec![F::ZERO; N];
        let mut packs = vec![];
        for k in 0..self.pairs {
            let e = items.get(k).map_or(&zero[..], |i| i.noise);
            let small = crate::gadgets::small_values(&gate, e);
            packs.extend(small.packs);
            values.put(format!("noise {k}"), small.digits);
        }
        let quotients: Vec<Vec<F>> = items
            .iter()
            .map(|i| {
                let (_, high) = poly::product(i.multiplier, key);
                if self.kind == Kind::Offline { high.iter().map(|&c| -c).collect() } else { high }
            })
            .chain(std::iter::repeat_n(zero.clone(), self.pairs - items.len()))
            .collect();
        let polys: Vec<_> = items.iter().map(|i| (i.multiplier, i.share)).collect();
        crate::gadgets::seal(
            &mut values,
            &self.circuit.id(),
            &statement.elements(),
            commit(Tag::Witness, &packs),
            |beta| vec![poly::combine(&quotients, beta)],
            |points| self.values_at(&polys, points.r),
        );
        values
    }

    /// Proves a batch.
    ///
    /// # Errors
    /// Shares that are not what they should be.
    pub fn prove(&self, statement: &inputs::Noise, key: &[F], items: &[Item<'_>]) -> Result<Proof, ProofError> {
        self.circuit.prove(&self.values(statement, key, items))
    }

    /// Verifies a proof against the statement and the public polynomials behind its commitments.
    ///
    /// # Errors
    /// A proof of something else, or none.
    pub fn verify(&self, statement: &inputs::Noise, polys: &[(&[F], &[F])], proof: &Proof) -> Result<(), ProofError> {
        crate::gadgets::check(&self.circuit, &statement.elements(), proof, |points| self.values_at(polys, points.r))
    }
}
