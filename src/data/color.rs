//! Changes of colour, on pixels in [0, 1].

use super::image::Image;
use super::random::Generator;
use crate::lang::catalog::Jitter;

/// Shares of red, green and blue in grey (ITU-R BT.601), as in Pillow and torchvision: the one grey of the language.
const GREY: [f64; 3] = [0.299, 0.587, 0.114];

/// Brightness, contrast, saturation and hue, in random order.
pub fn jitter(spec: &Jitter, image: &mut Image, random: &mut Generator) {
    let mut order = [0, 1, 2, 3];
    random.shuffle(&mut order);
    let [brightness, contrast, saturation] =
        [spec.brightness, spec.contrast, spec.saturation].map(|amount| factor(amount, random));
    let turn = random.between(-spec.hue, spec.hue) as f32;
    for change in order {
        match change {
            0 if spec.brightness > 0.0 => scale(image, brightness),
            1 if spec.contrast > 0.0 => contrasted(image, contrast),
            2 if spec.saturation > 0.0 => saturated(image, saturation),
            3 if spec.hue > 0.0 => turned(image, turn),
            _ => {}
        }
    }
}

/// The image times a factor in `[max(0, 1 - amount), 1 + amount]`.
pub fn brightness(amount: f64, image: &mut Image, random: &mut Generator) {
    let factor = factor(amount, random);
    scale(image, factor);
}

/// Every channel becomes the grey of its pixel.
pub fn grayscale(image: &mut Image) {
    saturated(image, 0.0);
}

fn factor(amount: f64, random: &mut Generator) -> f32 {
    random.between((1.0 - amount).max(0.0), 1.0 + amount) as f32
}

/// The image times a factor.
pub fn scale(image: &mut Image, factor: f32) {
    image.pixels.iter_mut().for_each(|value| *value = (*value * factor).clamp(0.0, 1.0));
}

/// Away from the mean grey of the image, or toward it.
pub fn contrasted(image: &mut Image, factor: f32) {
    let channels = image.shape.channels;
    let sum: f64 = image.pixels.chunks_exact(channels).map(|pixel| f64::from(grey(pixel))).sum();
    let mean = (sum / (image.pixels.len() / channels).max(1) as f64) as f32;
    image.pixels.iter_mut().for_each(|value| *value = mixed(*value, mean, factor));
}

/// Away from the grey of each pixel, or toward it.
pub fn saturated(image: &mut Image, factor: f32) {
    for pixel in image.pixels.chunks_exact_mut(image.shape.channels) {
        let grey = grey(pixel);
        pixel.iter_mut().for_each(|value| *value = mixed(*value, grey, factor));
    }
}

fn mixed(value: f32, other: f32, factor: f32) -> f32 {
    (factor * value + (1.0 - factor) * other).clamp(0.0, 1.0)
}

/// An image of other than three channels is grey already: the mean of its channels.
fn grey(pixel: &[f32]) -> f32 {
    match pixel {
        [red, green, blue] => {
            let shares = GREY.map(|share| share as f32);
            shares[0] * red + shares[1] * green + shares[2] * blue
        }
        _ => pixel.iter().sum::<f32>() / pixel.len() as f32,
    }
}

/// The grey of a colour in f64.
pub fn luminance([red, green, blue]: [f64; 3]) -> f64 {
    GREY[0] * red + GREY[1] * green + GREY[2] * blue
}

/// The grey of a colour of bytes, in the whole numbers of Pillow's mode `L`.
pub fn grey_level(colour: [u8; 3]) -> u8 {
    const BITS: u32 = 16;
    const HALF: u32 = 1 << (BITS - 1);
    let shares = GREY.map(|share| (share * f64::from(1 << BITS)).round() as u32);
    let sum: u32 = shares.iter().zip(colour).map(|(share, value)| share * u32::from(value)).sum();
    ((sum + HALF) >> BITS) as u8
}

/// Turns the hue by a share of the circle.
pub fn turned(image: &mut Image, turn: f32) {
    if image.shape.channels != 3 {
        return;
    }
    for pixel in image.pixels.chunks_exact_mut(3) {
        let [hue, saturation, value] = hsv([pixel[0], pixel[1], pixel[2]]);
        pixel.copy_from_slice(&rgb([(hue + turn).rem_euclid(1.0), saturation, value]));
    }
}

/// Hue, saturation and value, each in [0, 1].
fn hsv([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let (high, low) = (red.max(green).max(blue), red.min(green).min(blue));
    let spread = high - low;
    if spread == 0.0 {
        return [0.0, 0.0, high];
    }
    let sixth = if high == red {
        (green - blue) / spread
    } else if high == green {
        2.0 + (blue - red) / spread
    } else {
        4.0 + (red - green) / spread
    };
    [(sixth / 6.0).rem_euclid(1.0), spread / high, high]
}

fn rgb([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    let sector = (hue * 6.0).floor();
    let rest = hue * 6.0 - sector;
    let low = value * (1.0 - saturation);
    let falling = value * (1.0 - saturation * rest);
    let rising = value * (1.0 - saturation * (1.0 - rest));
    match sector as i32 % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::Shape;

    fn pixel(values: [f32; 3]) -> Image {
        Image { pixels: values.to_vec(), shape: Shape { height: 1, width: 1, channels: 3 } }
    }

    proptest! {
        #[test]
        fn hue_saturation_and_value_lead_back(red in 0.0f32..=1.0, green in 0.0f32..=1.0, blue in 0.0f32..=1.0) {
            let back = rgb(hsv([red, green, blue]));
            for (one, other) in back.iter().zip([red, green, blue]) {
                prop_assert!((one - other).abs() < 1e-5, "{:?}", back);
            }
        }
    }

    #[test]
    fn a_third_of_the_circle_makes_red_green() {
        let mut image = pixel([1.0, 0.0, 0.0]);
        turned(&mut image, 1.0 / 3.0);
        assert!(image.pixels[1] > 0.999 && image.pixels[0] < 1e-6 && image.pixels[2] < 1e-6, "{image:?}");
    }

    #[test]
    fn every_grey_is_the_same() {
        // By Pillow 13: `Image.new("RGB", (1, 1), colour).convert("L")`.
        let expected = [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([1, 2, 3], 2),
            ([200, 100, 50], 124),
            ([77, 77, 77], 77),
        ];
        for (colour, grey) in expected {
            let values = colour.map(|value| f32::from(value) / 255.0);
            let near = |value: f32| (value * 255.0 - f32::from(grey)).abs() <= 0.5 + 1e-3;
            assert_eq!(grey_level(colour), grey, "{colour:?}");
            assert!(near(luminance(values.map(f64::from)) as f32), "{colour:?}");
            let mut image = pixel(values);
            grayscale(&mut image);
            assert!(image.pixels.iter().all(|value| near(*value)), "grayscale, {colour:?}: {image:?}");
            let mut image = pixel(values);
            saturated(&mut image, 0.0);
            assert!(image.pixels.iter().all(|value| near(*value)), "saturation, {colour:?}: {image:?}");
            let mut image = pixel(values);
            contrasted(&mut image, 0.0);
            assert!(image.pixels.iter().all(|value| near(*value)), "contrast, {colour:?}: {image:?}");
        }
    }

    #[test]
    fn changes_of_one_amount_are_their_formulas() {
        let mut image = pixel([0.2, 0.4, 0.6]);
        scale(&mut image, 2.0);
        assert_eq!(image.pixels, [0.4, 0.8, 1.0]);
        grayscale(&mut image);
        let grey = 0.299 * 0.4 + 0.587 * 0.8 + 0.114;
        assert!(image.pixels.iter().all(|value| (value - grey).abs() < 1e-6));
        let mut image = Image { pixels: vec![0.0, 0.5], shape: Shape { height: 1, width: 2, channels: 1 } };
        contrasted(&mut image, 2.0);
        assert_eq!(image.pixels, [0.0, 0.75]);
    }
}
