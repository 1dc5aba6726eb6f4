//! The networks, minimizers and curricula against independent PyTorch references (tests/oracles/README.md).

#[path = "oracles/support.rs"]
mod support;

#[path = "oracles/attacks.rs"]
mod attacks;
#[path = "oracles/auto.rs"]
mod auto;
#[path = "oracles/corruption.rs"]
mod corruption;
#[path = "oracles/curriculum.rs"]
mod curriculum;
#[path = "oracles/curvature.rs"]
mod curvature;
#[path = "oracles/hessian.rs"]
mod hessian;
#[path = "oracles/minimizers.rs"]
mod minimizers;
#[path = "oracles/models.rs"]
mod models;
