//! What leaves a proven job: the bundle that anyone verifies with `zektra-verify`.

use zektra_prove::chain::NodeCircuits;
use zektra_prove::circuit::Proof;
use zektra_statement::chain::States;
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::Job;
use zektra_statement::template::Template;
use zektra_verify::bundle::Bundle;
use zektra_verify::known::Known;

/// The bundle of a job: its record, the extension roots behind its lock, the node, and what the chain ended with.
pub fn bundle(
    circuits: &NodeCircuits,
    job: &Job,
    extension_roots: &[Fingerprint],
    node: Fingerprint,
    last: &Proof,
    states: &States,
) -> Bundle {
    Bundle {
        job: job.clone(),
        extension_roots: extension_roots.to_vec(),
        node,
        states: states.clone(),
        // A shape has 17 bits at most.
        rows_log2: circuits.link_rows_log2() as u8,
        proof: last.to_envelope(circuits.wrap.id()),
    }
}

/// What a verifier has to know of the circuits of a template: who built them vouches for them with this.
pub fn known_of(circuits: &NodeCircuits, template: &Template) -> Known {
    Known {
        digest: circuits.digest(),
        rows_log2: circuits.link_rows_log2() as u32,
        members: circuits.shares.members,
        template: *template,
    }
}
