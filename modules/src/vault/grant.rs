//! Grants: who may use a dataset, for what, and how much; and their use by jobs.

use super::error::Vault;
use super::{Granted, Use, damaged, dataset, keys, seat};
use crate::address::{Prefix, written};
use crate::context::{Context, load, number, save};
use crate::error::TxError;
use zektra_proto::vault::v1::{DatasetStatus as Status, Grant, RevocationPolicy, Terms};
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};
use zektra_statement::template::Kind;

/// Most grants of a dataset that are not withdrawn: a job looks at all of them.
pub const MAX_STANDING: usize = 256;

/// Checks terms.
pub fn check(terms: Option<&Terms>, prefix: &Prefix) -> Result<(), TxError> {
    let wrong = Vault::InvalidGrant;
    let terms = terms.ok_or_else(|| wrong.field("terms", "missing", "the terms of a grant"))?;
    let Terms { grantee, templates, min_rows: _, max_passes, privacy_budget, from_height, until_height, .. } = terms;
    if !grantee.is_empty() {
        prefix.parse(grantee).map_err(|e| e.within("invalid grantee address"))?;
    }
    if templates.is_empty() || templates.len() > Kind::ALL.len() {
        return Err(wrong.field("templates", templates.len(), format!("1 to {} templates", Kind::ALL.len())));
    }
    for (k, id) in templates.iter().enumerate() {
        let field = format!("templates[{k}]");
        if Kind::from_id(id).is_none() {
            let shown: String = id.chars().take(64).collect();
            return Err(wrong.field(&field, format!("{shown:?}"), Kind::ALL.map(Kind::id).join(" or ")));
        }
        if templates[..k].contains(id) {
            return Err(wrong.field(&field, id, "each template once"));
        }
    }
    for (field, value) in [("max_passes", max_passes), ("privacy_budget", privacy_budget)] {
        if *value == 0 {
            return Err(wrong.field(field, value, "at least 1"));
        }
    }
    if *until_height != 0 && until_height < from_height {
        return Err(wrong.field("until_height", until_height, format!("0 or from_height {from_height} and above")));
    }
    match terms.on_revoke() {
        RevocationPolicy::Unspecified => Err(wrong.field("on_revoke", terms.on_revoke, "1, finish, or 2, abort")),
        RevocationPolicy::Finish | RevocationPolicy::Abort => Ok(()),
    }
}

/// A grant by its number.
///
/// # Errors
/// The database fails.
pub fn grant(state: &dyn StateRead, grant: u64) -> Result<Option<Grant>, StateError> {
    let Some(value) = state.get(&keys::grant_of(grant))? else { return Ok(None) };
    load(state, &keys::grant(number(&value)?, grant))
}

/// A grant that must be there.
pub fn known(state: &dyn StateRead, number: u64) -> Result<Grant, TxError> {
    grant(state, number)?.ok_or_else(|| Vault::UnknownGrant.wrap(format!("grant {number}")))
}

/// Stores a grant that is known.
pub fn set(state: &mut dyn StateWrite, grant: &Grant) -> Result<(), StateError> {
    save(state, keys::grant(grant.dataset, grant.number), grant)
}

/// Stores a new grant under all its keys.
pub fn add(state: &mut dyn StateWrite, grant: &Grant) -> Result<(), StateError> {
    set(state, grant)?;
    state.put(keys::grant_of(grant.number), grant.dataset.to_be_bytes().to_vec())?;
    if grant.withdrawn_height == 0 {
        state.put(keys::standing(grant.dataset, grant.number), vec![1])?;
    }
    Ok(())
}

/// The terms of a stored grant.
pub fn terms(grant: &Grant) -> Result<&Terms, StateError> {
    grant.terms.as_ref().ok_or_else(|| damaged(format!("grant {} has no terms", grant.number)))
}

/// The grants of a dataset that are not withdrawn.
fn standing(state: &dyn StateRead, of: u64) -> impl Iterator<Item = Result<Grant, StateError>> {
    let prefix = keys::all_standing(of);
    scan_prefix(state, &prefix, Order::Ascending).map(move |entry| {
        let found = number(entry?.0.get(prefix.len()..).unwrap_or_default())?;
        load(state, &keys::grant(of, found))?.ok_or_else(|| damaged(format!("grant {found} stands and is not there")))
    })
}

/// How many grants of a dataset are not withdrawn.
pub fn count_standing(state: &dyn StateRead, dataset: u64) -> Result<usize, StateError> {
    scan_prefix(state, &keys::all_standing(dataset), Order::Ascending).try_fold(0, |n, entry| entry.map(|_| n + 1))
}

fn fits(used: u64, wanted: u64, most: u64) -> bool {
    used.checked_add(wanted).is_some_and(|sum| sum <= most)
}

/// Why a grant is not one for this use at this height.
fn refusal(grant: &Grant, height: u64, wanted: &Use<'_>) -> Result<Option<(Vault, String)>, TxError> {
    let t = terms(grant)?;
    let (template, rows) = (wanted.template, wanted.rows);
    if !t.grantee.is_empty() && written(&t.grantee)? != *wanted.developer {
        return Ok(Some((Vault::OtherGrantee, format!("it is for {}", t.grantee))));
    }
    if !t.templates.iter().any(|id| id == template) {
        let shown: String = template.chars().take(64).collect();
        return Ok(Some((Vault::TemplateNotGranted, format!("{shown:?}, expected {}", t.templates.join(" or ")))));
    }
    if height < t.from_height {
        return Ok(Some((Vault::GrantNotYet, format!("height {height}, expected {} and above", t.from_height))));
    }
    if is_over(t, height) {
        return Ok(Some((Vault::GrantExpired, format!("height {height}, expected at most {}", t.until_height))));
    }
    if rows < t.min_rows {
        return Ok(Some((Vault::TooFewRows, format!("{rows} rows in the job, expected at least {}", t.min_rows))));
    }
    if !fits(grant.passes_used, wanted.passes, t.max_passes) {
        let left = t.max_passes.saturating_sub(grant.passes_used);
        return Ok(Some((Vault::PassesSpent, format!("{} passes, expected at most {left}", wanted.passes))));
    }
    if !fits(grant.privacy_used, wanted.opened, t.privacy_budget) {
        let left = t.privacy_budget.saturating_sub(grant.privacy_used);
        return Ok(Some((Vault::PrivacySpent, format!("{} coefficients, expected at most {left}", wanted.opened))));
    }
    Ok(None)
}

fn is_over(terms: &Terms, height: u64) -> bool {
    terms.until_height != 0 && height > terms.until_height
}

/// What a job may use of a dataset at a height: by the grant with the smallest number that fits.
///
/// # Errors
/// The dataset is not there, not active, paused, revoked; its owner's seat is retired; no grant fits: each with its own code.
/// Of several grants the one is told that failed last in the order of the codes.
pub fn granted(state: &dyn StateRead, height: u64, number: u64, wanted: &Use<'_>) -> Result<Granted, TxError> {
    let record = dataset::known(state, number)?;
    dataset::demand_active(&record)?;
    let held = dataset::stored(&record)?;
    let seat = seat::stored(&seat::current(state, &held.owner_key)?)?;
    let mut closest: Option<(Vault, String)> = None;
    for grant in standing(state, number) {
        let grant = grant?;
        let Some((why, what)) = refusal(&grant, height, wanted)? else {
            let on_revoke = terms(&grant)?.on_revoke();
            let (owner, bytes, grant) = (written(&record.owner)?, dataset::bytes(&held), grant.number);
            return Ok(Granted { number, grant, owner, dataset: held, seat, bytes, on_revoke });
        };
        if closest.as_ref().is_none_or(|(before, _)| why > *before) {
            closest = Some((why, format!("dataset {number}, grant {}: {what}", grant.number)));
        }
    }
    let (why, what) = closest.unwrap_or_else(|| (Vault::NoGrant, format!("dataset {number}")));
    Err(why.wrap(what))
}

/// Counts a use that was granted: its passes, what it opens, and the job as one that is live.
///
/// # Errors
/// The grant does not fit any more: another use came first.
pub fn take(ctx: &mut Context<'_>, granted: &Granted, wanted: &Use<'_>) -> Result<(), TxError> {
    let Granted { number, grant: by, .. } = granted;
    let mut record = dataset::known(ctx.state, *number)?;
    dataset::demand_active(&record)?;
    let mut grant = known(ctx.state, *by)?;
    demand_standing(&grant)?;
    if let Some((why, what)) = refusal(&grant, ctx.block.height, wanted)? {
        return Err(why.wrap(format!("dataset {number}, grant {by}: {what}")));
    }
    // Both are below their bounds: see `refusal`.
    grant.passes_used = grant.passes_used.saturating_add(wanted.passes);
    grant.privacy_used = grant.privacy_used.saturating_add(wanted.opened);
    set(ctx.state, &grant)?;
    let live = record.live_jobs.checked_add(1);
    record.live_jobs = live.ok_or_else(|| Vault::NumbersSpent.wrap(format!("jobs of dataset {number}")))?;
    dataset::set(ctx.state, &record)?;
    let (passes, opened) = (wanted.passes.to_string(), wanted.opened.to_string());
    let ids = [("dataset", number.to_string()), ("grant", by.to_string())];
    ctx.emit("vault_use_taken", ids.into_iter().chain([("passes", passes), ("opened", opened)]));
    Ok(())
}

/// Refuses a grant that was withdrawn.
pub fn demand_standing(grant: &Grant) -> Result<(), TxError> {
    match grant.withdrawn_height {
        0 => Ok(()),
        height => Err(Vault::GrantWithdrawn.wrap(format!("grant {}: withdrawn at height {height}", grant.number))),
    }
}

/// Whether a use that was taken still is one at this height: the dataset is not revoked, the grant neither withdrawn nor
/// over. What a job does if it is not says the policy of [`Granted::on_revoke`].
///
/// # Errors
/// There is no such dataset, or no such grant of it.
pub fn still_granted(state: &dyn StateRead, number: u64, by: u64, height: u64) -> Result<bool, TxError> {
    let record = dataset::known(state, number)?;
    let grant = known(state, by)?;
    if grant.dataset != number {
        return Err(Vault::UnknownGrant.wrap(format!("grant {by}: it is of dataset {}, not {number}", grant.dataset)));
    }
    let revoked = record.status() == Status::Revoked;
    Ok(!revoked && grant.withdrawn_height == 0 && !is_over(terms(&grant)?, height))
}

/// A job has ended that used a dataset.
///
/// # Errors
/// No job uses it.
pub fn leave(ctx: &mut Context<'_>, number: u64) -> Result<(), TxError> {
    let mut record = dataset::known(ctx.state, number)?;
    let live = record.live_jobs.checked_sub(1);
    record.live_jobs = live.ok_or_else(|| Vault::Uncounted.wrap(format!("a job of dataset {number}")))?;
    dataset::set(ctx.state, &record)?;
    ctx.emit("vault_job_left", [("dataset", number.to_string())]);
    Ok(())
}

/// Gives back what a job took of a grant and did not use.
///
/// # Errors
/// More than was taken.
pub fn give_back(ctx: &mut Context<'_>, by: u64, passes: u64, opened: u64) -> Result<(), TxError> {
    let grant = known(ctx.state, by)?;
    let less = grant.passes_used.checked_sub(passes).zip(grant.privacy_used.checked_sub(opened));
    let (passes_used, privacy_used) = less.ok_or_else(|| {
        let taken = format!("expected at most {} and {}", grant.passes_used, grant.privacy_used);
        Vault::Uncounted.wrap(format!("grant {by}: {passes} passes and {opened} coefficients, {taken}"))
    })?;
    set(ctx.state, &Grant { passes_used, privacy_used, ..grant })?;
    let given = [("grant", by), ("passes", passes), ("opened", opened)];
    ctx.emit("vault_use_given_back", given.map(|(name, n)| (name, n.to_string())));
    Ok(())
}
