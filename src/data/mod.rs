//! Data sets, their split, their order, augmentation and batches.
//!
//! Pixels are in [0, 1], channels last; normalisation belongs to the model. What a step sees depends on
//! `(seed, epoch, sample index)` alone: not on threads, and not on where a run was resumed.

mod affine;
mod augment;
mod batch;
mod cifar;
mod classes;
mod color;
mod corpus;
pub mod corruption;
mod decode;
mod digits;
mod error;
mod facts;
mod feed;
mod files;
#[cfg(test)]
mod fixture;
mod folder;
mod idx;
mod image;
mod input;
mod loader;
mod longtail;
mod mnist;
mod names;
#[cfg(test)]
mod oracle;
mod order;
mod pool;
mod random;
mod resample;
mod root;
mod shared;
mod soft;
mod source;
mod split;
mod watch;
mod window;

pub use batch::{Batch, EvalBatches};
pub use classes::learnable;
pub use corpus::{Corpus, Dataset, Groups, HeldOut, Images, Shape};
pub use error::{DataError, Flaw, Place, Problem};
pub use feed::Feed;
pub use files::nanoseconds;
pub use loader::Loader;
pub use order::{Balanced, Order};
pub use random::{Generator, Purpose};
pub use soft::SoftLabels;
pub use source::{Disk, class_order, open, probe};
pub use split::Split;
pub use watch::Watched;
