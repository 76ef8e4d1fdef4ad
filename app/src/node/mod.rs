//! A node: its home folder, its configuration, and what runs in it.

pub mod config;
pub mod dev;
pub mod founding;
pub mod home;
mod launched;
pub mod run;
pub mod trial;

pub use config::Config;
pub use home::Home;

/// A folder or a file that a node cannot use.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The system says no.
    #[error("{path}: {error}")]
    Io {
        /// Which file or folder.
        path: std::path::PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file holds what it must not.
    #[error("{path}: {why}")]
    Content {
        /// Which file.
        path: std::path::PathBuf,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// It is there already.
    #[error("{0} is there already: remove it, or name another home with --home")]
    Exists(std::path::PathBuf),
    /// Another process runs in it.
    #[error("{0}: another zektrad runs in this home: stop it, or name another with --home")]
    Taken(std::path::PathBuf),
    /// No node's home is there.
    #[error("{0}: there is no node's home here: make one with `zektrad init`, or name another with --home")]
    None(std::path::PathBuf),
    /// The folder holds what no node has put there.
    #[error("{0} holds other files, as {1:?}, and no node's configuration: name an empty folder with --home")]
    Foreign(std::path::PathBuf, std::ffi::OsString),
    /// It is not there.
    #[error("{0} is missing: make a home with `zektrad init`, or start with --solo in an empty one")]
    Missing(std::path::PathBuf),
}
