//! The program as a user meets it: whole outputs and exit codes.

mod check;
mod data_sets;
mod desk;
mod explain;
mod fmt;
mod graph;
mod hostile;
#[path = "../generated/huge_png.rs"]
mod huge_png;
mod image_faults;
mod images;
mod pictures;
mod plan;
mod report;
mod run;
mod runs;
#[cfg(unix)]
#[path = "../signals/mod.rs"]
mod signals;
mod usage;
mod weights;
