//! Parts of an image: random and central ones.

use super::corpus::Shape;
use super::image::Image;
use super::random::Generator;
use super::resample::{Window, resample};
use crate::lang::catalog::{Augmentation, Fit, RandomResizedCrop, Resize};
use crate::lang::view::shorter;
use crate::lang::world::Size;

/// Windows that do not fit are drawn so often before the central one is taken, as in torchvision.
const TRIES: usize = 10;

/// The image after an augmentation that makes another size; `None` for every other augmentation. Values are divided by
/// `scale`.
pub fn resized<T: Copy + Into<f32>>(
    augmentation: &Augmentation,
    pixels: &[T],
    shape: Shape,
    scale: f32,
    random: &mut Generator,
) -> Option<Image> {
    let whole = Window::whole(shape);
    match augmentation {
        Augmentation::RandomResizedCrop(crop) => {
            let window = random_window(crop, whole.size, random);
            Some(resample(pixels, shape, window, Size::square(crop.size), scale))
        }
        Augmentation::Resize(Resize { size, fit }) => {
            let size = match fit {
                Fit::Shorter => shorter(whole.size, *size),
                Fit::Exact => Size::square(*size),
            };
            Some(resample(pixels, shape, whole, size, scale))
        }
        Augmentation::CenterCrop(crop) => Some(central(pixels, shape, crop.size, scale)),
        _ => None,
    }
}

/// A window whose share of the area and whose ratio of sides are drawn.
fn random_window(crop: &RandomResizedCrop, size: Size, random: &mut Generator) -> Window {
    let area = (size.height * size.width) as f64;
    let (low, high) = (crop.ratio.low.ln(), crop.ratio.high.ln());
    for _ in 0..TRIES {
        let target = area * random.between(crop.scale.low, crop.scale.high);
        let ratio = random.between(low, high).exp();
        let width = (target * ratio).sqrt().round() as usize;
        let height = (target / ratio).sqrt().round() as usize;
        if (1..=size.width).contains(&width) && (1..=size.height).contains(&height) {
            let top = random.below((size.height - height) as u64 + 1) as usize;
            let left = random.below((size.width - width) as u64 + 1) as usize;
            return Window { top, left, size: Size { height, width } };
        }
    }
    largest(size, crop.ratio.low, crop.ratio.high)
}

/// The largest central window with a ratio of sides in `low..=high`.
fn largest(size: Size, low: f64, high: f64) -> Window {
    let Size { height, width } = size;
    let ratio = width as f64 / height as f64;
    let inside = if ratio < low {
        Size { height: ((width as f64 / low).round() as usize).clamp(1, height), width }
    } else if ratio > high {
        Size { height, width: ((height as f64 * high).round() as usize).clamp(1, width) }
    } else {
        size
    };
    Window { top: (height - inside.height) / 2, left: (width - inside.width) / 2, size: inside }
}

/// The central square of side `side`, with zeros around an image that is smaller.
fn central<T: Copy + Into<f32>>(pixels: &[T], shape: Shape, side: usize, scale: f32) -> Image {
    let channels = shape.channels;
    let mut cut = vec![0.0; side * side * channels];
    let (rows, columns) = (middle(shape.height, side), middle(shape.width, side));
    for row in 0..rows.length {
        let from = ((rows.from + row) * shape.width + columns.from) * channels;
        let to = ((rows.to + row) * side + columns.to) * channels;
        let length = columns.length * channels;
        let source = pixels[from..from + length].iter();
        cut[to..to + length].iter_mut().zip(source).for_each(|(value, &pixel)| *value = pixel.into() / scale);
    }
    Image { pixels: cut, shape: Shape { height: side, width: side, channels } }
}

/// Where a run of pixels along one side is taken from and put.
struct Run {
    from: usize,
    to: usize,
    length: usize,
}

/// The middle of `side` pixels of `length`; an odd remainder falls as in torchvision, which rounds half to even.
fn middle(length: usize, side: usize) -> Run {
    if length < side {
        return Run { from: 0, to: (side - length) / 2, length };
    }
    let from = ((length - side) as f64 / 2.0).round_ties_even() as usize;
    Run { from, to: 0, length: side }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;
    use crate::lang::catalog::CenterCrop;
    use crate::lang::value::Interval;

    fn crop(scale: (f64, f64), ratio: (f64, f64)) -> RandomResizedCrop {
        let interval = |(low, high)| Interval { low, high };
        RandomResizedCrop { size: 8, scale: interval(scale), ratio: interval(ratio) }
    }

    fn windows(crop: &RandomResizedCrop, size: Size) -> Vec<Window> {
        let generator = |index| Generator::keyed(Purpose::Augmentation, &[index]);
        (0..2000).map(|index| random_window(crop, size, &mut generator(index))).collect()
    }

    #[test]
    fn windows_have_the_drawn_areas_and_ratios() {
        let size = Size { height: 300, width: 400 };
        let shares = windows(&crop((0.08, 1.0), (0.75, 4.0 / 3.0)), size);
        for window in &shares {
            let Window { top, left, size: Size { height, width } } = *window;
            assert!(top + height <= 300 && left + width <= 400);
            let share = (height * width) as f64 / 120_000.0;
            let ratio = width as f64 / height as f64;
            assert!((0.078..=1.0).contains(&share) && (0.74..=1.35).contains(&ratio), "{window:?}");
        }
        let half = shares.iter().filter(|window| window.size.height * window.size.width < 60_000).count();
        // Uniform shares, but large windows fit less often.
        assert!((1150..1350).contains(&half), "{half}");
    }

    #[test]
    fn where_no_window_fits_the_largest_central_one_is_taken() {
        let tall = windows(&crop((1.0, 1.0), (0.75, 4.0 / 3.0)), Size { height: 100, width: 10 });
        let central = Window { top: 43, left: 0, size: Size { height: 13, width: 10 } };
        assert!(tall.iter().all(|window| *window == central), "{:?}", tall[0]);
    }

    #[test]
    fn central_windows_round_half_to_even_and_pad() {
        let shape = Shape { height: 1, width: 4, channels: 1 };
        let take = |side: usize| {
            let mut random = Generator::keyed(Purpose::Augmentation, &[]);
            let crop = Augmentation::CenterCrop(CenterCrop { size: side });
            resized(&crop, &[1u8, 2, 3, 4], shape, 1.0, &mut random).unwrap().pixels
        };
        assert_eq!(take(1), [3.0]);
        assert_eq!(take(3)[3..6], [1.0, 2.0, 3.0]);
        assert_eq!(take(6)[12..18], [0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
    }
}
