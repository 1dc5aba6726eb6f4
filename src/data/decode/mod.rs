//! JPEG, PNG and WebP files to bytes of one form.

mod fault;
mod jpeg;
mod kind;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation as Turn;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult};

use super::color::grey_level;
use super::corpus::Shape;
use super::error::DataError;
use super::image::Raw;
use crate::lang::catalog::{Color, Orientation};
use crate::lang::world::Size;

use fault::{Fault, LARGEST_FILE, check_pixels};
use jpeg::Jpeg;
use png::Png;

pub use kind::{Kind, is_image_name};

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
/// A file that cannot be read, is no image of the three formats, is cut short or damaged, or is too large.
pub fn decode(path: &Path, form: Form) -> Result<Raw<'static>, DataError> {
    let bytes = whole(path)?;
    let image = upright(&bytes, form.orientation).map_err(|fault| fault.of(path))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let bytes = match form.color {
        Color::Rgb => image.into_rgb8().into_raw(),
        Color::Grey => grey(image),
    };
    Ok(Raw { bytes: bytes.into(), shape: Shape { height, width, channels: form.channels() }, scale: u8::MAX })
}

/// The pixels of a whole file, turned as the form says.
fn upright(bytes: &[u8], orientation: Orientation) -> Result<DynamicImage, Fault> {
    let (mut image, exif) = match Kind::of(bytes) {
        Some(Kind::Png) => {
            let png = Png::walk(bytes, bytes.len() as u64)?;
            (png.pixels()?, png.exif.map(<[u8]>::to_vec))
        }
        Some(Kind::Jpeg) => {
            let jpeg = Jpeg::walk(bytes)?;
            photograph(ImageFormat::Jpeg, jpeg.image, |_| jpeg.refused())?
        }
        Some(Kind::WebP) => {
            let file = webp::walk(bytes, bytes.len() as u64)?;
            photograph(ImageFormat::WebP, file, refused_webp)?
        }
        other @ (Some(Kind::Other(_)) | None) => return Err(foreign(bytes, other)),
    };
    image.apply_orientation(turn(exif.as_deref(), orientation));
    Ok(image)
}

/// The pixels of a JPEG or WebP image, and what a camera noted.
fn photograph(
    format: ImageFormat,
    bytes: &[u8],
    refused: impl Fn(ImageError) -> Fault,
) -> Result<(DynamicImage, Option<Vec<u8>>), Fault> {
    let mut decoder = decoder(format, bytes).map_err(&refused)?;
    check_pixels(decoder.dimensions())?;
    let exif = decoder.exif_metadata().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok((image, exif))
}

/// One channel.
fn grey(image: DynamicImage) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        image => image.into_rgb8().pixels().map(|pixel| grey_level(pixel.0)).collect(),
    }
}

/// Height and width by the header alone. Of a file that fits into the first bytes which are read, all is there.
///
/// # Errors
/// As [`decode`], as far as the header tells.
pub fn size(path: &Path, form: Form) -> Result<Size, DataError> {
    let length = length(path)?;
    let head = read(path, length.min(HEAD))?;
    match measured(&head, length, form) {
        Err(_) if (head.len() as u64) < length => measured(&whole(path)?, length, form),
        known => known,
    }
    .map_err(|fault| fault.of(path))
}

/// The size by the first bytes of a file that is `length` bytes long.
fn measured(bytes: &[u8], length: u64, form: Form) -> Result<Size, Fault> {
    let is_whole = bytes.len() as u64 == length;
    let (width, height, exif) = match Kind::of(bytes) {
        Some(Kind::Png) => {
            let png = Png::walk(bytes, length)?;
            // What a camera noted may stand behind the pixels.
            if !png.ended && png.exif.is_none() && form.orientation == Orientation::Exif {
                return Err(Fault::CutShort(Kind::Png));
            }
            (png.width, png.height, png.exif.map(<[u8]>::to_vec))
        }
        Some(Kind::Jpeg) if is_whole => {
            let jpeg = Jpeg::walk(bytes)?;
            header(ImageFormat::Jpeg, jpeg.image, |_| jpeg.refused())?
        }
        Some(Kind::Jpeg) => header(ImageFormat::Jpeg, bytes, |_| Fault::CutShort(Kind::Jpeg))?,
        Some(Kind::WebP) => header(ImageFormat::WebP, webp::walk(bytes, length)?, refused_webp)?,
        other @ (Some(Kind::Other(_)) | None) => return Err(foreign(bytes, other)),
    };
    check_pixels((width, height))?;
    let (width, height) = (width as usize, height as usize);
    Ok(match turn(exif.as_deref(), form.orientation) {
        Turn::Rotate90 | Turn::Rotate270 | Turn::Rotate90FlipH | Turn::Rotate270FlipH => {
            Size { height: width, width: height }
        }
        Turn::NoTransforms | Turn::Rotate180 | Turn::FlipHorizontal | Turn::FlipVertical => {
            Size { height, width }
        }
    })
}

/// Width, height and what a camera noted.
fn header(
    format: ImageFormat,
    bytes: &[u8],
    refused: impl Fn(ImageError) -> Fault,
) -> Result<(u32, u32, Option<Vec<u8>>), Fault> {
    let mut decoder = decoder(format, bytes).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    Ok((width, height, decoder.exif_metadata().ok().flatten()))
}

fn decoder(format: ImageFormat, bytes: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder()?;
    Ok(Box::new(decoder))
}

fn refused_webp(error: ImageError) -> Fault {
    match error {
        ImageError::IoError(_) => Fault::CutShort(Kind::WebP),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_)
        | ImageError::Unsupported(_) => Fault::Damaged(Kind::WebP, "what was compressed cannot be read back"),
    }
}

fn foreign(bytes: &[u8], kind: Option<Kind>) -> Fault {
    match bytes {
        [] => Fault::Empty,
        _ => Fault::Foreign(kind),
    }
}

/// How a camera's note turns an image; some programs write a name before the note.
fn turn(exif: Option<&[u8]>, orientation: Orientation) -> Turn {
    let noted = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    match orientation {
        Orientation::Stored => Turn::NoTransforms,
        Orientation::Exif => noted.and_then(Turn::from_exif_chunk).unwrap_or(Turn::NoTransforms),
    }
}

fn whole(path: &Path) -> Result<Vec<u8>, DataError> {
    match length(path)? {
        length if length > LARGEST_FILE => Err(Fault::TooLong(length).of(path)),
        length => read(path, length),
    }
}

fn length(path: &Path) -> Result<u64, DataError> {
    let about = fs::metadata(path).map_err(|source| DataError::unreadable(path, source))?;
    match about.is_file() {
        true => Ok(about.len()),
        false => Err(DataError::missing(path, "a file", "a folder or device")),
    }
}

/// The first bytes of a plain file.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    let unreadable = |source| DataError::unreadable(path, source);
    let mut bytes = Vec::with_capacity(most as usize);
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
