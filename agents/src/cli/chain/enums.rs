//! Values of enumerations as people write them: `yes`, `no_with_veto`, `voting-period`, `VOTE_OPTION_YES`.

use super::fields::kebab;
use prost_reflect::EnumDescriptor;

/// What people call a value: its name without that of the enumeration.
pub fn short(values: &EnumDescriptor, name: &str) -> String {
    let prefix = kebab(values.name()).replace('-', "_").to_uppercase() + "_";
    name.strip_prefix(&prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

/// All values but the one that says nothing.
pub fn known(values: &EnumDescriptor) -> String {
    let named = values.values().filter(|v| v.number() != 0).map(|v| short(values, v.name()));
    named.collect::<Vec<_>>().join(", ")
}

/// The name of the value that is meant, whatever its case and its separators; also by its number.
pub fn find(values: &EnumDescriptor, text: &str) -> Option<String> {
    let plain = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    let meant = |name: &str| plain(name) == plain(text) || plain(&short(values, name)) == plain(text);
    let found = values.values().find(|v| meant(v.name()) || text.parse() == Ok(v.number()));
    found.map(|v| v.name().to_string())
}

#[cfg(test)]
mod tests {
    use super::{find, known, short};
    use zektra_proto::json::pool;

    #[test]
    fn values_are_named_as_people_write_them() {
        let votes = pool().get_enum_by_name("cosmos.gov.v1.VoteOption").unwrap();
        for (text, name) in [
            ("yes", "VOTE_OPTION_YES"),
            ("Yes", "VOTE_OPTION_YES"),
            ("no_with_veto", "VOTE_OPTION_NO_WITH_VETO"),
            ("NoWithVeto", "VOTE_OPTION_NO_WITH_VETO"),
            ("VOTE_OPTION_ABSTAIN", "VOTE_OPTION_ABSTAIN"),
            ("3", "VOTE_OPTION_NO"),
        ] {
            assert_eq!(find(&votes, text).as_deref(), Some(name), "{text}");
        }
        assert_eq!(find(&votes, "maybe"), None);
        assert_eq!(short(&votes, "VOTE_OPTION_NO_WITH_VETO"), "no-with-veto");
        assert_eq!(known(&votes), "yes, abstain, no, no-with-veto");
    }
}
