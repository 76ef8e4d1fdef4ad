//! `zektrad`: the node.

/// A block makes and drops millions of small values: with the system's allocator it takes a fifth longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    zektra_app::cli::run(zektra_modules::upgrade::MIGRATIONS)
}
