//! "`c0 = b + Σ x`, and the polynomials have these values at the points of the shares."

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::kit::{Hash, Kit, Values};
use crate::poly;
use zektra_statement::digest::Tag;
use zektra_statement::field::{E, F, N, from_ext};
use zektra_statement::inputs::{self, Statement};

/// The circuit of a row group on its way to the job's key.
#[derive(Debug)]
pub struct ExtendCircuit {
    /// The circuit.
    pub circuit: Circuit,
}

/// A plane with all its shares; 4096 coefficients each, all public.
#[derive(Clone)]
pub struct Plane<'a> {
    /// The public randomness.
    pub a: &'a [F],
    /// The owner's ciphertext.
    pub b: &'a [F],
    /// The other members' shares.
    pub x: Vec<&'a [F]>,
}

impl ExtendCircuit {
    /// For `members` members and `blocks` column blocks of two planes.
    pub fn build(members: u32, blocks: usize) -> Self {
        let others = members as usize - 1;
        let mut kit = Kit::new(Purpose::Public, &Self::shape(members, blocks), None);
        let elements: Vec<_> = (0..2 * blocks)
            .map(|_| (kit.public_hash(), kit.public_hash(), kit.public_hashes(others), kit.public_hash()))
            .collect();
        let owner = (kit.public_ext(), kit.public_exts(4 * blocks));
        let rest: Vec<_> = (0..others).map(|_| (kit.public_ext(), kit.public_exts(4 * blocks))).collect();
        for (k, (a_hash, b_hash, x_hashes, c0_hash)) in elements.into_iter().enumerate() {
            let mut open = |name: String, hash: Hash| {
                let p = kit.input(name, N);
                let opened = kit.commit(Tag::Polynomial, &p);
                kit.equal("polynomial commitment", &opened, &hash);
                p
            };
            let (a, b) = (open(format!("a {k}"), a_hash), open(format!("b {k}"), b_hash));
            let x: Vec<_> = x_hashes.into_iter().enumerate().map(|(j, h)| open(format!("x {k} {j}"), h)).collect();
            let mut c0 = b.clone();
            for x in &x {
                c0.iter_mut().zip(x).for_each(|(c, &x)| *c = kit.b.add(*c, x));
            }
            let opened = kit.commit(Tag::Polynomial, &c0);
            kit.equal("sum of shares", &opened, &c0_hash);
            let (r, values) = &owner;
            for (p, value) in [(&a, values[2 * k]), (&b, values[2 * k + 1])] {
                let found = kit.evaluate(p, *r);
                kit.equal_ext("values at points", found, value);
            }
            for (x, (r, values)) in x.iter().zip(&rest) {
                for (p, value) in [(&a, values[2 * k]), (x, values[2 * k + 1])] {
                    let found = kit.evaluate(p, *r);
                    kit.equal_ext("values at points", found, value);
                }
            }
        }
        Self { circuit: kit.finish(Blinding::None) }
    }

    /// Loads the circuit, or builds it.
    pub fn load(cache: &Cache, members: u32, blocks: usize) -> Self {
        let build = || Self::build(members, blocks).circuit;
        Self { circuit: cache.circuit(Purpose::Public, &Self::shape(members, blocks), build) }
    }

    fn shape(members: u32, blocks: usize) -> String {
        format!("extend/1 n={members} blocks={blocks}")
    }

    /// Proves a row group's sums; `points` are the `r` of the tile's proof and of the others' shares.
    ///
    /// # Errors
    /// Commitments that are not those of the polynomials.
    pub fn prove(
        &self,
        statement: &inputs::Extend,
        planes: &[Plane<'_>],
        owner: E,
        others: &[E],
    ) -> Result<Proof, ProofError> {
        let mut values = Values::default();
        let mut public = statement.elements();
        public.extend(from_ext(owner));
        for (k, p) in planes.iter().enumerate() {
            values.put(format!("a {k}"), p.a.to_vec());
            values.put(format!("b {k}"), p.b.to_vec());
            p.x.iter().enumerate().for_each(|(j, x)| values.put(format!("x {k} {j}"), x.to_vec()));
            public.extend([p.a, p.b].iter().flat_map(|q| from_ext(poly::evaluate(q, owner))));
        }
        for (j, &r) in others.iter().enumerate() {
            public.extend(from_ext(r));
            for p in planes {
                public.extend([p.a, p.x[j]].iter().flat_map(|q| from_ext(poly::evaluate(q, r))));
            }
        }
        values.put("public", public);
        self.circuit.prove(&values)
    }
}
