//! Corruptions without random numbers, pixel by pixel.

use flatrun::data::Shape;
use flatrun::data::corruption::{Corruption, SEVERITIES};

use crate::support::Stored;

const SHAPES: [(&str, Shape); 2] = [
    ("colour", Shape { height: 24, width: 20, channels: 3 }),
    ("grey", Shape { height: 11, width: 13, channels: 1 }),
];

/// The stored image of a kind and a severity, and the one made here.
fn both(stored: &Stored, image: &str, shape: Shape, kind: Corruption, severity: usize) -> [Vec<f64>; 2] {
    let clean: Vec<u8> = stored.get(&format!("{image}/clean")).iter().map(|&value| value as u8).collect();
    let found = kind.apply(severity, 0, &clean, 255, shape).into_iter().map(f64::from).collect();
    [found, stored.get(&format!("{image}/{}/{severity}", kind.name())).to_vec()]
}

fn root_mean_square(one: &[f64], other: &[f64]) -> f64 {
    (one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / one.len() as f64).sqrt()
}

/// A value that falls on a whole level may be cut off to either side of it.
#[test]
fn corruptions_without_random_numbers() {
    use Corruption::*;
    let stored = Stored::read("corruption/corruption.safetensors");
    for kind in [GaussianBlur, DefocusBlur, ZoomBlur, Brightness, Contrast, Saturate, Pixelate] {
        for (image, shape) in SHAPES {
            for severity in 1..=SEVERITIES {
                let [found, expected] = both(&stored, image, shape, kind, severity);
                let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                let (most, many) =
                    apart.fold((0.0, 0), |(most, many), d| (f64::max(most, d), many + usize::from(d > 0.0)));
                let case = format!("{image} {} {severity}", kind.name());
                assert!(
                    most <= 1.0 && many * 50 <= found.len(),
                    "{case}: {many} values differ, by {most} at most"
                );
            }
        }
    }
}

/// Two coders may round differently, but must damage an image alike.
#[test]
fn jpeg_is_that_of_another_coder_but_for_rounding() {
    let stored = Stored::read("corruption/corruption.safetensors");
    for (image, shape) in SHAPES {
        let clean = stored.get(&format!("{image}/clean"));
        for severity in 1..=SEVERITIES {
            let [found, expected] = both(&stored, image, shape, Corruption::JpegCompression, severity);
            let (apart, damage) = (root_mean_square(&found, &expected), root_mean_square(clean, &expected));
            assert!(apart < 0.35 * damage, "{image} {severity}: {apart} of {damage}");
        }
    }
}
