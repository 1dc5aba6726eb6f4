//! The defaults under the names of the operations, for backends that override some of their cases.

pub(super) use super::ascent::ascend_signs;
pub(super) use super::attention::{attention, attention_grad};
pub(super) use super::conv::{
    convolve, input_grad as convolve_input_grad, weight_grad as convolve_weight_grad,
};
pub(super) use super::layer_norm::{layer_norm, layer_norm_input_grad, layer_norm_weight_grad};
pub(super) use super::linear::{
    forward as affine, input_grad as affine_input_grad, weight_grad as affine_weight_grad,
};
pub(super) use super::norm::{
    batch_norm, batch_norm_grad, channel_sum, fixed_norm_input_grad, fixed_norm_weight_grad, scale_shift,
};
pub(super) use super::pointwise::{
    gelu, gelu_grad, global_average, global_average_grad, relu as rectify, relu_grad as rectify_grad,
    scale_by_fisher, scale_by_size,
};
pub(super) use super::update::sgd;
