//! What storing an image costs: coarse pixels, JPEG.

use super::picture::Picture;
use crate::data::corpus::Shape;

/// Share of the side that is kept.
const PIXELATE: [f64; 5] = [0.95, 0.9, 0.85, 0.75, 0.65];

const QUALITY: [u8; 5] = [80, 65, 58, 50, 40];

/// Resized to a share of its size and back by a box filter, rounded to whole levels each time.
pub fn pixelate(x: &Picture, level: usize) -> Picture {
    let Shape { height, width, .. } = x.shape;
    let smaller = |side: usize| ((side as f64 * PIXELATE[level]) as usize).max(1);
    let small = levels(resized(x, smaller(height), smaller(width)));
    levels(resized(&small, height, width))
}

fn levels(x: Picture) -> Picture {
    x.map(|value| (value * 255.0).round() / 255.0)
}

fn resized(x: &Picture, height: usize, width: usize) -> Picture {
    let (rows, columns) = (boxes(x.shape.height, height), boxes(x.shape.width, width));
    let shape = Shape { height, width, ..x.shape };
    let mut values = Vec::with_capacity(shape.values());
    for rows in &rows {
        for columns in &columns {
            let mean = |channel: usize| {
                let cells = rows.clone().flat_map(|row| columns.clone().map(move |column| (row, column)));
                let sum: f64 = cells.map(|(row, column)| x.at(row, column, channel)).sum();
                sum / (rows.len() * columns.len()) as f64
            };
            values.extend((0..shape.channels).map(mean));
        }
    }
    Picture { shape, values }
}

/// The pixels under each new one: those whose middle lies within a box as wide as the ratio, at least one pixel wide.
fn boxes(from: usize, to: usize) -> Vec<std::ops::Range<usize>> {
    let ratio = from as f64 / to as f64;
    let reach = 0.5 * ratio.max(1.0);
    let range = |place: usize| {
        let middle = (place as f64 + 0.5) * ratio;
        let start = (middle - reach + 0.5).max(0.0) as usize;
        let end = ((middle + reach + 0.5) as usize).min(from);
        start.min(from - 1)..end.max(start.min(from - 1) + 1)
    };
    (0..to).map(range).collect()
}

/// Encoded and decoded, chroma at half the resolution.
pub fn jpeg(x: Picture, level: usize) -> Picture {
    let bytes: Vec<u8> = x.values.iter().map(|value| (value * 255.0).round() as u8).collect();
    match coded(&bytes, x.shape, QUALITY[level]) {
        Some(decoded) => Picture::of(&decoded, 255, x.shape),
        // Only an image that JPEG cannot hold, which the checker refuses, comes back as it was.
        None => x,
    }
}

fn coded(bytes: &[u8], shape: Shape, quality: u8) -> Option<Vec<u8>> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

    let (colour, decoded) = match shape.channels {
        1 => (ColorType::Luma, ColorSpace::Luma),
        3 => (ColorType::Rgb, ColorSpace::RGB),
        _ => return None,
    };
    let (width, height) = (u16::try_from(shape.width).ok()?, u16::try_from(shape.height).ok()?);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(bytes, width, height, colour).ok()?;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(decoded);
    let decoded = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(file), options).decode().ok()?;
    (decoded.len() == bytes.len()).then_some(decoded)
}
