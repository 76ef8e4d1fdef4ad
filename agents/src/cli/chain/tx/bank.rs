//! `zektra tx bank multi-send`.

use super::own::{Made, Own, Signer, of_json};
use crate::cli::chain::fields;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use zektra_agents::chain::amounts;
use zektra_agents::rejected::{Rejected, expect};

/// `multi-send FROM TO… AMOUNT`.
#[derive(Args, Debug)]
pub struct MultiSend {
    /// Who pays: an address, or the name of a key.
    from_address: String,
    /// Who is paid: addresses, or names of keys; then what each of them gets.
    #[arg(required = true, num_args = 2.., value_name = "TO_ADDRESS… AMOUNT")]
    rest: Vec<String>,
    /// Share the amount among them, in equal parts.
    #[arg(long)]
    split: bool,
}

impl Own for MultiSend {
    fn make(self, signer: Signer<'_>) -> Result<Made> {
        let (settings, Self { from_address, rest, split }) = (signer.settings, self);
        let from = settings.address(&from_address)?;
        let Some((amount, to)) = rest.split_last() else { return Ok(Made { signer: from, messages: vec![] }) };
        let mut each = amounts::coins(amount)?;
        let (mut total, mut rest) = (vec![], vec![]);
        let count = to.len() as u128;
        for coin in &mut each {
            let said: u128 = coin.amount.parse().unwrap_or(0);
            let part = if split { said / count } else { said };
            expect(part > 0 || !split, || format!("amount {amount:?}: less than one for each of {count} receivers"))?;
            if split && !said.is_multiple_of(count) {
                rest.push(format!("{}{}", said % count, coin.denom));
            }
            let all = part.checked_mul(count);
            let all =
                all.ok_or_else(|| Rejected::Input(format!("amount {amount:?}: too large for {count} receivers")))?;
            coin.amount = part.to_string();
            total.push(json!({"denom": coin.denom, "amount": all.to_string()}));
        }
        if split {
            let each: Vec<_> = each.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect();
            let rest = if rest.is_empty() { "nothing".into() } else { rest.join(",") };
            eprintln!("each of {count} gets {}; {rest} remains with {from}", each.join(","));
        }
        let each: Vec<Value> = each.iter().map(fields::coin).collect();
        let outputs = to.iter().map(|t| Ok(json!({"address": settings.address(t)?, "coins": each})));
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let message = json!({"inputs": [{"address": from, "coins": total}], "outputs": outputs});
        Ok(Made { signer: from, messages: vec![of_json("cosmos.bank.v1beta1.MsgMultiSend", &message)?] })
    }
}
