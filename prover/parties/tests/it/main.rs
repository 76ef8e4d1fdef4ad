//! Proven jobs.
mod job;
