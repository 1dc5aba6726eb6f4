//! JPEG, PNG and WebP files to bytes of one form.

mod kind;

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation as Turn;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};

use super::corpus::Shape;
use super::error::DataError;
use super::image::Raw;
use crate::diagnostic::Code;
use crate::lang::catalog::{Color, Orientation};
use crate::lang::world::Size;

pub use kind::{Kind, is_image_name};

/// More pixels than this are refused by the header: 192 MiB of colour.
pub const MOST_PIXELS: u64 = 1 << 26;
/// Larger files are refused unread.
pub const LARGEST_FILE: u64 = 256 << 20;
/// Where most headers end.
const HEAD: u64 = 256 << 10;

/// The form images are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub color: Color,
    pub orientation: Orientation,
}

impl Form {
    pub fn channels(self) -> usize {
        match self.color {
            Color::Rgb => 3,
            Color::Grey => 1,
        }
    }
}

/// The image in a file: the upper 8 of 16 bits, without its alpha channel, CMYK as RGB.
///
/// # Errors
/// A file that cannot be read, is no image of the three formats, is cut short, or is too large.
pub fn decode(path: &Path, form: Form) -> Result<Raw<'static>, DataError> {
    let bytes = whole(path)?;
    let image = match format(path, &bytes)? {
        ImageFormat::Png => png(path, &bytes)?,
        ImageFormat::Jpeg if !has_end(&bytes) => {
            return Err(corrupt(path, "the JPEG data are cut short"));
        }
        _ => photograph(path, &bytes, form.orientation)?,
    };
    let (width, height) = (image.width() as usize, image.height() as usize);
    let bytes = match form.color {
        Color::Rgb => image.into_rgb8().into_raw(),
        Color::Grey => image.into_luma8().into_raw(),
    };
    Ok(Raw { bytes: bytes.into(), shape: Shape { height, width, channels: form.channels() }, scale: u8::MAX })
}

/// A JPEG or WebP image, turned as its form says.
fn photograph(path: &Path, bytes: &[u8], orientation: Orientation) -> Result<DynamicImage, DataError> {
    let mut decoder = decoder(path, bytes)?;
    check_pixels(path, decoder.dimensions())?;
    let turn = turn(decoder.as_mut(), orientation);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| undecodable(path, &error))?;
    image.apply_orientation(turn);
    Ok(image)
}

/// A PNG image; of 16 bits the upper eight.
fn png(path: &Path, bytes: &[u8]) -> Result<DynamicImage, DataError> {
    check_pixels(path, png_size(path, bytes)?)?;
    let bitmap = lodepng::decode24(bytes).map_err(|error| corrupt(path, &error.to_string()))?;
    let pixels = bitmap.buffer.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    let image = RgbImage::from_raw(bitmap.width as u32, bitmap.height as u32, pixels);
    image.map(DynamicImage::ImageRgb8).ok_or_else(|| corrupt(path, "pixels are missing"))
}

/// Width and height of a PNG image: the first two words of its first chunk.
fn png_size(path: &Path, bytes: &[u8]) -> Result<(u32, u32), DataError> {
    let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word));
    let header = bytes.get(12..16) == Some(b"IHDR");
    let size = word(16).zip(word(20)).filter(|(width, height)| header && *width > 0 && *height > 0);
    size.ok_or_else(|| corrupt(path, "the PNG header is not whole"))
}

/// Height and width by the header alone.
///
/// # Errors
/// As [`decode`], as far as the header tells.
pub fn size(path: &Path, form: Form) -> Result<Size, DataError> {
    let head = read(path, HEAD)?;
    if format(path, &head)? == ImageFormat::Png {
        let (width, height) = png_size(path, &head)?;
        check_pixels(path, (width, height))?;
        return Ok(Size { height: height as usize, width: width as usize });
    }
    let known = decoder(path, &head).and_then(|decoder| measured(path, decoder, form));
    if known.is_ok() || (head.len() as u64) < HEAD {
        return known;
    }
    let bytes = whole(path)?;
    decoder(path, &bytes).and_then(|decoder| measured(path, decoder, form))
}

fn measured(path: &Path, mut decoder: Box<dyn ImageDecoder + '_>, form: Form) -> Result<Size, DataError> {
    let (width, height) = decoder.dimensions();
    check_pixels(path, (width, height))?;
    let (width, height) = (width as usize, height as usize);
    Ok(match turn(decoder.as_mut(), form.orientation) {
        Turn::Rotate90 | Turn::Rotate270 | Turn::Rotate90FlipH | Turn::Rotate270FlipH => {
            Size { height: width, width: height }
        }
        _ => Size { height, width },
    })
}

fn turn(decoder: &mut dyn ImageDecoder, orientation: Orientation) -> Turn {
    match orientation {
        Orientation::Stored => Turn::NoTransforms,
        Orientation::Exif => decoder.orientation().unwrap_or(Turn::NoTransforms),
    }
}

fn whole(path: &Path) -> Result<Vec<u8>, DataError> {
    let unreadable = |source| DataError::unreadable(path, source);
    let about = fs::metadata(path).map_err(unreadable)?;
    if about.len() > LARGEST_FILE {
        let message = format!("a file of {} bytes: at most {LARGEST_FILE} are read", about.len());
        return Err(DataError::images(Code::ImageTooLarge, path, message));
    }
    read(path, LARGEST_FILE)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    let unreadable = |source| DataError::unreadable(path, source);
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(DataError::missing(path, "a file", "a folder or device"));
    }
    let mut bytes = Vec::with_capacity(about.len().min(most) as usize);
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn format(path: &Path, bytes: &[u8]) -> Result<ImageFormat, DataError> {
    match Kind::of(bytes) {
        Some(Kind::Jpeg) => Ok(ImageFormat::Jpeg),
        Some(Kind::Png) => Ok(ImageFormat::Png),
        Some(Kind::WebP) => Ok(ImageFormat::WebP),
        Some(Kind::Other(other)) => Err(corrupt(path, &format!("expected JPEG, PNG or WebP, found {other}"))),
        None if bytes.is_empty() => Err(corrupt(path, "the file is empty")),
        None => Err(corrupt(path, "expected JPEG, PNG or WebP, found something else")),
    }
}

fn decoder<'b>(path: &Path, bytes: &'b [u8]) -> Result<Box<dyn ImageDecoder + 'b>, DataError> {
    let reader = ImageReader::with_format(Cursor::new(bytes), format(path, bytes)?);
    match reader.into_decoder() {
        Ok(decoder) => Ok(Box::new(decoder)),
        Err(error) => Err(undecodable(path, &error)),
    }
}

fn check_pixels(path: &Path, (width, height): (u32, u32)) -> Result<(), DataError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= MOST_PIXELS {
        return Ok(());
    }
    let message = format!("an image of {height}x{width} pixels: at most {MOST_PIXELS} are decoded");
    Err(DataError::images(Code::ImageTooLarge, path, message)
        .with_help("make it smaller, or leave it out with `on_error = skip`"))
}

fn undecodable(path: &Path, error: &ImageError) -> DataError {
    match error {
        ImageError::Limits(_) => {
            let message = format!("more memory than images are given ({error})");
            DataError::images(Code::ImageTooLarge, path, message)
                .with_help("make it smaller, or leave it out with `on_error = skip`")
        }
        _ => corrupt(path, &error.to_string()),
    }
}

fn corrupt(path: &Path, message: &str) -> DataError {
    DataError::images(Code::UnusableData, path, format!("no readable image: {message}"))
        .with_help("replace the file, or write `on_error = skip` to leave such images out")
}

/// Whether the marker that ends an image stands after the one that begins its last scan: what is decoded of a file that
/// was cut short is grey below the cut.
fn has_end(jpeg: &[u8]) -> bool {
    const SCAN: [u8; 2] = [0xff, 0xda];
    const END: [u8; 2] = [0xff, 0xd9];
    let last = |marker: [u8; 2]| jpeg.windows(2).rposition(|pair| pair == marker);
    last(END) > last(SCAN)
}

#[cfg(test)]
#[path = "../../../tests/generated/huge_png.rs"]
mod huge_png;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lodepng::ColorType;

    use super::super::fixture::Folder;
    use super::*;

    const RGB: Form = Form { color: Color::Rgb, orientation: Orientation::Stored };
    const GREY: Form = Form { color: Color::Grey, orientation: Orientation::Stored };

    fn saved(folder: &Folder, name: &str, image: &RgbImage) -> PathBuf {
        let path = folder.root().join(name);
        image.save(&path).expect("a writable folder");
        path
    }

    fn png_file(
        folder: &Folder,
        name: &str,
        bytes: &[u8],
        size: (usize, usize),
        color: ColorType,
        bits: u32,
    ) -> PathBuf {
        let file = lodepng::encode_memory(bytes, size.0, size.1, color, bits).expect("an image");
        folder.write_raw(name, &file)
    }

    #[test]
    fn every_depth_and_alpha_becomes_eight_bits_of_colour() {
        let folder = Folder::new();
        let deep = png_file(&folder, "deep.png", &[0, 0, 128, 128, 255, 255], (1, 1), ColorType::RGB, 16);
        let clear = png_file(&folder, "clear.png", &[10, 20, 30, 0], (1, 1), ColorType::RGBA, 8);
        let grey = png_file(&folder, "grey.png", &[77, 77], (1, 2), ColorType::GREY, 8);
        assert_eq!(decode(&deep, RGB).unwrap().bytes[..], [0, 128, 255]);
        assert_eq!(decode(&clear, RGB).unwrap().bytes[..], [10, 20, 30]);
        let decoded = decode(&grey, RGB).unwrap();
        assert_eq!((&decoded.bytes[..], decoded.shape.height), (&[77; 6][..], 2));
        assert_eq!(decode(&grey, GREY).unwrap().bytes[..], [77, 77]);
    }

    #[test]
    fn the_three_formats_are_told_by_their_content() {
        let folder = Folder::new();
        let image = RgbImage::from_fn(16, 8, |x, y| image::Rgb([(x * 15) as u8, (y * 30) as u8, 128]));
        let paths = [
            png_file(&folder, "a.png", image.as_raw(), (16, 8), ColorType::RGB, 8),
            saved(&folder, "a.webp", &image),
            saved(&folder, "a.jpg", &image),
        ];
        for (path, tolerance) in paths.into_iter().zip([0, 0, 24]) {
            let renamed = folder.root().join("other.JPEG");
            fs::rename(&path, &renamed).unwrap();
            let decoded = decode(&renamed, RGB).unwrap();
            let far = decoded.bytes.iter().zip(image.as_raw()).map(|(one, other)| one.abs_diff(*other)).max();
            assert!(far <= Some(tolerance), "{}: {far:?}", path.display());
            assert_eq!(size(&renamed, RGB).unwrap(), Size { height: 8, width: 16 });
        }
    }

    #[test]
    fn what_is_no_whole_image_names_its_path() {
        let folder = Folder::new();
        let noise =
            RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * y) as u8, (x ^ y) as u8, (x + y) as u8]));
        let jpeg = fs::read(saved(&folder, "a.jpg", &noise)).unwrap();
        let half = folder.write_raw("half.jpg", &jpeg[..jpeg.len() / 2]);
        let messages = [half, folder.write_raw("empty.png", b""), folder.write_raw("text.jpg", b"no image")]
            .map(|path| folder.message(decode(&path, RGB)));
        assert_eq!(
            messages,
            [
                "`DIR/half.jpg`: no readable image: the JPEG data are cut short",
                "`DIR/empty.png`: no readable image: the file is empty",
                "`DIR/text.jpg`: no readable image: expected JPEG, PNG or WebP, found something else",
            ]
        );
    }

    #[test]
    fn a_huge_image_is_refused_by_its_header() {
        let folder = Folder::new();
        let path = png_file(&folder, "huge.png", &[0], (1, 1), ColorType::GREY, 8);
        huge_png::enlarge(&path);
        let expected = "`DIR/huge.png`: an image of 30000x30000 pixels: at most 67108864 are decoded";
        assert_eq!(folder.message(decode(&path, RGB)), expected);
        assert_eq!(folder.message(size(&path, RGB)), expected);
    }
}
