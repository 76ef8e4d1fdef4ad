use zektra_app::app::APP_VERSION;
use zektra_app::services::COSMOS_SDK_VERSION;
use zektra_app::solo::rpc::COMETBFT_VERSION;

#[test]
fn its_first_row_is_this_version() {
    let text = include_str!("../../../COMPATIBILITY.md");
    let row = text.lines().find(|l| l.starts_with("| 0")).unwrap();
    let cells: Vec<_> = row.split('|').map(str::trim).filter(|c| !c.is_empty()).collect();
    let state_machine = APP_VERSION.to_string();
    assert!(env!("CARGO_PKG_VERSION").starts_with(cells[0]));
    assert_eq!(cells[1..4], [&state_machine[..], COMETBFT_VERSION, "2.0"]);
    assert!(COSMOS_SDK_VERSION.starts_with(cells[4]));
    // The version that tests are run against.
    assert!(include_str!("../../../scripts/setup").contains(&format!("cometbft={COMETBFT_VERSION}")));
}
