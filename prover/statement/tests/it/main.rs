//! Tests of records, templates and commitments, one module a behaviour.
