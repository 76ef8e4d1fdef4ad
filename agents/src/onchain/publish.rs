//! A dataset's way onto the chain: seat, draft, seal, statement, bond. What was done is not done again.

use crate::chain::account::{Account, answer, any};
use crate::files;
use crate::proofs;
use crate::rejected::expect;
use crate::vault::{Home, tile_proof};
use crate::wire;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use zektra_parties::seal::{Kept, Sealed, seal};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::vault::v1 as pb;
use zektra_proto::vault::v1::DatasetStatus as Status;
use zektra_prove::cache::Cache;
use zektra_prove::chain::SealCircuits;
use zektra_prove::tile::Bounds;
use zektra_records::seat_to_pb;
use zektra_statement::field::POLY_BYTES;
use zektra_statement::record::{Dataset, Plane};
use zektra_verify::envelope::Envelope;

/// A step of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The owner's seat is registered.
    Seat,
    /// The dataset is announced.
    Draft,
    /// Row groups are folded into one proof: done, of.
    Proof(u64, u64),
    /// The proof is on the chain.
    Seal,
    /// The owner vouches for it.
    Statement,
    /// Its bond is paid.
    Bond,
}

/// The dataset of an object on the chain, if it is there.
///
/// # Errors
/// No answer.
pub fn find(account: &Account, dataset: &Dataset) -> Result<Option<pb::DatasetRecord>> {
    let request = pb::QueryDatasetByObjectRequest { id: dataset.id.to_string() };
    let found = account.client().query("/zektra.vault.v1.Query/DatasetByObject", &request);
    match found {
        Ok(pb::QueryDatasetByObjectResponse { dataset, .. }) => Ok(dataset),
        Err(e) if e.is_missing() => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Registers a seat, if it is not.
///
/// # Errors
/// What the chain says.
pub fn register(account: &Account, home: &Home) -> Result<()> {
    let seat = home.public()?;
    let request = pb::QuerySeatRequest { key: seat.key.to_string() };
    match account.client().query::<_, pb::QuerySeatResponse>("/zektra.vault.v1.Query/Seat", &request) {
        Ok(_) => return Ok(()),
        Err(e) if e.is_missing() => {}
        Err(e) => return Err(e.into()),
    }
    let message = pb::MsgRegisterSeat { owner: account.address().into(), seat: Some(seat_to_pb(&seat)) };
    account.send(vec![any(&message)]).map(drop).context("cannot register the seat")
}

/// By how much an attempt is raised at most: each costs a transaction.
const MOST_RAISES: u32 = 8;

/// Publishes a dataset of a home; its number on the chain.
///
/// # Errors
/// Rows without proofs; what the chain says.
pub fn publish(
    account: &Account,
    home: &Home,
    name: &str,
    statement: &[u8; 32],
    bond: &Coin,
    progress: &mut dyn FnMut(Step),
) -> Result<u64> {
    let (dataset, schema, tiles) = home.dataset(name)?;
    let id = Dataset::object_id(account.chain_id(), &dataset.owner_key, name);
    expect(id == dataset.id, || {
        format!(
            "chain id {:?}: {name:?} was encrypted for another chain; encrypt it with --chain-id",
            account.chain_id()
        )
    })?;
    progress(Step::Seat);
    register(account, home)?;
    let owner = account.address().to_string();
    progress(Step::Draft);
    let mut record = match find(account, &dataset)? {
        Some(record) => record,
        None => {
            let message = pb::MsgCreateDataset {
                owner: owner.clone(),
                name: name.into(),
                id: dataset.id.0.to_vec().into(),
                owner_key: dataset.owner_key.to_bytes().to_vec().into(),
                schema,
                schema_digest: dataset.schema.0.to_vec().into(),
                columns: dataset.columns,
                blocks: dataset.blocks,
                classes: dataset.classes,
                scale_x: dataset.scale_x,
                scale_r: dataset.scale_r,
                row_norm: dataset.row_norm,
                range: dataset.range,
            };
            account.send(vec![any(&message)]).context("cannot announce the dataset")?;
            find(account, &dataset)?.context("the dataset that was announced is not there")?
        }
    };
    let number = record.number;
    expect(record.owner == owner, || format!("account {owner}: dataset {number}, {name:?}, is {}'s", record.owner))?;
    let attempt = |record: &pb::DatasetRecord| record.dataset.as_ref().map_or(0, |d| d.attempt);
    expect(dataset.attempt.saturating_sub(attempt(&record)) <= MOST_RAISES, || {
        let (found, own) = (attempt(&record), dataset.attempt);
        format!(
            "attempt: {name:?} in {} is {own}, expected at most {MOST_RAISES} more than {found}, the chain's",
            home.path().display()
        )
    })?;
    // Rows that were replaced before they were sealed.
    while record.status() == Status::Draft && attempt(&record) < dataset.attempt {
        let message = pb::MsgRaiseAttempt { owner: owner.clone(), dataset: number };
        account.send(vec![any(&message)]).context("cannot raise the dataset's attempt")?;
        record = find(account, &dataset)?.context("the dataset that was announced is not there")?;
    }
    expect(attempt(&record) == dataset.attempt, || {
        let (found, own) = (attempt(&record), dataset.attempt);
        format!(
            "attempt: dataset {number} is attempt {found} on the chain, {name:?} in {} is {own}",
            home.path().display()
        )
    })?;
    if record.status() == Status::Draft {
        let (rows_log2, proof) = fold(account.chain_id(), home, &dataset, &tiles, progress)?;
        progress(Step::Seal);
        let message = pb::MsgSealDataset {
            owner: owner.clone(),
            dataset: number,
            rows: dataset.rows,
            groups: dataset.groups,
            root: dataset.root.to_bytes().to_vec().into(),
            content_root: dataset.content_root.0.to_vec().into(),
            rows_log2,
            proof: proof.encode().into(),
        };
        account.send(vec![any(&message)]).context("cannot seal the dataset")?;
        record = find(account, &dataset)?.context("the dataset that was sealed is not there")?;
    }
    if record.status() == Status::Sealed {
        progress(Step::Statement);
        if record.attestations.iter().all(|a| a.voucher != owner) {
            let voucher = owner.clone();
            let message = pb::MsgAttest { voucher, dataset: number, statement_hash: statement.to_vec().into() };
            account.send(vec![any(&message)]).context("cannot vouch for the dataset")?;
        }
        progress(Step::Bond);
        let message = pb::MsgActivateDataset { owner, dataset: number, bond: Some(bond.clone()) };
        account.send(vec![any(&message)]).context("cannot pay the dataset's bond")?;
    }
    Ok(number)
}

/// All tiles of a dataset in one proof; a run that was cut off goes on where it stopped.
fn fold(
    chain_id: &str,
    home: &Home,
    dataset: &Dataset,
    tiles: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(u32, Envelope)> {
    let bounds = Bounds::of_dataset(dataset).context("the dataset's bounds are too large to be proven")?;
    let circuits = Arc::new(SealCircuits::load(&Cache::of_user(), bounds)?);
    let rows_log2 = circuits.link_rows_log2() as u32;
    let folder = tiles.with_file_name("proofs");
    let finished = folder.join(format!("seal-{}.zkp", dataset.attempt));
    if finished.exists() {
        return Ok((rows_log2, Envelope::decode(&files::read(&finished)?)?));
    }
    let partial = folder.join(format!("seal-{}-link.zkp", dataset.attempt));
    let from = match partial.exists() {
        false => None,
        true => {
            let bytes = files::read(&partial)?;
            let (groups, last) = bytes.split_first_chunk::<8>().context("the last link of the seal is damaged")?;
            Some(Kept { groups: u64::from_le_bytes(*groups), last: Envelope::decode(last)? })
        }
    };
    let file = File::open(tiles).with_context(|| format!("cannot read {}", tiles.display()))?;
    let planes = dataset.blocks as usize * Plane::ALL.len();
    let mut group = |k: u64| -> Result<Sealed> {
        let mut bytes = vec![0; planes * POLY_BYTES];
        file.read_exact_at(&mut bytes, k * (planes * POLY_BYTES) as u64).context("cannot read the tiles")?;
        let path = tile_proof(tiles, dataset.attempt, k);
        let proof = files::read(&path).with_context(|| {
            format!("row group {k} of {} has no proof: `zektra encrypt … --prove` makes it", home.path().display())
        })?;
        Ok((wire::polys_from_bytes(&bytes)?, proofs::decode(&circuits.tile.circuit, &proof)?))
    };
    let total = u64::from(dataset.groups);
    progress(Step::Proof(from.as_ref().map_or(0, |k| k.groups), total));
    let mut keep = |kept: &Kept| -> Result<()> {
        let mut bytes = kept.groups.to_le_bytes().to_vec();
        bytes.extend(kept.last.encode());
        files::write(&partial, &bytes)?;
        progress(Step::Proof(kept.groups, total));
        Ok(())
    };
    let proof = seal(&circuits, chain_id, dataset, from.as_ref(), &mut group, &mut keep)?;
    files::write(&finished, &proof.encode())?;
    let _ = std::fs::remove_file(&partial);
    Ok((rows_log2, proof))
}

/// Grants the use of a dataset; the grant's number.
///
/// # Errors
/// What the chain says.
pub fn grant(account: &Account, dataset: u64, terms: pb::Terms) -> Result<u64> {
    let message = pb::MsgGrantUse { owner: account.address().into(), dataset, terms: Some(terms) };
    let sent = account.send(vec![any(&message)]).context("cannot grant the use")?;
    Ok(answer::<pb::MsgGrantUseResponse>(&sent)?.grant)
}
