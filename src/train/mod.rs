//! Training one phase: one loop with four plug-in points.
//!
//! The objective evaluates per-sample losses at given weights; the curriculum turns difficulty into sample
//! weights; the minimizer owns the passes of a step and returns a direction; the optimizer moves the weights.
//! Nothing is read back from the device inside a step.

pub mod batch_passes;
pub mod curriculum;
pub mod learner;
pub mod ledger;
pub mod minimizer;
pub mod objective;
pub mod optimizer;
pub mod passes;
pub mod phase;
pub mod state;

pub use learner::{Learner, StepPlan, StepRecord};
pub use objective::{Batch, Objective, PassCount};
