//! Attacks on inputs: one masked projected-gradient kernel, of which every adversary and every evaluation attack
//! is a setting.
//!
//! The ball is around the clean input and pixels stay in [0, 1]. The network is attacked in evaluation mode unless
//! told otherwise; its running statistics cannot move and no parameter gradient is computed. Losses are summed,
//! so each sample follows its own gradient.

mod apgd;
mod ball;
mod criterion;
mod draw;
mod fab;
mod kernel;
mod patches;
mod plane;
mod restart;
mod square;
mod victim;

/// Asked before every step of an attack; false ends it at once, and what it found is worth nothing.
pub type GoOn<'a> = &'a dyn Fn() -> bool;

pub use apgd::{Apgd, Climbed, boundary_start};
pub use ball::{Ball, norms, per_sample};
pub use criterion::{Criterion, gap, indicator, rivals, runner_up};
pub use draw::{Draws, Start};
pub use fab::Fab;
pub use kernel::{Attack, Choice, Found, Rule, View, Work, read, rows};
pub use restart::{Worst, worst};
pub use square::{Searched, Square};
pub use victim::{Victim, input_gradient, wrong};
