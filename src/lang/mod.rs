//! The meaning of a file: names, types, units, schedules, and the program they make.
//!
//! `check` takes source text and gives a `Program` or findings; it reads nothing but what `World` tells it.

pub mod catalog;
pub mod check;
pub mod edition;
pub mod program;
pub mod schedule;
pub mod value;
pub mod view;
pub mod words;
pub mod world;

pub use catalog::describe;
pub use check::{Checked, Settings, check};
pub use program::Program;
pub use world::{DatasetInfo, ImageSizes, Parts, Size, SourceInfo, World, WorldError};
