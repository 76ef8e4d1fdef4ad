//! Bytes of records outside hashes: a strict encoding in which every value has exactly one form.
//!
//! Integers are fixed-width and little endian, lists and texts stand behind their number as 4 bytes,
//! commitments are four elements below `p`. A reader takes nothing on trust: it checks a number of items
//! against the bytes that are left before it makes room for them.

use crate::digest::{Commitment, Fingerprint};
use crate::field::{F, Field, P, PrimeField64};
use crate::record::{Dataset, Job, JobDataset, Seat};
use crate::template::{Kind, Params, Template};

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}, byte {offset}: {value}, expected {expected}")]
pub struct DecodeError {
    /// Which field.
    pub field: String,
    /// Where it begins.
    pub offset: usize,
    /// What stands there.
    pub value: String,
    /// What should stand there.
    pub expected: String,
}

/// Appends values in the encoding.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Bytes as they are.
    pub fn raw(&mut self, v: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(v);
        self
    }

    /// 1 byte.
    pub fn u8(&mut self, v: u8) -> &mut Self {
        self.raw(&[v])
    }

    /// 1 byte, 0 or 1.
    pub fn bool(&mut self, v: bool) -> &mut Self {
        self.u8(u8::from(v))
    }

    /// 4 bytes.
    pub fn u32(&mut self, v: u32) -> &mut Self {
        self.raw(&v.to_le_bytes())
    }

    /// 8 bytes.
    pub fn u64(&mut self, v: u64) -> &mut Self {
        self.raw(&v.to_le_bytes())
    }

    /// The number of items that follow.
    ///
    /// # Panics
    /// For 2^32 items and more, which no memory here holds.
    pub fn count(&mut self, v: usize) -> &mut Self {
        assert!(u32::try_from(v).is_ok(), "{v} items");
        self.u32(v as u32)
    }

    /// Bytes behind their number.
    pub fn bytes(&mut self, v: &[u8]) -> &mut Self {
        self.count(v.len()).raw(v)
    }

    /// 32 bytes.
    pub fn commitment(&mut self, v: &Commitment) -> &mut Self {
        self.raw(&v.to_bytes())
    }

    /// 8 bytes, below `p`.
    pub fn element(&mut self, v: F) -> &mut Self {
        self.u64(v.to_canonical_u64())
    }

    /// What was written.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// Reads values of the encoding; field names of errors stand behind `scope`.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    scope: String,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, scope: String::new() }
    }

    /// The next fields belong to this; empty: to the whole.
    pub fn scope(&mut self, scope: impl Into<String>) -> &mut Self {
        self.scope = scope.into();
        self
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error about the value that began `back` bytes before.
    pub fn error(
        &self,
        field: &str,
        back: usize,
        value: impl Into<String>,
        expected: impl Into<String>,
    ) -> DecodeError {
        let field = if self.scope.is_empty() { field.into() } else { format!("{}.{field}", self.scope) };
        // What is shown of strange bytes has an end.
        let value = value.into().chars().take(200).collect();
        DecodeError { field, offset: self.at - back, value, expected: expected.into() }
    }

    /// The next bytes as they are.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn raw(&mut self, field: &str, count: usize) -> Result<&'a [u8], DecodeError> {
        if self.left() < count {
            return Err(self.error(field, 0, format!("{} bytes", self.left()), format!("{count} bytes")));
        }
        self.at += count;
        Ok(&self.bytes[self.at - count..self.at])
    }

    fn array<const K: usize>(&mut self, field: &str) -> Result<[u8; K], DecodeError> {
        let mut out = [0; K];
        out.copy_from_slice(self.raw(field, K)?);
        Ok(out)
    }

    /// 1 byte.
    ///
    /// # Errors
    /// No byte is left.
    pub fn u8(&mut self, field: &str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// 1 byte, 0 or 1.
    ///
    /// # Errors
    /// No byte is left, or another value.
    pub fn bool(&mut self, field: &str) -> Result<bool, DecodeError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            v => Err(self.error(field, 1, v.to_string(), "0 or 1")),
        }
    }

    /// 4 bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn u32(&mut self, field: &str) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    /// 8 bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn u64(&mut self, field: &str) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// The number of items that follow, each of `size` bytes at least.
    ///
    /// # Errors
    /// The bytes left do not hold so many.
    pub fn count(&mut self, field: &str, size: usize) -> Result<usize, DecodeError> {
        let count = self.u32(field)?;
        let most = self.left() / size.max(1);
        if count as usize > most {
            let expected = format!("at most {most}, what the bytes behind it hold");
            return Err(self.error(field, 4, count.to_string(), expected));
        }
        Ok(count as usize)
    }

    /// Bytes behind their number.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn bytes(&mut self, field: &str) -> Result<&'a [u8], DecodeError> {
        let count = self.count(field, 1)?;
        self.raw(field, count)
    }

    /// A text in UTF-8 behind its number of bytes.
    ///
    /// # Errors
    /// Fewer bytes are left, or they are no UTF-8.
    pub fn text(&mut self, field: &str) -> Result<String, DecodeError> {
        let bytes = self.bytes(field)?;
        match std::str::from_utf8(bytes) {
            Ok(s) => Ok(s.into()),
            Err(e) => Err(self.error(field, bytes.len(), format!("no UTF-8: {e}"), "UTF-8")),
        }
    }

    /// 32 bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn bytes32(&mut self, field: &str) -> Result<[u8; 32], DecodeError> {
        self.array(field)
    }

    /// 32 bytes.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn fingerprint(&mut self, field: &str) -> Result<Fingerprint, DecodeError> {
        Ok(Fingerprint(self.array(field)?))
    }

    /// Four elements below `p`.
    ///
    /// # Errors
    /// Fewer bytes are left, or an element is not canonical.
    pub fn commitment(&mut self, field: &str) -> Result<Commitment, DecodeError> {
        let mut out = [0; 4];
        for e in &mut out {
            *e = self.element(field)?.to_canonical_u64();
        }
        Ok(Commitment(out))
    }

    /// An element below `p`.
    ///
    /// # Errors
    /// Fewer bytes are left, or the element is not canonical.
    pub fn element(&mut self, field: &str) -> Result<F, DecodeError> {
        let v = self.u64(field)?;
        if v >= P {
            return Err(self.error(field, 8, v.to_string(), format!("below p = {P}")));
        }
        Ok(F::from_canonical_u64(v))
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            n => Err(self.error("end", 0, format!("{n} more bytes"), "no more")),
        }
    }
}

impl Job {
    /// The record's bytes: `docs/formats.md`, section 12.
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            chain_id,
            id,
            attempt,
            max_attempts,
            template,
            seats,
            developer,
            datasets,
            beacon,
            trusted_inputs,
            circuits,
        } = self;
        let mut w = Writer::default();
        w.bytes(chain_id.as_bytes()).u64(*id).u32(*attempt).u32(*max_attempts);
        write_template(&mut w, template);
        w.count(seats.len());
        for s in seats {
            let Seat { name, key, epoch, release_key, operator_keys } = s;
            w.bytes(name.as_bytes()).commitment(key).u32(*epoch).raw(release_key).count(operator_keys.len());
            for k in operator_keys {
                w.raw(k);
            }
        }
        w.u32(*developer).count(datasets.len());
        for JobDataset { dataset, owner } in datasets {
            write_dataset(&mut w, dataset);
            w.u32(*owner);
        }
        w.raw(beacon).bool(*trusted_inputs).bool(circuits.is_some());
        if let Some(c) = circuits {
            w.commitment(c);
        }
        w.finish()
    }

    /// Reads what [`Job::encode`] wrote. Whether the record fits itself is [`Job::validate`]'s to say.
    ///
    /// # Errors
    /// The first field that is malformed, or bytes behind the end.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let (chain_id, id) = (r.text("chain_id")?, r.u64("id")?);
        let (attempt, max_attempts) = (r.u32("attempt")?, r.u32("max_attempts")?);
        let template = read_template(&mut r)?;
        let mut seats = vec![];
        for i in 0..r.scope("").count("seats", 76)? {
            r.scope(format!("seats[{i}]"));
            let (name, key, epoch) = (r.text("name")?, r.commitment("key")?, r.u32("epoch")?);
            let release_key = r.bytes32("release_key")?;
            let count = r.count("operator_keys", 32)?;
            let operator_keys = (0..count).map(|_| r.bytes32("operator_keys")).collect::<Result<_, _>>()?;
            seats.push(Seat { name, key, epoch, release_key, operator_keys });
        }
        let developer = r.scope("").u32("developer")?;
        let mut datasets = vec![];
        for i in 0..r.count("datasets", DATASET_BYTES + 4)? {
            r.scope(format!("datasets[{i}]"));
            datasets.push(JobDataset { dataset: read_dataset(&mut r)?, owner: r.u32("owner")? });
        }
        let (beacon, trusted_inputs) = (r.scope("").bytes32("beacon")?, r.bool("trusted_inputs")?);
        let circuits = if r.bool("proven")? { Some(r.commitment("circuits")?) } else { None };
        r.finish()?;
        Ok(Self {
            chain_id,
            id,
            attempt,
            max_attempts,
            template,
            seats,
            developer,
            datasets,
            beacon,
            trusted_inputs,
            circuits,
        })
    }
}

fn write_template(w: &mut Writer, template: &Template) {
    let Template { kind, params } = template;
    let Params {
        features,
        classes,
        groups,
        full_batch,
        iterations,
        fan_in,
        scale_x,
        scale_w,
        scale_r,
        shift_w,
        row_norm,
        range,
    } = params;
    w.bytes(kind.id().as_bytes()).u32(*features).u32(*classes).u32(*groups).bool(*full_batch);
    for v in [iterations, fan_in, scale_x, scale_w, scale_r, shift_w, row_norm, range] {
        w.u32(*v);
    }
}

fn read_template(r: &mut Reader<'_>) -> Result<Template, DecodeError> {
    r.scope("template");
    let id = r.text("kind")?;
    let Some(kind) = Kind::from_id(&id) else {
        let known: Vec<&str> = Kind::ALL.iter().map(|k| k.id()).collect();
        return Err(r.error("kind", id.len(), format!("{id:?}"), known.join(", ")));
    };
    let params = Params {
        features: r.u32("features")?,
        classes: r.u32("classes")?,
        groups: r.u32("groups")?,
        full_batch: r.bool("full_batch")?,
        iterations: r.u32("iterations")?,
        fan_in: r.u32("fan_in")?,
        scale_x: r.u32("scale_x")?,
        scale_w: r.u32("scale_w")?,
        scale_r: r.u32("scale_r")?,
        shift_w: r.u32("shift_w")?,
        row_norm: r.u32("row_norm")?,
        range: r.u32("range")?,
    };
    Ok(Template { kind, params })
}

/// Bytes of a dataset's record.
const DATASET_BYTES: usize = 5 * 32 + 4 + 8 + 8 * 4;

fn write_dataset(w: &mut Writer, d: &Dataset) {
    let Dataset {
        id,
        owner_key,
        attempt,
        schema,
        rows,
        groups,
        columns,
        blocks,
        classes,
        scale_x,
        scale_r,
        row_norm,
        range,
        root,
        content_root,
    } = d;
    w.raw(&id.0).commitment(owner_key).u32(*attempt).raw(&schema.0).u64(*rows);
    for v in [groups, columns, blocks, classes, scale_x, scale_r, row_norm, range] {
        w.u32(*v);
    }
    w.commitment(root).raw(&content_root.0);
}

fn read_dataset(r: &mut Reader<'_>) -> Result<Dataset, DecodeError> {
    Ok(Dataset {
        id: r.fingerprint("id")?,
        owner_key: r.commitment("owner_key")?,
        attempt: r.u32("attempt")?,
        schema: r.fingerprint("schema")?,
        rows: r.u64("rows")?,
        groups: r.u32("groups")?,
        columns: r.u32("columns")?,
        blocks: r.u32("blocks")?,
        classes: r.u32("classes")?,
        scale_x: r.u32("scale_x")?,
        scale_r: r.u32("scale_r")?,
        row_norm: r.u32("row_norm")?,
        range: r.u32("range")?,
        root: r.commitment("root")?,
        content_root: r.fingerprint("content_root")?,
    })
}
