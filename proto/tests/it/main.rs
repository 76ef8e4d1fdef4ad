//! The wire format, compared with what clients of Cosmos chains use.
#![allow(clippy::unwrap_used)]

mod json_is_read_or_refused;
mod our_packages_keep_what_was_published;
mod python_clients_have_the_same_descriptors;
mod rust_clients_read_what_is_written;
