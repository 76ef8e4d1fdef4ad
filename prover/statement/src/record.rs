//! Seats, datasets and jobs as everyone hashes them.

use crate::digest::{Commitment, Encoder, Fingerprint};
use crate::template::Template;

/// A member: who holds a key share, not an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// For people; not unique.
    pub name: String,
    /// Commitment of the ternary key share.
    pub key: Commitment,
    /// Raised by every rotation.
    pub epoch: u32,
    /// X25519 key that released models are sealed to.
    pub release_key: [u8; 32],
    /// Keys of those who may act for the seat; none before there is a network.
    pub operator_keys: Vec<[u8; 32]>,
}

impl Seat {
    /// The digest by which others refer to the seat.
    pub fn digest(&self) -> Fingerprint {
        let Self { name, key, epoch, release_key, operator_keys } = self;
        let mut e = Encoder::new("zektra/seat/v1");
        e.bytes(name.as_bytes()).bytes(&key.to_bytes()).u64(u64::from(*epoch)).bytes(release_key);
        e.len(operator_keys.len());
        for k in operator_keys {
            e.bytes(k);
        }
        e.fingerprint()
    }
}

/// What proofs name a compute node by: the account that runs it, on its chain.
pub fn node_fingerprint(chain_id: &str, operator: &[u8]) -> Fingerprint {
    let mut e = Encoder::new("zektra/node/v1");
    e.bytes(chain_id.as_bytes()).bytes(operator);
    e.fingerprint()
}

/// What a plane of a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Plane {
    /// `x_ij` at `iD + j`.
    Features = 1,
    /// `Σ_i x_ij·(−t_ic)` at `cD + j`, at scale `s_x·s_r`: the part of the gradient that the labels give.
    Moment = 2,
}

impl Plane {
    /// The planes of a tile in the order in which they are stored.
    pub const ALL: [Self; 2] = [Self::Features, Self::Moment];

    /// Position in [`Plane::ALL`].
    pub fn index(self) -> u64 {
        self as u64 - 1
    }
}

/// An encrypted table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Chosen by the owner's seat, name and number: see [`Dataset::object_id`].
    pub id: Fingerprint,
    /// The owner's key at the time of encryption.
    pub owner_key: Commitment,
    /// Upload attempt; tiles of another attempt use other public randomness.
    pub attempt: u32,
    /// Digest of the schema: bounds and scales.
    pub schema: Fingerprint,
    /// Rows that hold data.
    pub rows: u64,
    /// Row groups.
    pub groups: u32,
    /// Columns of a tile.
    pub columns: u32,
    /// Column blocks of a row.
    pub blocks: u32,
    /// Weight vectors whose moments are there.
    pub classes: u32,
    /// Fraction bits of the features.
    pub scale_x: u32,
    /// Fraction bits of the residuals that the moments fit.
    pub scale_r: u32,
    /// Bound of a row's squared norm, in 1/256.
    pub row_norm: u32,
    /// Bound of a single feature, in 1/256.
    pub range: u32,
    /// Poseidon tree over the polynomials.
    pub root: Commitment,
    /// BLAKE3 of the stored bytes.
    pub content_root: Fingerprint,
}

impl Dataset {
    /// The object id of an owner's dataset.
    pub fn object_id(chain_id: &str, owner_key: &Commitment, name: &str) -> Fingerprint {
        let mut e = Encoder::new("zektra/dataset-id/v1");
        e.bytes(chain_id.as_bytes()).bytes(&owner_key.to_bytes()).bytes(name.as_bytes());
        e.fingerprint()
    }

    /// What tiles are labelled and drawn by: the chain, the id and the owner's key, so that a record that
    /// carries another owner's id stands for other randomness.
    pub fn object_of(chain_id: &str, id: &Fingerprint, owner_key: &Commitment) -> Fingerprint {
        let mut e = Encoder::new("zektra/vault-object/v1");
        e.bytes(chain_id.as_bytes()).bytes(&id.0).bytes(&owner_key.to_bytes());
        e.fingerprint()
    }

    /// [`Dataset::object_of`] this dataset.
    pub fn object(&self, chain_id: &str) -> Fingerprint {
        Self::object_of(chain_id, &self.id, &self.owner_key)
    }

    /// Tiles: row groups times column blocks.
    pub fn tiles(&self) -> u64 {
        u64::from(self.groups) * u64::from(self.blocks)
    }

    /// The digest over every field.
    pub fn digest(&self) -> Fingerprint {
        let Self {
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
        } = self;
        let mut e = Encoder::new("zektra/dataset/v1");
        e.bytes(&id.0).bytes(&owner_key.to_bytes()).u64(u64::from(*attempt)).bytes(&schema.0).u64(*rows);
        for v in [groups, columns, blocks, classes, scale_x, scale_r, row_norm, range] {
            e.u64(u64::from(*v));
        }
        e.bytes(&root.to_bytes()).bytes(&content_root.0);
        e.fingerprint()
    }
}

/// A dataset in a job, with the member who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// Index of the owner among the seats.
    pub owner: u32,
}

/// A job as it is locked: everything that members derive their work from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The chain, or `local`.
    pub chain_id: String,
    /// Unique on its chain.
    pub id: u64,
    /// How often the job was begun anew, from 0; below `max_attempts`. A node that goes on where another was lost begins
    /// nothing anew: lock and attempt stay.
    pub attempt: u32,
    /// At most 8; hiding is computed for all of them.
    pub max_attempts: u32,
    /// What is trained.
    pub template: Template,
    /// The members.
    pub seats: Vec<Seat>,
    /// Index of the developer among the seats.
    pub developer: u32,
    /// The datasets, in training order.
    pub datasets: Vec<JobDataset>,
    /// Randomness of the batch order, fixed after the datasets.
    pub beacon: [u8; 32],
    /// Whether the members declared that they trust each other's inputs (ungoverned templates only).
    pub trusted_inputs: bool,
    /// The circuits that prove the job, as a chain of proofs names them; `None`: it is not proven.
    pub circuits: Option<Commitment>,
}

/// The most attempts a job may have.
pub const MAX_ATTEMPTS: u32 = 8;

/// Why a job record contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {job}: {field} is {value}, expected {expected}")]
pub struct JobError {
    /// The job's id.
    pub job: u64,
    /// The field.
    pub field: String,
    /// What it is.
    pub value: String,
    /// What it should be.
    pub expected: String,
}

impl Job {
    /// Row groups of all datasets; below 2^32 in a valid job.
    pub fn groups(&self) -> u32 {
        self.datasets.iter().fold(0u32, |sum, d| sum.saturating_add(d.dataset.groups))
    }

    /// How many extension streams there are: one a dataset and member that does not own it.
    pub fn extension_streams(&self) -> usize {
        self.datasets.len() * (self.seats.len() - 1)
    }

    /// Members, `n`.
    pub fn members(&self) -> u32 {
        self.seats.len() as u32
    }

    /// The dataset and its row group behind the running index `group`; `None` beyond the last.
    pub fn locate(&self, group: u32) -> Option<(usize, u32)> {
        let mut left = group;
        for (i, d) in self.datasets.iter().enumerate() {
            if left < d.dataset.groups {
                return Some((i, left));
            }
            left -= d.dataset.groups;
        }
        None
    }

    /// Checks that the parts fit each other; hiding is checked by the profile.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn validate(&self) -> Result<(), JobError> {
        let fail = |field: &str, value: String, expected: String| {
            Err(JobError { job: self.id, field: field.into(), value, expected })
        };
        let p = &self.template.params;
        if let Err(e) = self.template.validate() {
            return fail(e.field, e.value.to_string(), e.expected);
        }
        let chain_id_fits =
            (1..=64).contains(&self.chain_id.len()) && self.chain_id.bytes().all(|b| b.is_ascii_graphic());
        if !chain_id_fits {
            return fail(
                "chain_id",
                format!("{:?}", self.chain_id),
                "1 to 64 printable ASCII characters without space".into(),
            );
        }
        if self.seats.is_empty() || self.seats.len() > 64 {
            return fail("seats", self.seats.len().to_string(), "1 to 64 members".into());
        }
        for (i, s) in self.seats.iter().enumerate() {
            if self.seats[..i].iter().any(|t| t.key == s.key) {
                return fail(&format!("seats[{i}].key"), s.key.to_string(), "a key that no other seat has".into());
            }
        }
        if self.developer >= self.members() {
            return fail("developer", self.developer.to_string(), format!("below {}", self.members()));
        }
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return fail("max_attempts", self.max_attempts.to_string(), format!("1 to {MAX_ATTEMPTS}"));
        }
        if self.attempt >= self.max_attempts {
            return fail("attempt", self.attempt.to_string(), format!("below max_attempts = {}", self.max_attempts));
        }
        if !self.template.kind.governed() && !self.trusted_inputs {
            let expected = "a governed template, or trusted_inputs = true from every member".into();
            return fail("template", self.template.kind.id().into(), expected);
        }
        if self.datasets.is_empty() || self.datasets.len() > 1024 {
            return fail("datasets", self.datasets.len().to_string(), "1 to 1024 datasets".into());
        }
        for (i, JobDataset { dataset: d, owner }) in self.datasets.iter().enumerate() {
            let at = |field: &str| format!("datasets[{i}].{field}");
            let Some(seat) = self.seats.get(*owner as usize) else {
                return fail(&at("owner"), owner.to_string(), format!("below {}", self.members()));
            };
            if seat.key != d.owner_key {
                return fail(
                    &at("owner_key"),
                    d.owner_key.to_string(),
                    format!("the key of seat {owner}, {}", seat.key),
                );
            }
            if self.datasets[..i].iter().any(|e| e.dataset.id == d.id) {
                return fail(&at("id"), d.id.to_string(), "each dataset once".into());
            }
            if d.schema != self.datasets[0].dataset.schema {
                let expected = format!("the schema of datasets[0], {}", self.datasets[0].dataset.schema);
                return fail(&at("schema"), d.schema.to_string(), expected);
            }
            if d.groups == 0 || d.groups > 1 << 20 {
                return fail(&at("groups"), d.groups.to_string(), "1 to 1048576 row groups".into());
            }
            let room = u64::from(d.groups) * u64::from(p.rows_per_group());
            let last = room - u64::from(p.rows_per_group());
            if d.rows <= last || d.rows > room {
                return fail(
                    &at("rows"),
                    d.rows.to_string(),
                    format!("{} to {room}, what fills the row groups", last + 1),
                );
            }
            let pairs = [
                ("columns", d.columns, p.columns()),
                ("blocks", d.blocks, p.blocks()),
                ("classes", d.classes, p.classes),
                ("scale_x", d.scale_x, p.scale_x),
                ("scale_r", d.scale_r, p.scale_r),
                ("row_norm", d.row_norm, p.row_norm),
                ("range", d.range, p.range),
            ];
            for (field, value, expected) in pairs {
                if value != expected {
                    return fail(&at(field), value.to_string(), format!("{expected}, as the template says"));
                }
            }
        }
        let groups = self.datasets.iter().map(|d| u64::from(d.dataset.groups)).sum::<u64>();
        if u64::from(p.groups) > groups {
            return fail("groups", p.groups.to_string(), format!("at most the {groups} row groups of the datasets"));
        }
        if p.full_batch != (u64::from(p.groups) == groups) {
            let expected = "true exactly when a step takes every row group".to_string();
            return fail("full_batch", p.full_batch.to_string(), expected);
        }
        Ok(())
    }

    /// The digest over every field.
    pub fn digest(&self) -> Fingerprint {
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
        let mut e = Encoder::new("zektra/job/v1");
        e.bytes(chain_id.as_bytes()).u64(*id).u64(u64::from(*attempt)).u64(u64::from(*max_attempts));
        e.bytes(&template.digest().0);
        e.len(seats.len());
        for s in seats {
            e.bytes(&s.digest().0);
        }
        e.u64(u64::from(*developer)).len(datasets.len());
        for d in datasets {
            e.bytes(&d.dataset.digest().0).u64(u64::from(d.owner));
        }
        e.bytes(beacon).u64(u64::from(*trusted_inputs));
        e.bytes(&circuits.map_or(vec![], |c| c.to_bytes().to_vec()));
        e.fingerprint()
    }

    /// The object id of the job's own randomness: the digest and every extension share.
    ///
    /// Fixing the extension shares before any `a''` exists keeps a member from choosing a share as
    /// a multiple of the inverse of one.
    pub fn lock_id(&self, extension_roots: &[Fingerprint]) -> Fingerprint {
        let mut e = Encoder::new("zektra/job-lock/v1");
        e.bytes(&self.digest().0).len(extension_roots.len());
        for r in extension_roots {
            e.bytes(&r.0);
        }
        e.fingerprint()
    }
}
