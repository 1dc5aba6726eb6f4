//! What storing an image costs: coarse pixels, JPEG.

use std::ops::Range;

use super::picture::Picture;
use crate::data::color::luminance;
use crate::data::corpus::Shape;

/// Share of the side that is kept.
const PIXELATE: [f64; 5] = [0.95, 0.9, 0.85, 0.75, 0.65];

const QUALITY: [u8; 5] = [80, 65, 58, 50, 40];

/// Resized to a share of its size and back by a box filter, along rows and then along columns, rounded to whole levels
/// each time.
pub fn pixelate(x: &Picture, level: usize) -> Picture {
    let Shape { height, width, .. } = x.shape;
    let smaller = |side: usize| ((side as f64 * PIXELATE[level]) as usize).max(1);
    let small = taller(&wider(x, smaller(width)), smaller(height));
    taller(&wider(&small, width), height)
}

/// Rounded to whole levels; half a level, or a hair less, is a whole one.
fn levels(x: Picture) -> Picture {
    x.map(|value| (value * 255.0 + 1e-9).round() / 255.0)
}

fn wider(x: &Picture, width: usize) -> Picture {
    let columns = boxes(x.shape.width, width);
    resized(x, Shape { width, ..x.shape }, |row, column| columns[column].clone().map(move |from| (row, from)))
}

fn taller(x: &Picture, height: usize) -> Picture {
    let rows = boxes(x.shape.height, height);
    resized(x, Shape { height, ..x.shape }, |row, column| rows[row].clone().map(move |from| (from, column)))
}

/// Each pixel as the mean of those of `x` under it.
fn resized<I>(x: &Picture, shape: Shape, under: impl Fn(usize, usize) -> I) -> Picture
where
    I: ExactSizeIterator<Item = (usize, usize)>,
{
    let blank = Picture { shape, values: vec![0.0; shape.values()] };
    levels(blank.map_places(|row, column, channel| {
        let pixels = under(row, column);
        let count = pixels.len() as f64;
        pixels.map(|(row, column)| x.at(row, column, channel)).sum::<f64>() / count
    }))
}

/// The pixels under each new one: those whose middle lies within a box as wide as the ratio, at least one pixel wide.
/// Ties between two boxes are left to the rounding of this very expression, which is Pillow's.
fn boxes(from: usize, to: usize) -> Vec<Range<usize>> {
    let ratio = from as f64 / to as f64;
    let shrink = 1.0 / ratio.max(1.0);
    let range = |place: usize| {
        let middle = (place as f64 + 0.5) * ratio;
        let inside = |pixel: &usize| {
            let away = (*pixel as f64 - middle + 0.5) * shrink;
            -0.5 < away && away <= 0.5
        };
        let start = (0..from).find(inside).unwrap_or((middle as usize).min(from - 1));
        let end = (start..from).take_while(inside).count() + start;
        start..end.max(start + 1)
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

    let (bytes, colour, decoded) = match shape.channels {
        1 => (bytes.to_vec(), ColorType::Luma, ColorSpace::Luma),
        3 => (halved_chroma(bytes, shape), ColorType::Ycbcr, ColorSpace::RGB),
        _ => return None,
    };
    let (width, height) = (u16::try_from(shape.width).ok()?, u16::try_from(shape.height).ok()?);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(&bytes, width, height, colour).ok()?;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(decoded);
    let decoded = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(file), options).decode().ok()?;
    (decoded.len() == bytes.len()).then_some(decoded)
}

/// Luminance, and chroma averaged over squares of four pixels, of which the encoder stores one.
fn halved_chroma(bytes: &[u8], shape: Shape) -> Vec<u8> {
    let pixels: Vec<[f64; 3]> =
        bytes.chunks_exact(3).map(|pixel| to_ycc([pixel[0], pixel[1], pixel[2]])).collect();
    let at = |row: usize, column: usize| {
        pixels[row.min(shape.height - 1) * shape.width + column.min(shape.width - 1)]
    };
    let mean = |row: usize, column: usize, channel: usize| {
        let (top, left) = (row / 2 * 2, column / 2 * 2);
        let square =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(down, right)| at(top + down, left + right)[channel]);
        square.iter().sum::<f64>() / 4.0
    };
    let values = Picture { shape, values: vec![0.0; shape.values()] }.map_places(|row, column, channel| {
        if channel == 0 { at(row, column)[0] } else { mean(row, column, channel) }
    });
    values.values.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect()
}

/// JFIF's luminance and chroma, in whole levels.
fn to_ycc(pixel: [u8; 3]) -> [f64; 3] {
    let [red, green, blue] = pixel.map(f64::from);
    let luminance = luminance([red, green, blue]);
    let from = |value: f64, range: f64| 128.0 + (value - luminance) / range;
    [luminance, from(blue, 1.772), from(red, 1.402)].map(f64::round)
}
