//! What the chain's authority may change.

use super::error::Proofs;
use super::{circuit, keys};
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::proofs::v1::{
    Circuit, CircuitKind, CircuitStatus as Status, MsgAddCircuit, MsgAddCircuitResponse, MsgSetCircuitStatus,
    MsgSetCircuitStatusResponse, MsgUpdateParams, MsgUpdateParamsResponse, Params,
};

/// Bytes of a block's proofs that a parameter may allow.
const MOST_BYTES: u64 = 64 << 20;

/// Checks parameters.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params { max_section_bytes, max_section_cost, max_proof_bytes, epoch_blocks, training_bonus } = *params;
    let wrong = |field: &str, value: u64, expected: &str| {
        Err(Sdk::InvalidRequest.wrap(format!("{field} {value}: expected {expected}")))
    };
    if max_section_bytes > MOST_BYTES {
        return wrong("max_section_bytes", max_section_bytes, "at most 67108864");
    }
    if max_section_cost == 0 {
        return wrong("max_section_cost", 0, "a positive number");
    }
    if !(1..=max_section_bytes).contains(&max_proof_bytes) {
        return wrong("max_proof_bytes", max_proof_bytes, "1 to max_section_bytes");
    }
    if epoch_blocks == 0 {
        return wrong("epoch_blocks", 0, "a positive number");
    }
    if training_bonus > crate::power::MOST - crate::power::ONE {
        return wrong("training_bonus", training_bonus.into(), "at most 10000 basis points");
    }
    Ok(())
}

/// Checks a line of the registry.
pub fn check_circuit(circuit: &Circuit) -> Result<(), TxError> {
    let wrong = |field: &str, value: String, expected: &str| {
        Err(Sdk::InvalidRequest.wrap(format!("{field} {value}: expected {expected}")))
    };
    if circuit.digest.len() != 32 {
        return wrong("digest", format!("of {} bytes", circuit.digest.len()), "32 bytes");
    }
    if circuit.kind() == CircuitKind::Unspecified {
        return wrong("kind", circuit.kind.to_string(), "training or seal");
    }
    if circuit.status() == Status::Unspecified {
        return wrong("status", circuit.status.to_string(), "active, retired or tombstoned");
    }
    if circuit.cost == 0 {
        return wrong("cost", "0".into(), "a positive number");
    }
    super::trusted(circuit).map(drop)
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        check(self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}

impl Handler for MsgAddCircuit {
    type Response = MsgAddCircuitResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        check_circuit(self.circuit.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("circuit: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgAddCircuitResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let new = self.circuit.unwrap_or_default();
        // An id is never used again for anything else.
        if circuit(ctx.state, &new.digest)?.is_some() {
            return Err(Proofs::CircuitExists.wrap(hex::encode(&new.digest)));
        }
        save(ctx.state, keys::circuit(&new.digest), &new)?;
        ctx.emit("proofs_add_circuit", [("digest", hex::encode(&new.digest))]);
        Ok(MsgAddCircuitResponse {})
    }
}

impl Handler for MsgSetCircuitStatus {
    type Response = MsgSetCircuitStatusResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        match self.status() {
            Status::Unspecified => {
                Err(Sdk::InvalidRequest.wrap(format!("status {}: expected active, retired or tombstoned", self.status)))
            }
            _ => Ok(()),
        }
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSetCircuitStatusResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let missing = || Proofs::UnknownCircuit.wrap(hex::encode(&self.digest));
        let mut found = circuit(ctx.state, &self.digest)?.ok_or_else(missing)?;
        if found.status() == Status::Tombstoned {
            return Err(Proofs::Tombstoned.wrap(hex::encode(&self.digest)));
        }
        found.status = self.status;
        save(ctx.state, keys::circuit(&found.digest), &found)?;
        let attributes = [("digest", hex::encode(&found.digest)), ("status", found.status().as_str_name().into())];
        ctx.emit("proofs_set_circuit_status", attributes);
        Ok(MsgSetCircuitStatusResponse {})
    }
}
