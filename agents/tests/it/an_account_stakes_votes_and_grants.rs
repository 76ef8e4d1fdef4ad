//! `zektra tx` and `zektra query` of the system modules, against a `zektrad` of its own.

use super::a_wallet_moves_coins_on_a_chain::{ALICE, CHAIN, Chain, WORDS, Wallet};
use serde_json::{Value, json};

const PAID: [&str; 8] = ["--chain-id", CHAIN, "--gas", "auto", "--gas-prices", "0.025uzektra", "--yes", "--wait"];

/// Sends a transaction, and demands that it does what it should.
#[track_caller]
fn sent(wallet: &Wallet<'_>, arguments: &[&str]) -> Value {
    let sent = wallet.json(&[arguments, &PAID].concat());
    assert_eq!(sent["code"], 0, "{arguments:?}: {sent}");
    sent
}

/// The message that a command would send.
#[track_caller]
fn message(wallet: &Wallet<'_>, arguments: &[&str]) -> Value {
    let (code, out, err) = wallet.run(&[arguments, &["--generate-only"]].concat(), "");
    assert_eq!(code, 0, "{arguments:?}: {err}");
    serde_json::from_str::<Value>(&out).unwrap()["body"]["messages"][0].take()
}

#[test]
fn from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::start(&folder.path().join("chain"));
    let wallet = Wallet { home: &folder.path().join("wallet"), node: &chain.rpc, backend: "test" };
    for (name, index) in [("alice", "0"), ("bob", "1")] {
        let (code, _, err) = wallet.run(&["keys", "add", name, "--recover", "--index", index], &format!("{WORDS}\n"));
        assert_eq!(code, 0, "{err}");
    }
    let address = |bech: &str| wallet.run(&["keys", "show", "bob", "--bech", bech, "-a"], "").1.trim().to_string();
    let (bob, operator) = (address("acc"), address("val"));
    assert!(operator.starts_with("zektravaloper1") && address("cons").starts_with("zektravalcons1"));
    assert_eq!(wallet.json(&["keys", "show", &operator])["name"], "bob");

    // A validator of a file, whose operator is the key that signs.
    let file = folder.path().join("validator.json");
    let key = json!({"@type": "/cosmos.crypto.ed25519.PubKey", "key": "oWg2ISpLF405Jcm2vXV+2v4fnjodh6aafuIdeoW+rUw="});
    let validator = json!({
        "pubkey": key, "amount": "1000000uzektra", "moniker": "mine", "security": "s@b.example",
        "commission-rate": "0.05", "commission-max-rate": "0.2", "commission-max-change-rate": "0.01",
        "min-self-delegation": "1",
    });
    std::fs::write(&file, validator.to_string()).unwrap();
    let create = ["tx", "staking", "create-validator"];
    wallet.refused(
        &[&create[..], &["--moniker", "x", "--amount", "1uzektra", "--from", "bob"]].concat(),
        "",
        2,
        "--pubkey",
    );
    let tx = sent(&wallet, &[&create[..], &[file.to_str().unwrap(), "--from", "bob"]].concat());
    let made = &tx["tx"]["body"]["messages"][0];
    assert_eq!((&made["validator_address"], &made["pubkey"]), (&operator.clone().into(), &key));
    assert_eq!(made["commission"]["rate"], "0.050000000000000000");
    let edited = message(&wallet, &["tx", "staking", "edit-validator", "--commission-rate", "0.06", "--from", "bob"]);
    assert_eq!(
        (&edited["commission_rate"], &edited["description"]["moniker"]),
        (&"0.060000000000000000".into(), &"[do-not-modify]".into())
    );
    wallet.refused(
        &["tx", "staking", "edit-validator", "--commission-rate", "5%", "--from", "bob"],
        "",
        2,
        "expected a decimal, as 0.05",
    );
    let unjail = message(&wallet, &["tx", "slashing", "unjail", "--from", "bob"]);
    assert_eq!(unjail, json!({"@type": "/cosmos.slashing.v1beta1.MsgUnjail", "validator_addr": operator}));

    // Delegations, where a key, its account and its operator's address mean the same validator.
    for validator in ["bob", &bob, &operator] {
        sent(&wallet, &["tx", "staking", "delegate", validator, "1000uzektra", "--from", "alice"]);
    }
    let tx = sent(&wallet, &["tx", "staking", "unbond", "bob", "300uzektra", "--from", "alice"]);
    let height = tx["height"].as_str().unwrap();
    sent(&wallet, &["tx", "staking", "cancel-unbond", "bob", "100uzektra", height, "--from", "alice"]);
    let delegated = wallet.json(&["query", "staking", "delegation", "alice", "bob"]);
    assert_eq!(delegated["delegation_response"]["balance"]["amount"], "2800");
    let all =
        wallet.json(&["q", "staking", "validators", "--status", "bonded", "--page-limit", "1", "--page-count-total"]);
    assert_eq!((all["validators"].as_array().unwrap().len(), &all["pagination"]["total"]), (1, &"2".into()));
    let other = all["validators"][0]["operator_address"].as_str().filter(|o| *o != operator);
    let other = other.map_or_else(|| "alice".to_string(), String::from);
    let redelegate = message(&wallet, &["tx", "staking", "redelegate", "bob", &other, "1uzektra", "--from", "alice"]);
    assert_eq!(redelegate["validator_src_address"], operator);
    wallet.refused(&["q", "staking", "validators", "--status", "busy"], "", 2, "unbonded, unbonding, bonded");
    let tx = sent(&wallet, &["tx", "distribution", "withdraw-rewards", "bob", "--commission", "--from", "bob"]);
    assert_eq!(tx["tx"]["body"]["messages"].as_array().unwrap().len(), 2);
    sent(&wallet, &["tx", "distribution", "withdraw-all-rewards", "--from", "alice"]);
    assert!(wallet.json(&["q", "distribution", "rewards", "alice"])["rewards"].is_array());
    let signing = wallet.json(&["q", "slashing", "signing-info", &key.to_string()]);
    assert!(signing["val_signing_info"]["address"].as_str().unwrap().starts_with("zektravalcons1"));
    // The operator's key names the validator's, too; so does what CometBFT prints of it.
    let of_comet = json!({"type": "tendermint/PubKeyEd25519", "value": key["key"]}).to_string();
    for other in ["bob", &operator, &of_comet] {
        assert_eq!(wallet.json(&["q", "slashing", "signing-info", other]), signing);
    }
    wallet.refused(&["q", "slashing", "signing-info", "carol"], "", 2, "not an address zektravalcons1…");
    let commission = ["tx", "distribution", "withdraw-rewards", "bob", "--commission", "--from", "alice"];
    wallet.refused(&[&commission[..], &["--generate-only"]].concat(), "", 2, "goes to its operator");
    let commission = ["tx", "distribution", "withdraw-validator-commission"];
    for named in [&[][..], &["bob"], &[&operator]] {
        let made = message(&wallet, &[&commission[..], named, &["--from", "bob"]].concat());
        assert_eq!(made["validator_address"], operator);
    }
    assert!(wallet.json(&["q", "mint", "inflation"])["inflation"].as_str().unwrap().starts_with("0.13"));

    // A proposal, and votes as people write them.
    let governance = wallet.json(&["q", "auth", "module-account", "gov"]);
    let params = json!({
        "signed_blocks_window": "200", "min_signed_per_window": "0.5", "downtime_jail_duration": "600s",
        "slash_fraction_double_sign": "0.05", "slash_fraction_downtime": "0.01",
    });
    let authority = &governance["account"]["base_account"]["address"];
    let update = json!({"@type": "/cosmos.slashing.v1beta1.MsgUpdateParams", "authority": authority, "params": params});
    let proposal = json!({"messages": [update], "deposit": "10000000uzektra", "title": "t", "summary": "s"});
    std::fs::write(&file, proposal.to_string()).unwrap();
    let submit = ["tx", "gov", "submit-proposal", file.to_str().unwrap(), "--from", "alice"];
    let wrong = proposal.to_string().replace("\"600s\"", "\"2d\"");
    std::fs::write(&file, wrong).unwrap();
    let named =
        format!("{}: cosmos.gov.v1.MsgSubmitProposal: messages[0].params.downtime_jail_duration \"2d\": ", submit[3]);
    wallet.refused(&[&submit[..], &["--generate-only"]].concat(), "", 2, &named);
    std::fs::write(&file, proposal.to_string()).unwrap();
    // Its number is shown.
    let (code, out, err) = wallet.run(&[&submit[..], &PAID].concat(), "");
    assert!(code == 0 && out.contains("proposal_id: \"1\""), "{out}{err}");
    let proposals = wallet.json(&["q", "gov", "proposals", "--status", "voting-period"])["proposals"].take();
    assert_eq!(proposals[0]["messages"][0]["params"]["min_signed_per_window"], "0.500000000000000000");
    sent(&wallet, &["tx", "gov", "vote", "1", "no_with_veto", "--from", "bob"]);
    sent(&wallet, &["tx", "gov", "weighted-vote", "1", "yes=0.6,no=0.4", "--from", "alice"]);
    sent(&wallet, &["tx", "gov", "deposit", "1", "100000uzektra", "--from", "bob"]);
    let vote = wallet.json(&["q", "gov", "vote", "1", "alice"]);
    assert_eq!(vote["vote"]["options"][0]["weight"], "0.600000000000000000");
    wallet.refused(
        &["tx", "gov", "vote", "1", "maybe", "--from", "bob"],
        "",
        2,
        "expected yes, abstain, no, no-with-veto",
    );
    assert_eq!(wallet.json(&["q", "gov-v1beta1", "proposals"])["proposals"][0]["proposal_id"], "1");
    let upgrade = ["tx", "upgrade", "software-upgrade", "v2", "--upgrade-height", "100000", "--title", "t"];
    sent(&wallet, &[&upgrade[..], &["--summary", "s", "--deposit", "1000000uzektra", "--from", "alice"]].concat());
    sent(&wallet, &["tx", "gov", "cancel-proposal", "2", "--from", "alice"]);

    // Grants and allowances.
    sent(&wallet, &["tx", "authz", "grant", "bob", "send", "--spend-limit", "5uzektra", "--from", "alice"]);
    let (_, tx, _) = wallet.run(&["tx", "bank", "send", "alice", "bob", "2uzektra", "--generate-only"], "");
    std::fs::write(&file, tx).unwrap();
    sent(&wallet, &["tx", "authz", "exec", file.to_str().unwrap(), "--from", "bob"]);
    let grants = wallet.json(&["q", "authz", "grants", "alice", "bob"]);
    assert_eq!(grants["grants"][0]["authorization"]["spend_limit"][0]["amount"], "3");
    sent(&wallet, &["tx", "authz", "revoke", "bob", "/cosmos.bank.v1beta1.MsgSend", "--from", "alice"]);
    let allowed = ["--period", "24h", "--period-limit", "10uzektra", "--expiration", "1900000000"];
    sent(&wallet, &[&["tx", "feegrant", "grant", "alice", "bob"][..], &allowed].concat());
    let grant = wallet.json(&["q", "feegrant", "grant", "alice", "bob"])["allowance"].take();
    assert_eq!((&grant["granter"], &grant["allowance"]["period"]), (&ALICE.into(), &"86400s".into()));
    assert_eq!(grant["allowance"]["basic"]["expiration"], "2030-03-17T17:46:40Z");
    let reset = grant["allowance"]["period_reset"].as_str().unwrap();
    assert!(reset > "2025" && reset < "2200", "{reset}");

    // Who was granted fees pays none.
    let before = wallet.balance("bob");
    let pay = ["tx", "bank", "send", "bob", "bob", "1uzektra", "--fee-granter", "alice", "--fees", "10uzektra"];
    let auto = ["--chain-id", CHAIN, "--gas", "auto", "--yes", "--wait"];
    assert_eq!(wallet.json(&[&pay[..], &auto].concat())["code"], 0);
    assert_eq!(wallet.balance("bob"), before);
    let tx = ["tx", "bank", "send", "bob", "alice", "1uzektra", "--fees", "11uzektra", "--fee-granter", "alice"];
    // Also where it is only simulated.
    wallet.refused(&[&tx[..], &["--dry-run"]].concat(), "", 3, "fee limit exceeded");
    wallet.refused(&[&tx[..], &["--fee-payer", "alice"], &PAID[..2]].concat(), "", 3, "one key signs here");
    let (_, out, _) = wallet.run(&[&tx[..], &["--fee-payer", "bob", "--generate-only"]].concat(), "");
    let fee = serde_json::from_str::<Value>(&out).unwrap()["auth_info"]["fee"].take();
    assert_eq!((&fee["granter"], &fee["payer"]), (&ALICE.into(), &bob.into()));
    sent(&wallet, &["tx", "feegrant", "revoke", "alice", "bob"]);

    // Times from now on, and what is none.
    for arguments in [&["authz", "grant", "bob", "send", "--from", "alice"][..], &["feegrant", "grant", "alice", "bob"]]
    {
        let granted = |time| [&["tx"], arguments, &["--spend-limit", "5uzektra", "--expiration", time]].concat();
        let made = message(&wallet, &granted("24h"));
        let until = made["grant"]["expiration"].as_str().or(made["allowance"]["expiration"].as_str()).unwrap();
        assert!(until > "2025" && until < "2200", "{until}");
        wallet.refused(&granted("soon"), "", 2, "'soon' for '--expiration <TIME>': \"soon\", expected a time as 2030");
    }
}
