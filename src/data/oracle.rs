//! Images against Pillow and NumPy: `tests/oracles/augment/make.py` makes the numbers.

use serde::Deserialize;

use super::affine::Motion;
use super::color::{contrasted, saturated, scale, turned};
use super::corpus::Shape;
use super::decode::{Form, decode, size};
use super::fixture::Folder;
use super::image::{Image, Raw, pixel_values};
use super::resample::{Window, resample};
use crate::lang::catalog::{Color, Orientation};
use crate::lang::world::Size;

#[derive(Deserialize)]
struct Oracle {
    height: usize,
    width: usize,
    image: Vec<u8>,
    resized: Vec<Resized>,
    affine: Vec<Moved>,
    brightness: Changed,
    contrast: Changed,
    saturation: Changed,
    hue: Changed,
    files: std::collections::BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct Resized {
    /// Top, left, height and width of the window, height and width of the result.
    window: [usize; 6],
    pixels: Vec<f32>,
}

#[derive(Deserialize)]
struct Moved {
    /// Angle, right, down, scale, shear.
    motion: [f64; 5],
    pixels: Vec<f32>,
}

#[derive(Deserialize)]
struct Changed {
    factor: f32,
    pixels: Vec<f32>,
}

#[derive(Deserialize)]
struct File {
    /// In hexadecimal.
    data: String,
    shape: [usize; 3],
    pixels: Vec<u8>,
    /// In grey levels.
    tolerance: u8,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/oracles/augment/augment.json"))
        .expect("the oracle's own form")
}

impl Oracle {
    fn shape(&self) -> Shape {
        Shape { height: self.height, width: self.width, channels: 3 }
    }

    fn image(&self) -> Image {
        let raw = Raw { bytes: self.image.as_slice().into(), shape: self.shape(), scale: 255 };
        raw.image(&pixel_values(255))
    }
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let far = found.iter().zip(expected).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
    assert!(far <= tolerance, "{what}: {far} apart");
}

#[test]
fn resizing_is_pillows() {
    let oracle = oracle();
    for Resized { window, pixels } in &oracle.resized {
        let [top, left, height, width, to_height, to_width] = *window;
        let part = Window { top, left, size: Size { height, width } };
        let to = Size { height: to_height, width: to_width };
        let found = resample(&oracle.image, oracle.shape(), part, to, 255.0);
        assert_close(&found.pixels, pixels, 1e-6, &format!("{window:?}"));
        let from_floats = resample(&oracle.image().pixels, oracle.shape(), part, to, 1.0);
        assert_close(&from_floats.pixels, pixels, 1e-6, &format!("{window:?}, of floats"));
    }
}

#[test]
fn motions_are_pillows() {
    let oracle = oracle();
    for Moved { motion, pixels } in &oracle.affine {
        let [angle, right, down, scale, shear] = *motion;
        let mut image = oracle.image();
        Motion { angle, shift: [right, down], scale, shear }.apply(&mut image);
        assert_close(&image.pixels, pixels, 1e-6, &format!("{motion:?}"));
    }
}

#[test]
fn changes_of_colour_are_the_formulas() {
    let oracle = oracle();
    type Change = fn(&mut Image, f32);
    let changes: [(&str, &Changed, Change); 4] = [
        ("brightness", &oracle.brightness, scale),
        ("contrast", &oracle.contrast, contrasted),
        ("saturation", &oracle.saturation, saturated),
        ("hue", &oracle.hue, turned),
    ];
    for (name, Changed { factor, pixels }, change) in changes {
        let mut image = oracle.image();
        change(&mut image, *factor);
        assert_close(&image.pixels, pixels, 2e-6, name);
    }
}

#[test]
fn files_are_decoded_as_by_pillow() {
    let folder = Folder::new();
    for (name, file) in &oracle().files {
        let bytes: Vec<u8> = (0..file.data.len() / 2)
            .map(|byte| u8::from_str_radix(&file.data[2 * byte..2 * byte + 2], 16).expect("hexadecimal"))
            .collect();
        let path = folder.write_raw(name, &bytes);
        let orientation = if name == "exif.jpg" { Orientation::Exif } else { Orientation::Stored };
        let form = Form { color: Color::Rgb, orientation };
        let decoded = decode(&path, form).unwrap();
        let [height, width, channels] = file.shape;
        assert_eq!(decoded.shape, Shape { height, width, channels }, "{name}");
        assert_eq!(size(&path, form).unwrap(), Size { height, width }, "{name}");
        let far = decoded.bytes.iter().zip(&file.pixels).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(far <= Some(file.tolerance), "{name}: {far:?} grey levels apart");
    }
}
