//! Kernels on plain slices; nothing here knows of tensors.

pub mod attention;
pub mod copy;
mod crew;
pub mod direct;
pub mod elementwise;
pub mod exponential;
pub mod filters;
pub mod fold;
pub mod gelu;
pub mod geometry;
pub mod lanes;
pub mod layer_norm;
pub mod minimal;
pub mod norm;
pub mod parallel;
pub mod plan;
pub mod plans;
pub mod product;
pub mod rows;
pub mod scratch;
pub mod source;
pub mod tile;
pub mod tiling;
pub mod weight_grad;
pub mod winograd;
pub mod winograd_conv;
pub mod winograd_grad;
