//! Snow, frost and fog.

use super::blur::{trail, zoomed};
use super::fractal::{ice, plasma};
use super::picture::{Border, Picture, luminance, paint};
use crate::data::random::Generator;

/// Flakes: mean and deviation of the noise they come from, zoom, threshold, trail, and share of the image that stays.
struct Flakes {
    mean: f64,
    deviation: f64,
    zoom: f64,
    threshold: f64,
    trail: (usize, f64),
    kept: f64,
}

const SNOW: [Flakes; 5] = [
    Flakes { mean: 0.1, deviation: 0.2, zoom: 1.0, threshold: 0.6, trail: (8, 3.0), kept: 0.95 },
    Flakes { mean: 0.1, deviation: 0.2, zoom: 1.0, threshold: 0.5, trail: (10, 4.0), kept: 0.9 },
    Flakes { mean: 0.15, deviation: 0.3, zoom: 1.75, threshold: 0.55, trail: (10, 4.0), kept: 0.9 },
    Flakes { mean: 0.25, deviation: 0.3, zoom: 2.25, threshold: 0.6, trail: (12, 6.0), kept: 0.85 },
    Flakes { mean: 0.3, deviation: 0.3, zoom: 1.25, threshold: 0.65, trail: (14, 12.0), kept: 0.8 },
];

/// Share of the image, and of the ice on it.
const FROST: [(f64, f64); 5] = [(1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)];

/// Ice of one photograph: mean colour, and standard deviation within a crop.
struct Pane {
    colour: [f64; 3],
    contrast: f64,
}

/// Measured on crops of 32×32 from the five photographs that the published script draws from, at a fifth of their size;
/// the second and the third are the same.
const PANES: [Pane; 5] = [
    Pane { colour: [0.301, 0.581, 0.646], contrast: 0.056 },
    Pane { colour: [0.778, 0.795, 0.832], contrast: 0.071 },
    Pane { colour: [0.778, 0.795, 0.832], contrast: 0.071 },
    Pane { colour: [0.562, 0.620, 0.670], contrast: 0.102 },
    Pane { colour: [0.402, 0.447, 0.493], contrast: 0.134 },
];

/// Standard deviation of the mean from crop to crop of a photograph.
const PATCH: f64 = 0.043;

/// Strength, and how fast the cloud loses its roughness.
const FOG: [(f64, f64); 5] = [(0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)];

/// Noise above a threshold, drawn into trails within 45 degrees of the vertical, on an image that pales; once more
/// turned by 180 degrees.
pub fn snow(x: Picture, level: usize, random: &mut Generator) -> Picture {
    let flakes = &SNOW[level];
    let layer = Picture::plane(x.shape, || flakes.mean + flakes.deviation * random.normal());
    let layer = zoomed(&layer, flakes.zoom);
    let layer = layer.map(|value| if value < flakes.threshold { 0.0 } else { value.min(1.0) });
    let (radius, sigma) = flakes.trail;
    let mut layer = layer.correlate(&trail(radius, sigma, -135.0 + 90.0 * random.unit()), Border::Edge);
    let turned: Vec<f64> = layer.values.iter().rev().copied().collect();
    layer.values.iter_mut().zip(turned).for_each(|(value, turned)| *value += turned);
    x.with_plane(&layer, |pixel, snow| {
        let pale = luminance(pixel) * 1.5 + 0.5;
        pixel.iter_mut().for_each(|value| {
            *value = flakes.kept * *value + (1.0 - flakes.kept) * value.max(pale) + snow;
        });
    })
}

/// The image through ice, which is generated with the colours and the contrast of the published script's photographs.
pub fn frost(x: Picture, level: usize, random: &mut Generator) -> Picture {
    let (kept, strength) = FROST[level];
    let pane = &PANES[random.below(PANES.len() as u64) as usize];
    let offset = PATCH * random.normal();
    let (texture, colour) = (ice(x.shape, random), paint(pane.colour, x.shape.channels));
    x.with_plane(&texture, |pixel, rough| {
        let values = pixel.iter_mut().zip(&colour);
        values.for_each(|(value, colour)| {
            let ice = (colour + offset + pane.contrast * rough).clamp(0.0, 1.0);
            *value = kept * *value + strength * ice;
        });
    })
}

/// A cloud, and the image darkened so that its brightest pixel could be as bright as before.
pub fn fog(x: Picture, level: usize, random: &mut Generator) -> Picture {
    let (strength, decay) = FOG[level];
    let most = x.values.iter().copied().fold(0.0, f64::max);
    let cloud = plasma(x.shape, decay, random);
    x.with_plane(&cloud, |pixel, cloud| {
        let values = pixel.iter_mut();
        values.for_each(|value| *value = (*value + strength * cloud) * most / (most + strength));
    })
}
