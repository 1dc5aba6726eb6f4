//! Rotation, shift, scaling and shear about the centre, as torchvision's `affine`.

use super::image::Image;
use super::random::Generator;
use crate::lang::catalog::Affine;

/// What is drawn for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// In degrees.
    pub angle: f64,
    /// In pixels, to the right and down.
    pub shift: [f64; 2],
    pub scale: f64,
    /// In degrees, along x.
    pub shear: f64,
}

/// Moves the image.
pub fn affine(spec: &Affine, image: &mut Image, random: &mut Generator) {
    Motion::draw(spec, image, random).apply(image);
}

impl Motion {
    fn draw(spec: &Affine, image: &Image, random: &mut Generator) -> Self {
        let mut about_zero = |most: f64| random.between(-most, most);
        let angle = about_zero(spec.degrees);
        let right = about_zero(spec.translate * image.shape.width as f64).round();
        let down = about_zero(spec.translate * image.shape.height as f64).round();
        let shear = about_zero(spec.shear);
        let scale = random.between(spec.scale.low, spec.scale.high);
        Self { angle, shift: [right, down], scale, shear }
    }

    /// Every pixel takes the nearest one that comes to lie on it, 0 where there is none.
    pub fn apply(self, image: &mut Image) {
        let (height, width, channels) = (image.shape.height, image.shape.width, image.shape.channels);
        let [a, b, c, d, e, f] = self.inverse(width as f64 / 2.0, height as f64 / 2.0);
        let mut moved = vec![0.0; image.pixels.len()];
        for row in 0..height {
            for column in 0..width {
                let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
                let (x, y) = ((a * x + b * y + c).floor(), (d * x + e * y + f).floor());
                if x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64 {
                    let (from, to) = (y as usize * width + x as usize, row * width + column);
                    let source = &image.pixels[from * channels..(from + 1) * channels];
                    moved[to * channels..(to + 1) * channels].copy_from_slice(source);
                }
            }
        }
        image.pixels = moved;
    }

    /// `[a, b, c, d, e, f]` with (a x + b y + c, d x + e y + f) the place that (x, y) comes from, for a turn about
    /// (`cx`, `cy`).
    fn inverse(self, cx: f64, cy: f64) -> [f64; 6] {
        let (turn, lean) = (self.angle.to_radians(), self.shear.to_radians().tan());
        let (sin, cos) = turn.sin_cos();
        // Forward: scale * rotation * shear = scale * [[cos, -cos lean - sin], [sin, -sin lean + cos]].
        let [a, b] = [(cos - sin * lean) / self.scale, (cos * lean + sin) / self.scale];
        let [d, e] = [-sin / self.scale, cos / self.scale];
        let (x, y) = (cx + self.shift[0], cy + self.shift[1]);
        [a, b, cx - a * x - b * y, d, e, cy - d * x - e * y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::data::random::Purpose;
    use crate::lang::value::Interval;

    fn moved(motion: [f64; 4], pixels: &[f32], side: usize) -> Vec<f32> {
        let [degrees, translate, scale, shear] = motion;
        let spec = Affine { degrees, translate, scale: Interval { low: scale, high: scale }, shear };
        let mut image =
            Image { pixels: pixels.to_vec(), shape: Shape { height: side, width: side, channels: 1 } };
        affine(&spec, &mut image, &mut Generator::keyed(Purpose::Augmentation, &[3]));
        image.pixels
    }

    #[test]
    fn no_motion_changes_nothing() {
        let pixels: Vec<f32> = (0..25).map(|value| value as f32).collect();
        assert_eq!(moved([0.0, 0.0, 1.0, 0.0], &pixels, 5), pixels);
    }

    #[test]
    fn the_inverse_undoes_the_motion() {
        let motion = Motion { angle: 23.0, shift: [3.0, -2.0], scale: 1.3, shear: 11.0 };
        let [a, b, c, d, e, f] = motion.inverse(16.0, 12.0);
        let (lean, (sin, cos)) = (11f64.to_radians().tan(), 23f64.to_radians().sin_cos());
        let (x, y) = (20.0, 5.0);
        let (u, v) = (x - 16.0, y - 12.0);
        let forward = [
            1.3 * (cos * u - (cos * lean + sin) * v) + 16.0 + 3.0,
            1.3 * (sin * u + (cos - sin * lean) * v) + 12.0 - 2.0,
        ];
        let back = [a * forward[0] + b * forward[1] + c, d * forward[0] + e * forward[1] + f];
        assert!((back[0] - x).abs() < 1e-9 && (back[1] - y).abs() < 1e-9, "{back:?}");
    }

    #[test]
    fn twice_the_size_shows_the_centre() {
        let pixels = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let expected = [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0];
        assert_eq!(moved([0.0, 0.0, 2.0, 0.0], &pixels, 4), expected);
    }
}
