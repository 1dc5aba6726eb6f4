//! Flat: a small declarative language for training classifiers toward flat minima.
//!
//! Data flows one way through the modules, in the order of this list: a module may use those above it, never
//! those below. ARCHITECTURE.md says what each takes and gives.

pub mod cell;
pub mod files;
pub mod stop;

pub mod diagnostic;
pub mod syntax;

pub mod lang;

pub mod graph;

pub mod ops;

pub mod data;

pub mod model;

pub mod attack;

pub mod train;

pub mod evaluate;

pub mod run;

pub mod report;

pub mod ide;

pub mod cli;
