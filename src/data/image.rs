//! One image on its way from the disk to a batch.

use std::borrow::Cow;

use super::corpus::Shape;

/// Stored pixels of one image, H×W×C; a pixel is `byte / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw<'a> {
    pub bytes: Cow<'a, [u8]>,
    pub shape: Shape,
    pub scale: u8,
}

/// Pixels in [0, 1], H×W×C.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub pixels: Vec<f32>,
    pub shape: Shape,
}

impl Raw<'_> {
    /// The same with the pixel value of every byte looked up in `values`.
    pub fn image(&self, values: &[f32; 256]) -> Image {
        let pixels = self.bytes.iter().map(|&byte| values[usize::from(byte)]).collect();
        Image { pixels, shape: self.shape }
    }
}

/// The pixel value of every byte where `scale` means 1.0.
pub fn pixel_values(scale: u8) -> [f32; 256] {
    let scale = f32::from(scale);
    std::array::from_fn(|byte| byte as f32 / scale)
}
