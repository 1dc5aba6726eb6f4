//! NumPy's `.npy` format: a magic string, a version, a header that is a Python dictionary, then the numbers.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::data::error::{DataError, Flaw};
use crate::data::input::{Input, hex};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// More than any header of numbers has.
const LONGEST_HEADER: u64 = 1 << 16;

/// A file of whole numbers in C order; the numbers stay in the file until they are asked for.
#[derive(Debug)]
pub struct Npy {
    path: PathBuf,
    file: File,
    /// Where the numbers begin.
    start: u64,
    /// Bytes per number.
    width: u64,
    pub shape: Vec<usize>,
}

/// A header and what is wrong with it.
struct Header {
    text: String,
    start: u64,
}

impl Npy {
    /// Opens a file whose numbers are of one of the `types`, as `|u1` or `<i8`.
    ///
    /// # Errors
    /// Whatever the file does not have in common with that.
    pub fn open(path: &Path, types: &[&str]) -> Result<Self, DataError> {
        let mut input = Input::open(path)?;
        let header = Header::read(&mut input)?;
        let malformed = |flaw, expected: &str, found: String| input.malformed(flaw, 10, expected, found);
        let entry = |key: &str, expected: &str| {
            let found = || malformed(Flaw::MalformedHeader, expected, format!("`{}`", header.text.trim()));
            header.entry(key).ok_or_else(found)
        };
        let descr = entry("descr", "a type of numbers under `'descr'`")?;
        let descr = descr.split(['\'', '"']).nth(1).unwrap_or(descr);
        if !types.contains(&descr) {
            let expected = format!("numbers of type {}", types.map_quoted());
            return Err(malformed(Flaw::WrongType, &expected, format!("`{descr}`")));
        }
        if !entry("fortran_order", "`True` or `False` under `'fortran_order'`")?.starts_with("False") {
            return Err(malformed(
                Flaw::WrongOrder,
                "rows first, `'fortran_order': False`",
                "columns first".into(),
            ));
        }
        let expected = "a tuple of sizes under `'shape'`";
        let written = entry("shape", expected)?;
        let shape = sizes(written)
            .ok_or_else(|| malformed(Flaw::MalformedHeader, expected, format!("`{}`", written.trim())))?;
        let width = descr[2..].parse().unwrap_or(1);
        let values = shape.iter().try_fold(width, |product: u64, &size| product.checked_mul(size as u64));
        let too_large =
            || malformed(Flaw::TooLarge, "an array of less than 2^64 bytes", format!("{shape:?}"));
        let length = values.and_then(|values| values.checked_add(header.start)).ok_or_else(too_large)?;
        input.check_size(length)?;
        let file = File::open(path).map_err(|source| DataError::unreadable(path, source))?;
        Ok(Self { path: path.to_owned(), file, start: header.start, width, shape })
    }

    /// The bytes of row `index` of the first dimension.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter.
    pub fn row(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let values: usize = self.shape[1..].iter().product();
        let mut bytes = vec![0; values * self.width as usize];
        let mut read = || {
            let offset = self.start + (index * bytes.len()) as u64;
            (&self.file).seek(SeekFrom::Start(offset))?;
            (&self.file).read_exact(&mut bytes)
        };
        read().map_err(|source| DataError::unreadable(&self.path, source))?;
        Ok(bytes)
    }

    /// All numbers of an array of one dimension, of whichever width.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn numbers(&self) -> Result<Vec<i64>, DataError> {
        let flat = Self {
            path: self.path.clone(),
            file: self.file.try_clone().map_err(|source| DataError::unreadable(&self.path, source))?,
            shape: vec![1, self.shape.iter().product()],
            ..*self
        };
        let bytes = flat.row(0)?;
        let number = |bytes: &[u8]| {
            let mut wide = [0; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            i64::from_le_bytes(wide)
        };
        Ok(bytes.chunks_exact(self.width as usize).map(number).collect())
    }

    /// An error about the file as a whole.
    pub fn malformed(&self, flaw: Flaw, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        self.malformed_at(0, flaw, expected, found)
    }

    /// An error about number `index`.
    pub fn malformed_at(
        &self,
        index: usize,
        flaw: Flaw,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DataError {
        DataError::malformed(&self.path, flaw, self.start + index as u64 * self.width, expected, found)
    }
}

impl Header {
    fn read(input: &mut Input) -> Result<Self, DataError> {
        let magic: [u8; 6] = input.header(10)?;
        if magic != MAGIC {
            let expected = format!("{}, the start of a `.npy` file", hex(&MAGIC));
            return Err(input.malformed(Flaw::WrongMagic, 0, expected, hex(&magic)));
        }
        let [major, minor] = input.header(10)?;
        let length = match major {
            1 => u64::from(u16::from_le_bytes(input.header(10)?)),
            2 | 3 => u64::from(u32::from_le_bytes(input.header(12)?)),
            _ => {
                let found = format!("{major}.{minor}");
                return Err(input.malformed(Flaw::MalformedHeader, 6, "version 1, 2 or 3", found));
            }
        };
        if length > LONGEST_HEADER {
            let expected = format!("a header of at most {LONGEST_HEADER} bytes");
            return Err(input.malformed(Flaw::TooLarge, 8, expected, length.to_string()));
        }
        let text = String::from_utf8_lossy(&input.next(length)?).into_owned();
        Ok(Self { text, start: input.offset() })
    }

    /// What stands after a key of the dictionary.
    fn entry(&self, key: &str) -> Option<&str> {
        let after = ['\'', '"'].into_iter().find_map(|quote| {
            let key = format!("{quote}{key}{quote}");
            self.text.find(&key).map(|at| &self.text[at + key.len()..])
        })?;
        after.trim_start().strip_prefix(':').map(str::trim_start)
    }
}

/// `(50000, 32, 32, 3)`
fn sizes(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.split_once(')')?.0;
    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

trait Quoted {
    fn map_quoted(&self) -> String;
}

impl Quoted for [&str] {
    fn map_quoted(&self) -> String {
        self.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
    }
}
