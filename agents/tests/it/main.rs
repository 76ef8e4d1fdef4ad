//! Behaviour of the parties of a training job.

mod schema_and_table;
