//! Folders of small generated images.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};

/// An image of one class: stripes whose colour and width tell it, with noise from its number.
pub fn picture(class: usize, number: usize, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let noise = (x * 31 + y * 17 + number as u32 * 13) % (40 + number as u32 / 40);
        let stripe = (x / (2 + class as u32)).is_multiple_of(2);
        let high = if stripe { 200 } else { 40 } + noise as u8;
        let low = 20 + noise as u8;
        Rgb(match class % 3 {
            0 => [high, low, low],
            1 => [low, high, low],
            _ => [low, low, high],
        })
    })
}

/// Writes an image in the format that its name says.
pub fn save(image: &RgbImage, path: &Path) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    if path.extension().is_some_and(|ending| ending == "png") {
        return lodepng::encode_file(path, image.as_raw(), width, height, lodepng::ColorType::RGB, 8)
            .unwrap();
    }
    image.save(path).unwrap();
}

/// Writes `count` images of each class below `folder`, as JPEG, PNG and WebP in turn, of the sizes that `size` gives; folders of
/// other names get other images.
pub fn classes(folder: &Path, names: &[&str], count: usize, size: impl Fn(usize) -> (u32, u32)) {
    let name = folder.file_name().unwrap_or_default().as_encoded_bytes();
    let kind = name.iter().map(|&byte| usize::from(byte)).sum::<usize>() % 8;
    for (class, name) in names.iter().enumerate() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            let ending = ["jpg", "png", "webp"][number % 3];
            let (width, height) = size(number);
            let path = folder.join(format!("{number:03}.{ending}"));
            save(&picture(class, number + 40 * kind, width, height), &path);
        }
    }
}

/// Sizes around 20 pixels.
pub fn mixed(number: usize) -> (u32, u32) {
    (18 + (number % 5) as u32 * 3, 16 + (number % 4) as u32 * 2)
}
