//! Whether what another validator added to its vote is acceptable: nothing is.

use zektra_proto::tendermint::abci::response_verify_vote_extension::VerifyStatus;
use zektra_proto::tendermint::abci::{RequestVerifyVoteExtension, ResponseVerifyVoteExtension};

pub fn verify_vote_extension(request: &RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
    // No honest validator adds anything, so bytes here would only fill the votes of others.
    let status = if request.vote_extension.is_empty() { VerifyStatus::Accept } else { VerifyStatus::Reject };
    ResponseVerifyVoteExtension { status: status as i32 }
}

#[cfg(test)]
mod tests {
    use super::{RequestVerifyVoteExtension, VerifyStatus, verify_vote_extension};

    #[test]
    fn nothing_is_accepted_and_something_refused() {
        let status = |bytes: &'static [u8]| {
            verify_vote_extension(&RequestVerifyVoteExtension { vote_extension: bytes.into(), ..Default::default() })
                .status
        };
        assert_eq!((status(b""), status(b"x")), (VerifyStatus::Accept as i32, VerifyStatus::Reject as i32));
    }
}
