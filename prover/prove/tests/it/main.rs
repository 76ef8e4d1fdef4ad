//! Statements proven and refused.
mod honest_work_is_proven;
mod stage;
