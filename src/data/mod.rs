//! Data sets, their split, their order, augmentation and batches.
//!
//! Pixels are in [0, 1], channels last; normalisation belongs to the model. What a step sees depends on
//! `(seed, epoch, sample index)` alone: not on threads, and not on where a run was resumed.

mod augment;
mod batch;
mod cifar;
mod corpus;
pub mod corruption;
mod digits;
mod error;
mod feed;
#[cfg(test)]
mod fixture;
mod idx;
mod input;
mod loader;
mod mnist;
mod names;
mod order;
mod random;
mod root;
mod source;
mod split;

pub use batch::{Batch, EvalBatches};
pub use corpus::{Corpus, Dataset, Shape};
pub use error::{DataError, Flaw, Place, Problem};
pub use feed::Feed;
pub use loader::Loader;
pub use order::Order;
pub use random::{Generator, Purpose};
pub use source::{Disk, open, probe};
pub use split::Split;
