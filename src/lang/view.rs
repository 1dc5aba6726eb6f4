//! What augmentations do to the size of an image, and how images are seen where nothing is drawn.

use super::catalog::{Augmentation, CenterCrop, Fit, Resize};
use super::world::Size;

/// ImageNet's test images have 256 pixels where its training crops have 224.
const TEST_MARGIN: (usize, usize) = (8, 7);

impl Augmentation {
    /// Whether it draws, mixes samples or changes labels: what a test image is never given.
    pub fn is_for_training(&self) -> bool {
        !matches!(self, Self::Resize(_) | Self::CenterCrop(_))
    }

    /// Size of its result for an image of `size`; `None` where that is not one for all images.
    pub fn size_after(&self, size: Option<Size>) -> Option<Size> {
        match self {
            Self::RandomResizedCrop(crop) => Some(Size::square(crop.size)),
            Self::CenterCrop(crop) => Some(Size::square(crop.size)),
            Self::Resize(Resize { size, fit: Fit::Exact }) => Some(Size::square(*size)),
            Self::Resize(Resize { size: side, fit: Fit::Shorter }) => size.map(|size| shorter(size, *side)),
            _ => size,
        }
    }

    /// The same without a draw; nothing for what is for training alone.
    fn in_view(&self) -> Vec<Augmentation> {
        match self {
            Self::RandomResizedCrop(crop) => {
                let (times, over) = TEST_MARGIN;
                let resize = Resize { size: (crop.size * times + over / 2) / over, fit: Fit::Shorter };
                vec![Self::Resize(resize), Self::CenterCrop(CenterCrop { size: crop.size })]
            }
            Self::Resize(_) | Self::CenterCrop(_) => vec![self.clone()],
            _ => Vec::new(),
        }
    }

    /// As it is written, for those that may stand in a view.
    fn written(&self) -> String {
        match self {
            Self::Resize(Resize { size, fit: Fit::Shorter }) => format!("resize({size})"),
            Self::Resize(Resize { size, fit: Fit::Exact }) => format!("resize({size}, fit = exact)"),
            Self::CenterCrop(CenterCrop { size }) => format!("center_crop({size})"),
            other => other.name().to_owned(),
        }
    }
}

/// The shorter side becomes `side` long, the other is rounded down, as in torchvision.
pub fn shorter(size: Size, side: usize) -> Size {
    let Size { height, width } = size;
    match height <= width {
        true => Size { height: side, width: side * width / height.max(1) },
        false => Size { height: side * height / width.max(1), width: side },
    }
}

/// How a data set augmented like this is seen in evaluation, where no `test` list says so.
pub fn view_of(augment: &[Augmentation]) -> Vec<Augmentation> {
    augment.iter().flat_map(Augmentation::in_view).collect()
}

/// Size of an image of `size` after all of `list`.
pub fn size_after(list: &[Augmentation], size: Option<Size>) -> Option<Size> {
    list.iter().fold(size, |size, augmentation| augmentation.size_after(size))
}

/// `[resize(256), center_crop(224)]`
pub fn written(view: &[Augmentation]) -> String {
    let names: Vec<String> = view.iter().map(Augmentation::written).collect();
    format!("[{}]", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::catalog::{Crop, Flip, RandomResizedCrop};
    use crate::lang::value::Interval;

    fn random_resized_crop(size: usize) -> Augmentation {
        let (scale, ratio) = (Interval { low: 0.08, high: 1.0 }, Interval { low: 0.75, high: 1.33 });
        Augmentation::RandomResizedCrop(RandomResizedCrop { size, scale, ratio })
    }

    #[test]
    fn imagenet_is_seen_at_256_and_224() {
        let list = [random_resized_crop(224), Augmentation::Flip(Flip { p: 0.5 })];
        assert_eq!(written(&view_of(&list)), "[resize(256), center_crop(224)]");
        assert_eq!(size_after(&list, None), Some(Size::square(224)));
        assert_eq!(written(&view_of(&[random_resized_crop(32)])), "[resize(37), center_crop(32)]");
    }

    #[test]
    fn a_shorter_side_alone_leaves_mixed_sizes_mixed() {
        let resize = Augmentation::Resize(Resize { size: 256, fit: Fit::Shorter });
        let list = [resize, Augmentation::Crop(Crop { pad: 4 })];
        assert_eq!(size_after(&list, None), None);
        let wide = Some(Size { height: 375, width: 500 });
        assert_eq!(size_after(&list, wide), Some(Size { height: 256, width: 341 }));
        let tall = Some(Size { height: 500, width: 333 });
        assert_eq!(size_after(&list, tall), Some(Size { height: 384, width: 256 }));
    }
}
