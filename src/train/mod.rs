//! Training one phase: one loop with four plug-in points.
//!
//! The adversary makes the training inputs; the objective evaluates per-sample losses at given weights; the
//! curriculum turns difficulty into sample weights; the minimizer owns the passes of a step and returns a direction;
//! the optimizer moves the weights.
//! Nothing is read back from the device inside a step, but for the masks of adversaries that stop early.

pub mod adversary;
pub mod batch_passes;
mod composite;
pub mod curriculum;
pub mod learner;
pub mod ledger;
pub mod minimizer;
pub mod objective;
pub mod optimizer;
pub mod passes;
pub mod phase;
pub mod state;
mod table;

pub use adversary::Adversary;
pub use learner::{Learner, StepPlan, StepRecord};
pub use objective::{Batch, Inputs, Loss, Objective, PassCount};
