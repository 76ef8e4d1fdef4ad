//! Statements proven and refused.
mod a_constraint_left_out_lets_a_forgery_pass;
mod forge;
mod honest_work_is_proven;
mod stage;
