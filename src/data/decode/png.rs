//! PNG files: what is inflated is bounded by what the header needs, before anything is inflated.

use std::cmp::Ordering;
use std::io::{self, Read};

use flate2::Crc;
use flate2::bufread::ZlibDecoder;
use image::{DynamicImage, RgbImage};
use lodepng::{ColorType, Decoder, DecompressSettings, Image};

use super::fault::{Fault, check_pixels};
use super::kind::Kind;

const SIGN: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length, name and checksum of a chunk.
const AROUND: usize = 12;
/// What a stream of the zlib format begins with; the window is 32 KiB, the data come as they are.
const ZLIB: [u8; 2] = [0x78, 0x01];
/// The last chunk.
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Start and distance of the columns, then of the rows, of the seven passes of an interlaced image.
const PASSES: [[u32; 4]; 7] =
    [[0, 8, 0, 8], [4, 8, 0, 8], [0, 4, 4, 8], [2, 4, 0, 4], [0, 2, 2, 4], [1, 2, 0, 2], [0, 1, 1, 2]];

/// The parts of a file that an image is made of.
pub struct Png<'f> {
    pub width: u32,
    pub height: u32,
    /// The chunk with what the header says.
    header: &'f [u8],
    palette: Option<&'f [u8]>,
    data: Vec<&'f [u8]>,
    /// What a camera noted.
    pub exif: Option<&'f [u8]>,
    /// Whether the last chunk was seen; it is not where only the head of a file is looked at.
    pub ended: bool,
}

struct Chunk<'f> {
    name: [u8; 4],
    /// Length of the data, which may lie beyond the bytes at hand.
    length: u64,
    /// The whole chunk, and the data alone; `None` where it lies beyond the bytes at hand.
    whole: Option<&'f [u8]>,
}

impl<'f> Png<'f> {
    /// Walks the chunks in the first bytes of a file that is `length` bytes long. Checksums are looked at, pixels are not.
    /// What stands behind the last chunk counts for nothing.
    ///
    /// # Errors
    /// A file that is cut short, damaged, of too many pixels, or whose data are longer than these pixels can need.
    pub fn walk(bytes: &'f [u8], length: u64) -> Result<Self, Fault> {
        if !bytes.starts_with(SIGN) {
            return Err(damaged("its first bytes were changed, as by a transfer as text"));
        }
        let first = chunk(bytes, SIGN.len(), length)?;
        let mut png = Self::begin(first.whole.filter(|_| &first.name == b"IHDR" && first.length == 13))?;
        let (mut at, mut inflatable) = (SIGN.len() + AROUND + 13, 0);
        while !png.ended && at < bytes.len() {
            let chunk = chunk(bytes, at, length)?;
            if &chunk.name == b"IDAT" {
                inflatable += chunk.length;
                png.check_length(inflatable)?;
            }
            let Some(whole) = chunk.whole else { return Ok(png) };
            png.take(chunk.name, whole)?;
            at += whole.len();
        }
        match png.ended || (bytes.len() as u64) < length {
            true => Ok(png),
            false => Err(Fault::CutShort(Kind::Png)),
        }
    }

    fn begin(header: Option<&'f [u8]>) -> Result<Self, Fault> {
        let header = header.ok_or(damaged("it does not begin with its header"))?;
        let word =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (width, height) = (word(8), word(12));
        if width == 0 || height == 0 {
            return Err(damaged("its header says that it has no pixels"));
        }
        check_pixels((width, height))?;
        Ok(Self { width, height, header, palette: None, data: Vec::new(), exif: None, ended: false })
    }

    fn take(&mut self, name: [u8; 4], whole: &'f [u8]) -> Result<(), Fault> {
        let data = &whole[8..whole.len() - 4];
        match &name {
            b"IDAT" => self.data.push(data),
            b"PLTE" => self.palette = Some(whole),
            b"eXIf" => self.exif = Some(data),
            b"IEND" => self.ended = true,
            [first, ..] if first.is_ascii_uppercase() => {
                return Err(Fault::Unread(Kind::Png, "with a part that no standard knows"));
            }
            // Text, colour profiles, times: nothing of it is inflated.
            _ => {}
        }
        Ok(())
    }

    /// Bits of a pixel.
    fn depth(&self) -> u64 {
        let channels = match self.header[17] {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        channels * u64::from(self.header[16].min(16))
    }

    /// Bytes of the rows of an image, each behind the byte that says its filter.
    fn rows(&self, width: u32, height: u32) -> u64 {
        match width {
            0 => 0,
            _ => u64::from(height) * (1 + (u64::from(width) * self.depth()).div_ceil(8)),
        }
    }

    /// Bytes that the compressed data hold.
    fn inflated(&self) -> u64 {
        let left = |all: u32, start: u32, step: u32| all.saturating_sub(start).div_ceil(step);
        match self.header[20] {
            0 => self.rows(self.width, self.height),
            _ => PASSES
                .map(|[x, dx, y, dy]| self.rows(left(self.width, x, dx), left(self.height, y, dy)))
                .iter()
                .sum(),
        }
    }

    /// Refuses compressed data that are longer than what they may hold: twice that, for those who compress badly.
    fn check_length(&self, compressed: u64) -> Result<(), Fault> {
        const SLACK: u64 = 1 << 12;
        match compressed <= 2 * self.inflated() + SLACK {
            true => Ok(()),
            false => Err(self.too_much()),
        }
    }

    fn too_much(&self) -> Fault {
        Fault::TooMuchData(Kind::Png, self.width, self.height)
    }

    /// The pixels; of 16 bits the upper eight, without an alpha channel.
    ///
    /// # Errors
    /// Data that are damaged, or hold more or fewer bytes than the header needs.
    pub fn pixels(&self) -> Result<DynamicImage, Fault> {
        const PALETTE: u8 = 3;
        if self.header[17] == PALETTE && self.palette.is_none() {
            return Err(damaged("its palette is missing"));
        }
        let mut decoder = Decoder::new();
        decoder.info_raw_mut().colortype = ColorType::RGB;
        decoder.info_raw_mut().set_bitdepth(8);
        decoder.set_custom_zlib(Some(hand_on), std::ptr::null());
        let Ok(Image::RGB(bitmap)) = decoder.decode(self.with_rows()?) else {
            return Err(damaged("its header, palette or rows are not what PNG allows"));
        };
        let pixels = bitmap.buffer.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
        let image = RgbImage::from_raw(self.width, self.height, pixels);
        image.map(DynamicImage::ImageRgb8).ok_or(damaged("pixels are missing"))
    }

    /// The same file with its rows as they are instead of compressed, and nothing that is no part of the image.
    fn with_rows(&self) -> Result<Vec<u8>, Fault> {
        let needed = self.inflated();
        let length = u32::try_from(needed + ZLIB.len() as u64).map_err(|_| self.too_much())?;
        let mut file = [SIGN, self.header, self.palette.unwrap_or_default()].concat();
        file.reserve_exact(length as usize + 1 + 2 * AROUND);
        file.extend(length.to_be_bytes());
        let start = file.len();
        file.extend(*b"IDAT");
        file.extend(ZLIB);
        let read = ZlibDecoder::new(&self.data.concat()[..]).take(needed + 1).read_to_end(&mut file);
        match read.map_err(|_| damaged("what was compressed cannot be read back"))?.cmp(&(needed as usize)) {
            Ordering::Less => return Err(damaged("pixels are missing")),
            Ordering::Greater => return Err(self.too_much()),
            Ordering::Equal => {}
        }
        let sum = checksum(&file[start..]);
        file.extend(sum.to_be_bytes());
        file.extend(END);
        Ok(file)
    }
}

/// The chunk at `at`.
fn chunk(bytes: &[u8], at: usize, file: u64) -> Result<Chunk<'_>, Fault> {
    let cut = Fault::CutShort(Kind::Png);
    let Some([a, b, c, d, name @ ..]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
        // Of a file whose head alone is at hand the rest is there.
        return match (bytes.len() as u64) < file {
            true => Ok(Chunk { name: [0; 4], length: 0, whole: None }),
            false => Err(cut),
        };
    };
    let length = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
    let end = at as u64 + AROUND as u64 + length;
    if end > file {
        return Err(if name.iter().all(u8::is_ascii_alphabetic) {
            cut
        } else {
            damaged("a part has no name")
        });
    }
    let whole = bytes.get(at..end as usize);
    let parts = whole.and_then(|whole| whole[4..].split_last_chunk::<4>());
    if parts.is_some_and(|(body, sum)| checksum(body) != u32::from_be_bytes(*sum)) {
        return Err(damaged("a checksum does not fit"));
    }
    Ok(Chunk { name: *name, length, whole })
}

/// The rows behind the first bytes of the zlib format, as they are.
fn hand_on(rows: &[u8], to: &mut dyn io::Write, _: &DecompressSettings) -> Result<(), lodepng::Error> {
    Ok(to.write_all(rows.get(ZLIB.len()..).unwrap_or_default())?)
}

fn damaged(how: &'static str) -> Fault {
    Fault::Damaged(Kind::Png, how)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
