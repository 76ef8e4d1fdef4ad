//! Seats are registered, and their keys replaced.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::{demand_owner, one_text, seat};
use zektra_proto::vault::v1::{
    MsgRegisterSeat, MsgRegisterSeatResponse, MsgRotateSeat, MsgRotateSeatResponse, SeatRecord,
};
use zektra_records::seat_to_pb;
use zektra_statement::record::Seat;

/// Stores the record of a new seat.
fn register(ctx: &mut Context<'_>, owner: String, new: &Seat) -> Result<(), TxError> {
    let address = ctx.parse(&owner)?;
    let registered_height = ctx.block.height;
    let record = SeatRecord { owner, seat: Some(seat_to_pb(new)), registered_height, ..SeatRecord::default() };
    seat::add(ctx.state, &address, &new.key, &record)
}

impl Handler for MsgRegisterSeat {
    type Response = MsgRegisterSeatResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        match seat::read(self.seat.as_ref())?.epoch {
            0 => Ok(()),
            epoch => Err(Vault::InvalidSeat.field("seat.epoch", epoch, "0, as of a new seat")),
        }
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRegisterSeatResponse, TxError> {
        let new = seat::read(self.seat.as_ref())?;
        let owner = one_text(ctx, &self.owner)?;
        register(ctx, owner.clone(), &new)?;
        ctx.emit("vault_seat_registered", [("owner", owner), ("key", new.key.to_string())]);
        Ok(MsgRegisterSeatResponse {})
    }
}

impl Handler for MsgRotateSeat {
    type Response = MsgRotateSeatResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        seat::read_key("old_key", &self.old_key)?;
        seat::read(self.seat.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRotateSeatResponse, TxError> {
        let wrong = Vault::InvalidSeat;
        let old_key = seat::read_key("old_key", &self.old_key)?;
        let new = seat::read(self.seat.as_ref())?;
        let owner = one_text(ctx, &self.owner)?;
        let record = seat::owned(ctx.state, &old_key, &owner)?;
        let old = seat::stored(&record)?;
        if new.name != old.name {
            return Err(wrong.field("seat.name", format!("{:?}", new.name), format!("{:?} as before", old.name)));
        }
        let epoch = old.epoch.checked_add(1).ok_or_else(|| Vault::NumbersSpent.wrap("seat.epoch"))?;
        if new.epoch != epoch {
            return Err(wrong.field("seat.epoch", new.epoch, format!("{epoch}, the next")));
        }
        register(ctx, owner.clone(), &new)?;
        let successor = new.key.to_bytes().to_vec().into();
        seat::set(ctx.state, &old_key, &SeatRecord { retired_height: ctx.block.height, successor, ..record })?;
        let facts = [
            ("owner", owner),
            ("old_key", old_key.to_string()),
            ("key", new.key.to_string()),
            ("epoch", epoch.to_string()),
        ];
        ctx.emit("vault_seat_rotated", facts);
        Ok(MsgRotateSeatResponse {})
    }
}
