//! One image while it is corrupted, and the operations that several kinds share.

use crate::data::color;
use crate::data::corpus::Shape;

/// A value a hair below a whole level counts as that level.
const ROUNDING: f64 = 1e-6;

/// H×W×C values, in [0, 1] when it comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub shape: Shape,
    pub values: Vec<f64>,
}

/// What lies beyond the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The last pixel, `aaa|abcd|ddd`.
    Edge,
    /// The image, mirrored at its edge, `cba|abcd|dcb`.
    Reflect,
    /// The image, mirrored at its last pixel, `dcb|abcd|cba`.
    Mirror,
}

impl Border {
    /// The pixel of `0..length` that stands at `place`.
    pub fn index(self, place: i64, length: usize) -> usize {
        let length = length as i64;
        let place = match self {
            Border::Edge => place.clamp(0, length - 1),
            Border::Reflect => {
                let turned = place.rem_euclid(2 * length);
                if turned < length { turned } else { 2 * length - 1 - turned }
            }
            Border::Mirror if length == 1 => 0,
            Border::Mirror => {
                let turned = place.rem_euclid(2 * length - 2);
                if turned < length { turned } else { 2 * length - 2 - turned }
            }
        };
        place as usize
    }
}

/// A weight at a distance in rows and columns.
pub type Tap = (i64, i64, f64);

impl Picture {
    pub fn of(bytes: &[u8], scale: u8, shape: Shape) -> Self {
        let scale = f64::from(scale);
        Self { shape, values: bytes.iter().map(|&byte| f64::from(byte) / scale).collect() }
    }

    /// One channel of the size of `shape`.
    pub fn plane(shape: Shape, value: impl FnMut() -> f64) -> Self {
        let shape = Shape { channels: 1, ..shape };
        Self { shape, values: std::iter::repeat_with(value).take(shape.values()).collect() }
    }

    /// The same size, each value from its row, column and channel.
    pub fn map_places(&self, value: impl Fn(usize, usize, usize) -> f64) -> Self {
        let Shape { height, width, channels } = self.shape;
        let mut values = Vec::with_capacity(self.values.len());
        for row in 0..height {
            for column in 0..width {
                values.extend((0..channels).map(|channel| value(row, column, channel)));
            }
        }
        Self { shape: self.shape, values }
    }

    pub fn map(mut self, change: impl FnMut(f64) -> f64) -> Self {
        let mut change = change;
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }

    pub fn at(&self, row: usize, column: usize, channel: usize) -> f64 {
        self.values[(row * self.shape.width + column) * self.shape.channels + channel]
    }

    /// The value at a place that may lie beyond the edge.
    pub fn beyond(&self, row: i64, column: i64, channel: usize, border: Border) -> f64 {
        let (row, column) = (border.index(row, self.shape.height), border.index(column, self.shape.width));
        self.at(row, column, channel)
    }

    /// Bilinear interpolation at a place between pixels.
    pub fn between(&self, row: f64, column: f64, channel: usize, border: Border) -> f64 {
        let (top, left) = (row.floor(), column.floor());
        let (down, right) = (row - top, column - left);
        let at =
            |rows: i64, columns: i64| self.beyond(top as i64 + rows, left as i64 + columns, channel, border);
        let upper = at(0, 0) * (1.0 - right) + at(0, 1) * right;
        let lower = at(1, 0) * (1.0 - right) + at(1, 1) * right;
        upper * (1.0 - down) + lower * down
    }

    /// Each pixel as the weighted sum of those around it.
    pub fn correlate(&self, taps: &[Tap], border: Border) -> Self {
        self.map_places(|row, column, channel| {
            let term = |&(rows, columns, weight): &Tap| {
                weight * self.beyond(row as i64 + rows, column as i64 + columns, channel, border)
            };
            taps.iter().map(term).sum()
        })
    }

    /// Gaussian blur, cut off at `truncate` standard deviations.
    pub fn gaussian(&self, sigma: f64, truncate: f64, border: Border) -> Self {
        let radius = (truncate * sigma + 0.5) as i64;
        let weights = bell(-radius..=radius, sigma);
        let rows: Vec<Tap> = weights.iter().map(|&(at, weight)| (at, 0, weight)).collect();
        let columns: Vec<Tap> = weights.iter().map(|&(at, weight)| (0, at, weight)).collect();
        self.correlate(&rows, border).correlate(&columns, border)
    }

    /// Every pixel, all channels of it, with the value of a plane there.
    pub fn with_plane(mut self, plane: &Picture, change: impl Fn(&mut [f64], f64)) -> Self {
        let channels = self.shape.channels.max(1);
        self.values.chunks_exact_mut(channels).zip(&plane.values).for_each(|(pixel, &at)| change(pixel, at));
        self
    }

    /// 256 levels, cut off to [0, 1] and then downward.
    pub fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0 + ROUNDING) as u8).collect()
    }
}

/// Weights of a Gaussian at whole distances, which sum to one.
pub fn bell(places: impl Iterator<Item = i64>, sigma: f64) -> Vec<(i64, f64)> {
    let weight = |place: i64| (-0.5 * (place as f64 / sigma).powi(2)).exp();
    let weights: Vec<_> = places.map(|place| (place, weight(place))).collect();
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights.into_iter().map(|(place, weight)| (place, weight / sum)).collect()
}

/// Luminance of a colour (ITU-R BT.601); a grey value is its own.
pub fn luminance(pixel: &[f64]) -> f64 {
    match *pixel {
        [red, green, blue] => color::luminance([red, green, blue]),
        _ => pixel.iter().sum::<f64>() / pixel.len().max(1) as f64,
    }
}

/// A colour on an image of so many channels.
pub fn paint(colour: [f64; 3], channels: usize) -> Vec<f64> {
    if channels == 3 { colour.to_vec() } else { vec![luminance(&colour); channels] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_those_of_their_pictures() {
        let seen = |border: Border| (-4..8).map(|place| border.index(place, 4)).collect::<Vec<_>>();
        assert_eq!(seen(Border::Edge), [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]);
        assert_eq!(seen(Border::Reflect), [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
        assert_eq!(seen(Border::Mirror), [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        let single = |border: Border| (-3..4).all(|place| border.index(place, 1) == 0);
        assert!([Border::Edge, Border::Reflect, Border::Mirror].into_iter().all(single));
    }

    #[test]
    fn bytes_are_cut_off_and_not_rounded() {
        let shape = Shape { height: 1, width: 5, channels: 1 };
        let values = vec![-0.1, 0.999, 1.2, 100.9 / 255.0, 0.5];
        assert_eq!(Picture { shape, values }.bytes(), [0, 254, 255, 100, 127]);
        let all: Vec<u8> = (0..=255).collect();
        let shape = Shape { height: 16, width: 16, channels: 1 };
        assert_eq!(Picture::of(&all, 255, shape).bytes(), all);
    }
}
