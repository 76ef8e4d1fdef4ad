//! One text for a gate's constraints, whether over the field, packed vectors of it, its extension or a circuit.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use zektra_statement::field::{E, F};

/// `φ² = 7` in the quadratic extension.
const W: u64 = 7;

/// Ring operations.
pub trait Arith {
    /// A value.
    type V: Copy;
    /// A constant.
    fn constant(&mut self, c: F) -> Self::V;
    /// `x − y`.
    fn sub(&mut self, x: Self::V, y: Self::V) -> Self::V;
    /// `x·y + z`.
    fn mul_add(&mut self, x: Self::V, y: Self::V, z: Self::V) -> Self::V;
    /// `c·x + y`.
    fn scale_add(&mut self, c: F, x: Self::V, y: Self::V) -> Self::V;
    /// `x·(y − c)`.
    fn mul_shifted(&mut self, x: Self::V, y: Self::V, c: F) -> Self::V;

    /// `∏_{v < base} (d − v)`.
    fn in_base(&mut self, d: Self::V, base: u64) -> Self::V {
        (1..base).fold(d, |product, v| self.mul_shifted(product, d, F::from_canonical_u64(v)))
    }

    /// `x·y + z` of pairs that stand for elements of `F[φ]/(φ² − 7)`.
    fn pair_mul_add(&mut self, x: [Self::V; 2], y: [Self::V; 2], z: [Self::V; 2]) -> [Self::V; 2] {
        let zero = self.constant(F::ZERO);
        let high = self.mul_add(x[1], y[1], zero);
        let low = self.mul_add(x[0], y[0], z[0]);
        let low = self.scale_add(F::from_canonical_u64(W), high, low);
        let cross = self.mul_add(x[0], y[1], z[1]);
        [low, self.mul_add(x[1], y[0], cross)]
    }

    /// `v·y + z`, `v` a single value.
    fn pair_scale_add(&mut self, v: Self::V, y: [Self::V; 2], z: [Self::V; 2]) -> [Self::V; 2] {
        [self.mul_add(v, y[0], z[0]), self.mul_add(v, y[1], z[1])]
    }
}

/// Over (packed) base field elements.
pub struct Packed<P>(pub std::marker::PhantomData<P>);

impl<P: PackedField<Scalar = F>> Arith for Packed<P> {
    type V = P;
    fn constant(&mut self, c: F) -> P {
        P::from(c)
    }
    fn sub(&mut self, x: P, y: P) -> P {
        x - y
    }
    fn mul_add(&mut self, x: P, y: P, z: P) -> P {
        x * y + z
    }
    fn scale_add(&mut self, c: F, x: P, y: P) -> P {
        x * c + y
    }
    fn mul_shifted(&mut self, x: P, y: P, c: F) -> P {
        x * (y - c)
    }
}

/// Over the extension.
pub struct Extension;

impl Arith for Extension {
    type V = E;
    fn constant(&mut self, c: F) -> E {
        c.into()
    }
    fn sub(&mut self, x: E, y: E) -> E {
        x - y
    }
    fn mul_add(&mut self, x: E, y: E, z: E) -> E {
        x * y + z
    }
    fn scale_add(&mut self, c: F, x: E, y: E) -> E {
        x * E::from(c) + y
    }
    fn mul_shifted(&mut self, x: E, y: E, c: F) -> E {
        x * (y - E::from(c))
    }
}

/// Inside a verifier circuit.
pub struct Circuit<'a>(pub &'a mut CircuitBuilder<F, 2>);

impl Arith for Circuit<'_> {
    type V = ExtensionTarget<2>;
    fn constant(&mut self, c: F) -> Self::V {
        self.0.constant_extension(c.into())
    }
    fn sub(&mut self, x: Self::V, y: Self::V) -> Self::V {
        self.0.sub_extension(x, y)
    }
    fn mul_add(&mut self, x: Self::V, y: Self::V, z: Self::V) -> Self::V {
        self.0.mul_add_extension(x, y, z)
    }
    fn scale_add(&mut self, c: F, x: Self::V, y: Self::V) -> Self::V {
        self.0.mul_const_add_extension(c, x, y)
    }
    fn mul_shifted(&mut self, x: Self::V, y: Self::V, c: F) -> Self::V {
        // x·y − c·x in one operation.
        self.0.arithmetic_extension(F::ONE, -c, x, y, x)
    }
}
