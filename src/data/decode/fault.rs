//! Why a file gives no image, in the words of whoever has the file.

use std::path::Path;

use crate::data::error::DataError;
use crate::diagnostic::Code;

use super::kind::Kind;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It holds no byte.
    Empty,
    /// It is none of the three formats.
    Foreign(Option<Kind>),
    /// It ends before its format says.
    CutShort(Kind),
    /// What it holds breaks its format.
    Damaged(Kind, &'static str),
    /// A form of its format that is not decoded.
    Unread(Kind, &'static str),
    /// More pixels than are decoded: width, height.
    TooManyPixels(u32, u32),
    /// Its data are longer than those of so many pixels can be: width, height.
    TooMuchData(Kind, u32, u32),
    /// A file of so many bytes.
    TooLong(u64),
}

/// More pixels than this are refused by the header: 192 MiB of colour.
pub const MOST_PIXELS: u64 = 1 << 26;
/// Larger files are refused unread.
pub const LARGEST_FILE: u64 = 256 << 20;

impl Fault {
    /// The finding about the file at `path`.
    pub fn of(self, path: &Path) -> DataError {
        let (code, help) = match self {
            Fault::TooManyPixels(..) | Fault::TooLong(_) => {
                (Code::ImageTooLarge, "make it smaller, or leave it out with `on_error = skip`")
            }
            Fault::Foreign(Some(Kind::Other(_))) => (
                Code::UnusableData,
                "save it as JPEG, PNG or WebP, or write `on_error = skip` to leave such images out",
            ),
            Fault::Empty
            | Fault::Foreign(_)
            | Fault::CutShort(_)
            | Fault::Damaged(..)
            | Fault::Unread(..)
            | Fault::TooMuchData(..) => {
                (Code::UnusableData, "replace the file, or write `on_error = skip` to leave such images out")
            }
        };
        DataError::images(code, path, self.in_words()).with_help(help)
    }

    fn in_words(&self) -> String {
        let what = match self {
            Fault::TooLong(bytes) => {
                return format!("a file of {bytes} bytes: at most {LARGEST_FILE} are read");
            }
            Fault::TooManyPixels(width, height) => {
                return format!("an image of {height}x{width} pixels: at most {MOST_PIXELS} are decoded");
            }
            Fault::Empty => "the file is empty".into(),
            Fault::Foreign(kind) => {
                let found = kind.map_or("something else", Kind::in_words);
                format!("expected JPEG, PNG or WebP, found {found}")
            }
            Fault::CutShort(kind) => format!("the {} data are cut short", kind.name()),
            Fault::Damaged(kind, how) => format!("the {} data are damaged: {how}", kind.name()),
            Fault::Unread(kind, what) => format!("{} {what}, which is not read", kind.in_words()),
            Fault::TooMuchData(kind, width, height) => {
                format!("the {} data are longer than {height}x{width} pixels can need", kind.name())
            }
        };
        format!("no readable image: {what}")
    }
}

/// Refuses an image of more pixels than are decoded.
pub fn check_pixels((width, height): (u32, u32)) -> Result<(), Fault> {
    match u64::from(width) * u64::from(height) <= MOST_PIXELS {
        true => Ok(()),
        false => Err(Fault::TooManyPixels(width, height)),
    }
}
