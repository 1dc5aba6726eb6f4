//! Brightness, contrast and saturation.

use super::picture::Picture;

const BRIGHTNESS: [f64; 5] = [0.05, 0.1, 0.15, 0.2, 0.3];
const CONTRAST: [f64; 5] = [0.75, 0.5, 0.4, 0.3, 0.15];

/// Factor and offset of the saturation.
const SATURATION: [(f64, f64); 5] = [(0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)];

/// `V + c` in hue, saturation, value; a grey value is its own V.
pub fn brightness(x: Picture, level: usize) -> Picture {
    let brighter = |v: f64| (v + BRIGHTNESS[level]).min(1.0);
    each_colour(x, |[h, s, v]| [h, s, brighter(v)], brighter)
}

/// `c (x - mean) + mean`, the mean over the pixels of a channel.
pub fn contrast(mut x: Picture, level: usize) -> Picture {
    let channels = x.shape.channels.max(1);
    let pixels = (x.values.len() / channels).max(1) as f64;
    for channel in 0..channels {
        let mean = x.values.iter().skip(channel).step_by(channels).sum::<f64>() / pixels;
        let values = x.values.iter_mut().skip(channel).step_by(channels);
        values.for_each(|value| *value = (*value - mean) * CONTRAST[level] + mean);
    }
    x
}

/// `c S + o` in hue, saturation, value; grey images have no saturation and stay.
pub fn saturate(x: Picture, level: usize) -> Picture {
    let (factor, offset) = SATURATION[level];
    each_colour(x, |[h, s, v]| [h, (s * factor + offset).clamp(0.0, 1.0), v], |grey| grey)
}

fn each_colour(mut x: Picture, colour: impl Fn([f64; 3]) -> [f64; 3], grey: impl Fn(f64) -> f64) -> Picture {
    if x.shape.channels != 3 {
        return x.map(grey);
    }
    for pixel in x.values.chunks_exact_mut(3) {
        let changed = to_rgb(colour(to_hsv([pixel[0], pixel[1], pixel[2]])));
        pixel.copy_from_slice(&changed);
    }
    x
}

/// Hue in [0, 6), saturation, value; a grey has hue and saturation 0.
fn to_hsv([red, green, blue]: [f64; 3]) -> [f64; 3] {
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    if range == 0.0 {
        return [0.0, 0.0, value];
    }
    let hue = if value == red {
        (green - blue) / range
    } else if value == green {
        2.0 + (blue - red) / range
    } else {
        4.0 + (red - green) / range
    };
    [hue.rem_euclid(6.0), range / value, value]
}

fn to_rgb([hue, saturation, value]: [f64; 3]) -> [f64; 3] {
    let channel = |offset: f64| {
        let place = (offset + hue).rem_euclid(6.0);
        value * (1.0 - saturation * place.min(4.0 - place).clamp(0.0, 1.0))
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn colours_come_back(red in 0.0..=1.0, green in 0.0..=1.0, blue in 0.0..=1.0) {
            let back = to_rgb(to_hsv([red, green, blue]));
            for (one, other) in back.into_iter().zip([red, green, blue]) {
                prop_assert!((one - other).abs() < 1e-12);
            }
        }
    }
}
