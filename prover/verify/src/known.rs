//! The circuits that this build trusts: one line of `known.txt` for each list of a chain's circuits, of a job or of a
//! dataset alone.
//!
//! A digest names the relations that were proven: members, slots, positions, shifts, ranges. So a line says of
//! which template and how many members they are, and a job must have exactly these. Circuits depend neither on
//! the number of iterations nor on how many row groups there are beside a step's, and on the number of features only
//! through the tiles that they fill.

use std::fmt;
use zektra_statement::digest::Commitment;
use zektra_statement::record::{Dataset, Job};
use zektra_statement::template::{Kind, Params, Template};

/// The file; `make pin` writes it.
pub const FILE: &str = include_str!("known.txt");

/// A list of circuits and what it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The digest of the list, as a job's record names it.
    pub digest: Commitment,
    /// Binary logarithm of the links' rows.
    pub rows_log2: u32,
    /// Members of the job.
    pub members: u32,
    /// The template; `iterations` and `full_batch` do not count, of `features` only the tiles that they fill.
    pub template: Template,
}

/// What circuits depend on, by name.
fn fields(rows_log2: u32, members: u32, template: &Template) -> [(&'static str, String); 14] {
    let Template { kind, params } = template;
    let (columns, blocks) = (params.columns(), params.blocks());
    let Params {
        // Only the tiles that they fill count.
        features: _,
        classes,
        groups,
        full_batch: _,
        iterations: _,
        fan_in,
        scale_x,
        scale_w,
        scale_r,
        shift_w,
        row_norm,
        range,
    } = params;
    [
        ("rows_log2", rows_log2.to_string()),
        ("members", members.to_string()),
        ("template", kind.id().to_string()),
        ("columns", columns.to_string()),
        ("blocks", blocks.to_string()),
        ("classes", classes.to_string()),
        ("groups", groups.to_string()),
        ("fan_in", fan_in.to_string()),
        ("scale_x", scale_x.to_string()),
        ("scale_w", scale_w.to_string()),
        ("scale_r", scale_r.to_string()),
        ("shift_w", shift_w.to_string()),
        ("row_norm", row_norm.to_string()),
        ("range", range.to_string()),
    ]
}

impl Known {
    /// The first field in which a job differs from what the circuits are for: name, the job's, the circuits'.
    pub fn differs(&self, job: &Job, rows_log2: u32) -> Option<(&'static str, String, String)> {
        self.other(rows_log2, job.members(), &job.template)
    }

    /// The same of a template for a number of members, whose circuits are not built yet.
    pub fn differs_from(&self, template: &Template, members: u32) -> Option<(&'static str, String, String)> {
        self.other(self.rows_log2, members, template)
    }

    fn other(&self, rows_log2: u32, members: u32, template: &Template) -> Option<(&'static str, String, String)> {
        let mine = fields(self.rows_log2, self.members, &self.template);
        let theirs = fields(rows_log2, members, template);
        let other = mine.into_iter().zip(theirs).find(|(a, b)| a != b);
        other.map(|((name, expected), (_, found))| (name, found, expected))
    }

    /// Reads a line.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("job ")?.split(' ');
        let digest = parse_digest(words.next()?)?;
        let mut value = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let mut number = |name: &str| value(name)?.parse::<u32>().ok();
        let (rows_log2, members) = (number("rows_log2")?, number("members")?);
        let kind = Kind::from_id(value("template")?)?;
        let mut number = |name: &str| value(name)?.parse::<u32>().ok();
        let (columns, blocks) = (number("columns")?, number("blocks")?);
        let params = Params {
            // As many as fill the tiles.
            features: columns.checked_mul(blocks)?,
            classes: number("classes")?,
            groups: number("groups")?,
            full_batch: false,
            iterations: 1,
            fan_in: number("fan_in")?,
            scale_x: number("scale_x")?,
            scale_w: number("scale_w")?,
            scale_r: number("scale_r")?,
            shift_w: number("shift_w")?,
            row_norm: number("row_norm")?,
            range: number("range")?,
        };
        let fits = (params.columns(), params.blocks()) == (columns, blocks);
        (fits && words.next().is_none()).then_some(Self {
            digest,
            rows_log2,
            members,
            template: Template { kind, params },
        })
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.digest)?;
        let fields = fields(self.rows_log2, self.members, &self.template);
        fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// The list of circuits of a dataset's own chain and what it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSeal {
    /// The digest of the list.
    pub digest: Commitment,
    /// Binary logarithm of the links' rows.
    pub rows_log2: u32,
    /// Columns, blocks, classes, `scale_x`, `scale_r`, `row_norm`, `range` of the dataset.
    pub bounds: [u32; 7],
}

/// The names of [`KnownSeal::bounds`].
const BOUNDS: [&str; 7] = ["columns", "blocks", "classes", "scale_x", "scale_r", "row_norm", "range"];

impl KnownSeal {
    /// What circuits depend on of a dataset.
    pub fn bounds_of(d: &Dataset) -> [u32; 7] {
        [d.columns, d.blocks, d.classes, d.scale_x, d.scale_r, d.row_norm, d.range]
    }

    /// Reads a line.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("seal ")?.split(' ');
        let digest = parse_digest(words.next()?)?;
        let mut number = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
        let rows_log2 = number("rows_log2")?;
        let mut bounds = [0; 7];
        for (bound, name) in bounds.iter_mut().zip(BOUNDS) {
            *bound = number(name)?;
        }
        words.next().is_none().then_some(Self { digest, rows_log2, bounds })
    }
}

impl fmt::Display for KnownSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, rows_log2, bounds } = self;
        write!(f, "seal {digest} rows_log2={rows_log2}")?;
        BOUNDS.iter().zip(bounds).try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// A digest of circuits in hexadecimal, as [`Commitment`]'s `Display` writes it.
pub fn parse_digest(hex: &str) -> Option<Commitment> {
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()).collect();
    Commitment::from_bytes(&bytes?)
}

/// Which circuits a verifier trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    known: Vec<Known>,
    seals: Vec<KnownSeal>,
    named: Vec<Commitment>,
}

impl Trusted {
    /// Those of this build.
    pub fn pinned() -> Self {
        Self {
            known: FILE.lines().filter_map(Known::parse).collect(),
            seals: FILE.lines().filter_map(KnownSeal::parse).collect(),
            named: vec![],
        }
    }

    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// And these, of which it is known what they prove.
    pub fn know(mut self, known: Known) -> Self {
        self.known.push(known);
        self
    }

    /// And these of a dataset's own chain.
    pub fn know_seal(mut self, known: KnownSeal) -> Self {
        self.seals.push(known);
        self
    }

    /// And what such a line as those of `known.txt` says; `None` if it is none.
    pub fn know_line(self, line: &str) -> Option<Self> {
        match (Known::parse(line), KnownSeal::parse(line)) {
            (Some(known), _) => Some(self.know(known)),
            (None, Some(known)) => Some(self.know_seal(known)),
            (None, None) => None,
        }
    }

    /// And the list with this digest, obtained elsewhere: whoever names it answers for its being that of the
    /// job's template and number of members.
    pub fn name(mut self, digest: Commitment) -> Self {
        self.named.push(digest);
        self
    }

    /// All of which it is known what they prove.
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// All of a dataset's own chain.
    pub fn seals(&self) -> &[KnownSeal] {
        &self.seals
    }

    /// Whether the caller named the digest.
    pub fn is_named(&self, digest: &Commitment) -> bool {
        self.named.contains(digest)
    }
}
