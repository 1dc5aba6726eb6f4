//! JPEG files: where the image ends, and what of the format it uses.

use super::fault::Fault;
use super::kind::Kind;

const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// A file up to the end of its image.
pub struct Jpeg<'f> {
    pub image: &'f [u8],
    /// The marker that begins the frame, and what stands in its segment.
    frame: Option<(u8, &'f [u8])>,
    /// Bytes of all scans.
    scanned: u64,
}

impl<'f> Jpeg<'f> {
    /// Walks the markers of a whole file. What stands behind the end of the image counts for nothing.
    ///
    /// # Errors
    /// A file that ends before its image does, or whose scans hold less than one bit for each block of pixels: decoders
    /// paint grey what is missing.
    pub fn walk(bytes: &'f [u8]) -> Result<Self, Fault> {
        let mut jpeg = Self { image: bytes, frame: None, scanned: 0 };
        let mut at = 2;
        loop {
            let (marker, behind) = marker(bytes, at).ok_or(CUT)?;
            at = behind;
            match marker {
                END => break,
                // Restarts and other markers without a segment.
                0x01 | 0xd0..=0xd8 => {}
                _ => {
                    let segment = segment(bytes, at)?;
                    at += 2 + segment.len();
                    if marker == SCAN {
                        let end = scan_end(bytes, at);
                        jpeg.scanned += (end - at) as u64;
                        at = end;
                    } else if is_frame(marker) {
                        jpeg.frame = Some((marker, segment));
                    }
                }
            }
        }
        jpeg.image = &bytes[..at];
        match 8 * jpeg.scanned < jpeg.blocks() {
            true => Err(CUT),
            false => Ok(jpeg),
        }
    }

    /// Blocks that are coded together: each takes a bit or more. 0 where the header does not say.
    fn blocks(&self) -> u64 {
        // Frames of arithmetic coding may take less.
        let Some((0xc0..=0xc2, [_, h1, h2, w1, w2, _, components @ ..])) = self.frame else { return 0 };
        let [height, width] = [[*h1, *h2], [*w1, *w2]].map(|side| u64::from(u16::from_be_bytes(side)));
        let factors = components.chunks_exact(3).map(|component| component[1]);
        let (across, down) = factors.fold((1, 1), |(across, down), factor| {
            (u64::from(factor >> 4).max(across), u64::from(factor & 15).max(down))
        });
        width.div_ceil(8 * across) * height.div_ceil(8 * down)
    }

    /// What a decoder could not do with it, after it refused.
    pub fn refused(&self) -> Fault {
        let unread = |what| Fault::Unread(Kind::Jpeg, what);
        match self.frame {
            None => damaged("it holds no image"),
            Some((0xc3 | 0xc7 | 0xcb | 0xcf, _)) => unread("without loss"),
            Some((0xc9.., _)) => unread("with arithmetic coding"),
            Some((0xc5.., _)) => unread("in several resolutions"),
            Some((_, [bits, ..])) if *bits != 8 => unread("with more than 8 bits per value"),
            Some(_) => damaged("what was compressed cannot be read back"),
        }
    }
}

const CUT: Fault = Fault::CutShort(Kind::Jpeg);

fn damaged(how: &'static str) -> Fault {
    Fault::Damaged(Kind::Jpeg, how)
}

/// The next marker at or behind `at`, and where it ends. Any number of ff may stand before it.
fn marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        at += bytes[at..].iter().position(|byte| *byte != 0xff)?;
        match bytes[at] {
            0 => {}
            marker => return Some((marker, at + 1)),
        }
    }
}

/// What stands in the segment at `at`, behind its length.
fn segment(bytes: &[u8], at: usize) -> Result<&[u8], Fault> {
    let length = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
    match usize::from(u16::from_be_bytes(*length)) {
        length @ 2.. => bytes.get(at + 2..at + length).ok_or(CUT),
        _ => Err(damaged("a segment is shorter than its own length")),
    }
}

/// Where the scan that begins at `at` ends: at the next marker that is no restart.
fn scan_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    loop {
        match marker(bytes, at) {
            Some((0xd0..=0xd7, behind)) => at = behind,
            Some((_, behind)) => return behind - 2,
            None => return bytes.len(),
        }
    }
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}
