//! What an image file is: by its name, and by its first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Endings of the names of images, in small letters.
const ENDINGS: [&str; 7] = ["jpg", "jpeg", "jpe", "jif", "jfif", "png", "webp"];

/// As many bytes as tell every kind.
const HEAD: u64 = 64;

/// What the first bytes of a file say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
    WebP,
    /// Something that is not read, in words: `a GIF image`.
    Other(&'static str),
}

use Kind::{Jpeg, Other, Png, WebP};

/// Files that begin with these bytes.
const SIGNS: [(&[u8], Kind); 23] = [
    (b"\xff\xd8\xff", Jpeg),
    (b"\x89PNG", Png),
    (b"GIF8", Other("a GIF image")),
    (b"II*\0", Other("a TIFF image, or the raw data of a camera")),
    (b"MM\0*", Other("a TIFF image, or the raw data of a camera")),
    (b"II+\0", Other("a TIFF image")),
    (b"MM\0+", Other("a TIFF image")),
    (b"\xff\x0a", Other("a JPEG XL image")),
    (b"\0\0\0\x0cJXL ", Other("a JPEG XL image")),
    (b"\0\0\0\x0cjP  ", Other("a JPEG 2000 image")),
    (b"\xff\x4f\xff\x51", Other("a JPEG 2000 image")),
    (b"8BPS", Other("a Photoshop file")),
    (b"\0\0\x01\0", Other("an icon of Windows")),
    (b"qoif", Other("a QOI image")),
    (b"v/1\x01", Other("an OpenEXR image")),
    (b"%PDF", Other("a PDF document")),
    (b"PK\x03\x04", Other("a zip archive")),
    (b"\x1f\x8b", Other("a gzip file")),
    (b"<svg", Other("an SVG drawing")),
    (b"<?xml", Other("an SVG drawing or other XML")),
    (b"<!DOCTYPE", Other("a web page")),
    (b"<html", Other("a web page")),
    (
        b"version https://git-lfs",
        Other("a pointer of Git LFS, without the image (`git lfs pull` fetches it)"),
    ),
];

/// Whether a file is named as images are, in letters of either case.
pub fn is_image_name(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

impl Kind {
    /// The kind of a file that begins with these bytes; `None` where they say nothing.
    pub fn of(head: &[u8]) -> Option<Self> {
        match (head.get(..4), head.get(4..8), head.get(8..12)) {
            (Some(b"RIFF"), _, Some(b"WEBP")) => return Some(WebP),
            (_, Some(b"ftyp"), Some(brand)) => return Some(Other(boxed(brand, head))),
            // Two letters alone may be text; four bytes behind them are 0 in every BMP file.
            _ if head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) => {
                return Some(Other("a BMP image"));
            }
            _ => {}
        }
        SIGNS.iter().find(|(sign, _)| head.starts_with(sign)).map(|(_, kind)| *kind)
    }

    /// The kind of a plain file; `None` where it cannot be read, too.
    pub fn of_file(path: &Path) -> Option<Self> {
        // Asked before opening, which would wait for the other end of a pipe.
        path.metadata().ok().filter(|about| about.is_file())?;
        let mut head = Vec::new();
        File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
        Self::of(&head)
    }

    /// `PNG`.
    pub fn name(self) -> &'static str {
        match self {
            Jpeg => "JPEG",
            Png => "PNG",
            WebP => "WebP",
            Other(words) => words,
        }
    }

    /// `a PNG image`.
    pub fn in_words(self) -> &'static str {
        match self {
            Jpeg => "a JPEG image",
            Png => "a PNG image",
            WebP => "a WebP image",
            Other(words) => words,
        }
    }

    /// The ending that a file of this kind should have; `None` where it is not read.
    pub fn ending(self) -> Option<&'static str> {
        match self {
            Jpeg => Some(".jpg"),
            Png => Some(".png"),
            WebP => Some(".webp"),
            Other(_) => None,
        }
    }
}

/// What a file of ISO's media format holds: its first brand says it, or one it is compatible with.
fn boxed(brand: &[u8], head: &[u8]) -> &'static str {
    let has = |name: &[u8]| brand == name || head.get(16..).unwrap_or_default().chunks(4).any(|b| b == name);
    if has(b"avif") || has(b"avis") {
        "an AVIF image"
    } else if [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"].iter().any(|b| has(*b))
    {
        "a HEIC image"
    } else {
        "a video"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_in_letters_of_either_case() {
        for name in ["a.jpg", "a.JPEG", "a.jpe", "a.Jif", "saved.jfif", "a.b.PNG", "a.webp"] {
            assert!(is_image_name(name), "{name}");
        }
        for name in ["jpg", "a.gif", "a.jpg.txt", "a.", ""] {
            assert!(!is_image_name(name), "{name}");
        }
    }

    #[test]
    fn first_bytes_tell_what_a_file_is() {
        let cases: [(&[u8], Option<&str>); 16] = [
            (b"\xff\xd8\xff\xe0", Some("a JPEG image")),
            (b"\x89PNG\r\n\x1a\n", Some("a PNG image")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("a WebP image")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"GIF89a", Some("a GIF image")),
            (b"BM\x46\x01\0\0\0\0\0\0\x36", Some("a BMP image")),
            (b"BMI of crows", None),
            (b"II*\0\x08\0\0\0", Some("a TIFF image, or the raw data of a camera")),
            (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", Some("a HEIC image")),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", Some("an AVIF image")),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", Some("a video")),
            (b"<!DOCTYPE html>", Some("a web page")),
            (
                b"version https://git-lfs.github.com/spec/v1",
                Some("a pointer of Git LFS, without the image (`git lfs pull` fetches it)"),
            ),
            (b"crows", None),
            (&[0; 64], None),
            (b"", None),
        ];
        for (head, expected) in cases {
            assert_eq!(Kind::of(head).map(Kind::in_words), expected, "{head:?}");
        }
    }
}
