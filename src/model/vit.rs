//! Vision transformer (Dosovitskiy et al. 2021), layer for layer and name for name torchvision's.
//!
//! Patches by a convolution as wide as its stride, a class token, learned positions; pre-norm layers of multi-head
//! attention and a perceptron of four times the width with exact GELU; layer normalisation; a linear head on the
//! class token. Layer normalisations add 1e-6 to the variance; no dropout.

use super::layers::{Affine, Builder, Conv2d, Linear, Start};
use super::layout::{Init, Role, Slot};
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

/// Width of the perceptron, per channel.
const MLP: usize = 4;

/// Sizes of a transformer.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Channels of a token; a multiple of `heads`.
    pub width: usize,
    pub depth: usize,
    pub heads: usize,
}

#[derive(Clone, Debug)]
pub struct Vit {
    conv_proj: Conv2d,
    embedding: Embedding,
    layers: Vec<EncoderLayer>,
    ln: Affine,
    head: Linear,
}

/// What makes tokens of patches.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    pub class_token: Slot,
    pub positions: Slot,
}

#[derive(Clone, Debug)]
struct EncoderLayer {
    ln_1: Affine,
    in_proj: Linear,
    heads: usize,
    out_proj: Linear,
    ln_2: Affine,
    mlp: [Linear; 2],
}

impl Vit {
    /// `input` is channels, height, width; both sides at least a patch.
    pub fn new(b: &mut Builder, [channels, height, width]: [usize; 3], shape: Shape, classes: usize) -> Self {
        let Shape { patch, width: features, depth, heads } = shape;
        let token = vec![1, 1, features];
        let class_token = b.parameter("class_token".into(), token, Role::Embedding, Init::Constant(0.0));
        let conv = Conv { stride: patch, padding: 0 };
        let starts = [Start::NormalFanIn, Start::Zero];
        let conv_proj = b.conv_bias(starts, "conv_proj", [channels, features], patch, conv);
        let tokens = 1 + (height / patch) * (width / patch);
        let name = "encoder.pos_embedding".to_owned();
        let positions = b.parameter(name, vec![1, tokens, features], Role::Embedding, Init::Normal(0.02));
        let layers = (0..depth).map(|index| EncoderLayer::new(b, index, features, heads)).collect();
        let ln = b.affine("encoder.ln", features);
        let head = b.linear_from(Start::Zero, Init::Constant(0.0), "heads.head.", features, classes);
        let embedding = Embedding { class_token, positions };
        Self { conv_proj, embedding, layers, ln, head: b.head(head) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let patches = tape.conv(&self.conv_proj, x);
        let mut x = tape.embed(&self.embedding, patches);
        for (index, layer) in self.layers.iter().enumerate() {
            let attended = layer.attend(tape, x.clone());
            let mut tokens = [attended, x];
            // Only the class token is read: of the others, the last layer needs keys and values.
            if index + 1 == self.layers.len() {
                tokens = tokens.map(|x| tape.first_token(x));
            }
            x = layer.perceive(tape, tokens);
        }
        let token = tape.layer_norm(&self.ln, x);
        tape.linear(&self.head, token)
    }
}

impl EncoderLayer {
    fn new(b: &mut Builder, index: usize, width: usize, heads: usize) -> Self {
        let name = format!("encoder.layers.encoder_layer_{index}");
        let zero = Init::Constant(0.0);
        let ln_1 = b.affine(&format!("{name}.ln_1"), width);
        let attention = format!("{name}.self_attention");
        let in_proj = b.linear_from(Start::Xavier, zero, &format!("{attention}.in_proj_"), width, 3 * width);
        let out_proj = b.linear_from(Start::Default, zero, &format!("{attention}.out_proj."), width, width);
        let ln_2 = b.affine(&format!("{name}.ln_2"), width);
        let mut mlp = |part, input, output| {
            let bias = Init::Normal(1e-6);
            b.linear_from(Start::Xavier, bias, &format!("{name}.mlp.{part}."), input, output)
        };
        let mlp = [mlp(0, width, MLP * width), mlp(3, MLP * width, width)];
        Self { ln_1, in_proj, heads, out_proj, ln_2, mlp }
    }

    /// What each token gathers from all.
    fn attend<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let a = tape.layer_norm(&self.ln_1, x);
        let projected = tape.linear(&self.in_proj, a);
        tape.attention(self.heads, projected)
    }

    /// The rest of the layer, token by token.
    fn perceive<B: Ops>(&self, tape: &mut Tape<'_, B>, [attended, x]: [Var<B>; 2]) -> Var<B> {
        let branch = tape.linear(&self.out_proj, attended);
        let x = tape.add(branch, x);
        let a = tape.layer_norm(&self.ln_2, x.clone());
        let hidden = tape.linear(&self.mlp[0], a);
        let hidden = tape.gelu(hidden);
        let branch = tape.linear(&self.mlp[1], hidden);
        tape.add(branch, x)
    }
}
