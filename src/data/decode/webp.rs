//! WebP files: whether all of their parts are there and belong to one image.

use super::fault::{Fault, check_pixels};
use super::kind::Kind;

/// Bytes before the data of a part: its name and its length.
const HEADER: usize = 8;
/// Where the parts begin.
const PARTS: usize = 12;

/// The file up to its end, which stands in its first bytes; of a file whose head alone is at hand, the head. What stands
/// behind the end counts for nothing.
///
/// # Errors
/// A file that is cut short, whose parts are longer than it or of different sizes, of too many pixels, or with data longer
/// than these pixels can need: decoders reserve memory for what each part says of itself.
pub fn walk(bytes: &[u8], length: u64) -> Result<&[u8], Fault> {
    let end = HEADER as u64 + u64::from(word(bytes, 4).ok_or(CUT)?);
    if end > length {
        return Err(CUT);
    }
    let file = &bytes[..bytes.len().min(end as usize)];
    let mut canvas = None;
    parts(file, PARTS, end, &mut canvas)?;
    Ok(file)
}

type Size = (u32, u32);

/// Looks at the parts from `at` to `end`, of an image whose size is known after its first part.
fn parts(file: &[u8], at: usize, end: u64, size: &mut Option<Size>) -> Result<(), Fault> {
    let mut at = at;
    while let (Some(name), Some(length)) = (file.get(at..at + 4), word(file, at + 4)) {
        let (data, next) = (at + HEADER, at as u64 + HEADER as u64 + u64::from(length));
        if next > end {
            return Err(damaged("a part is longer than the file"));
        }
        part(file, name, data..next as usize, size)?;
        // Parts of an odd length are followed by one byte more.
        at = (next + u64::from(length % 2)) as usize;
    }
    Ok(())
}

fn part(
    file: &[u8],
    name: &[u8],
    place: std::ops::Range<usize>,
    size: &mut Option<Size>,
) -> Result<(), Fault> {
    let data = file.get(place.start..place.end.min(file.len())).unwrap_or_default();
    let long = |at: usize| Some(word(data, at)? & 0xff_ffff);
    let own = match name {
        b"VP8 " => word(data, 6).map(|sides| (sides & 0x3fff, sides >> 16 & 0x3fff)),
        b"VP8L" => word(data, 1).map(|sides| ((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1)),
        b"VP8X" => long(4).zip(word(data, 6)).map(|(width, height)| (width + 1, (height >> 8) + 1)),
        b"ANMF" => {
            let mut frame = long(6).zip(word(data, 8)).map(|(width, height)| (width + 1, (height >> 8) + 1));
            return parts(file, place.start + 16, place.end as u64, &mut frame);
        }
        _ => None,
    };
    if let Some(own) = own {
        check_pixels(own)?;
        if *size.get_or_insert(own) != own {
            return Err(damaged("its parts are of different sizes"));
        }
    }
    match (name, *size) {
        (b"VP8 " | b"VP8L" | b"ALPH", Some(size)) => check_length((place.end - place.start) as u64, size),
        _ => Ok(()),
    }
}

/// Refuses data that are longer than four bytes for each pixel and the tables of a coder.
fn check_length(length: u64, (width, height): Size) -> Result<(), Fault> {
    const TABLES: u64 = 1 << 14;
    match length <= 4 * u64::from(width) * u64::from(height) + TABLES {
        true => Ok(()),
        false => Err(Fault::TooMuchData(Kind::WebP, width, height)),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

const CUT: Fault = Fault::CutShort(Kind::WebP);

fn damaged(how: &'static str) -> Fault {
    Fault::Damaged(Kind::WebP, how)
}
