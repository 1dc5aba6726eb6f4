//! Bounded reading of one plain or gzip file: never more than was announced, plus one byte to notice excess.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, Flaw, Place, Problem};

/// The most bytes of pixels or records that one file may hold.
pub const LARGEST: u64 = u32::MAX as u64;

/// Memory reserved before the first byte of a body arrived; more is taken as bytes come in.
const RESERVED: u64 = 64 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file that is being read from its start. A name that ends in `.gz` means gzip.
pub struct Input {
    path: PathBuf,
    reader: Box<dyn Read>,
    offset: u64,
    /// Size of a plain file; unknown for gzip data until it was read.
    size: Option<u64>,
}

impl Input {
    /// # Errors
    /// A path that is no readable file; a `.gz` name on something else.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::unreadable(path, source);
        // Asked before opening, which would wait for the other end of a pipe.
        let about = fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() {
            return Err(DataError::missing(path, "a file", kind(&about)));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let zipped = path.extension().is_some_and(|extension| extension == "gz");
        if zipped {
            check_gzip(path, &mut file)?;
        }
        // A file of the system (`/proc/..`) may give more than its size, without an end.
        let file = BufReader::with_capacity(1 << 16, file.take(about.len()));
        Ok(Self {
            path: path.to_path_buf(),
            reader: match zipped {
                true => Box::new(MultiGzDecoder::new(file)),
                false => Box::new(file),
            },
            offset: 0,
            size: (!zipped).then_some(about.len()),
        })
    }

    /// Gzip data that is part of the program; `name` stands for its path in errors.
    pub fn embedded(name: &str, data: &'static [u8]) -> Self {
        Self { path: PathBuf::from(name), reader: Box::new(MultiGzDecoder::new(data)), offset: 0, size: None }
    }

    /// Size of a plain file in bytes.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes were read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `N` bytes of a header that is `length` bytes long altogether.
    pub fn header<const N: usize>(&mut self, length: u64) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while filled < N {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => return Err(self.truncated(length, filled as u64)),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error, length, filled as u64)),
            }
        }
        self.offset += N as u64;
        Ok(bytes)
    }

    /// The next `count` bytes; as few are reserved as arrive.
    pub fn next(&mut self, count: u64) -> Result<Vec<u8>, DataError> {
        let length = self.offset + count;
        let mut bytes = Vec::new();
        let outcome = (&mut self.reader).take(count).read_to_end(&mut bytes);
        let read = bytes.len() as u64;
        match outcome {
            Err(error) => Err(self.failed(error, length, read)),
            Ok(_) if read < count => Err(self.truncated(length, read)),
            Ok(_) => {
                self.offset = length;
                Ok(bytes)
            }
        }
    }

    /// Compares the size of a plain file with `length`, the size that its header announces.
    pub fn check_size(&self, length: u64) -> Result<(), DataError> {
        match self.size {
            Some(size) if size < length => Err(self.truncated(length, size - self.offset)),
            Some(size) if size > length => Err(self.oversized(length)),
            _ => Ok(()),
        }
    }

    /// The remaining `body` bytes, which must end the file.
    pub fn rest(&mut self, body: u64) -> Result<Vec<u8>, DataError> {
        let length = self.offset + body;
        self.check_size(length)?;
        let mut bytes = Vec::with_capacity((body + 1).min(RESERVED) as usize);
        let outcome = (&mut self.reader).take(body + 1).read_to_end(&mut bytes);
        let read = bytes.len() as u64;
        match outcome {
            Err(error) => Err(self.failed(error, length, read)),
            Ok(_) if read < body => Err(self.truncated(length, read)),
            Ok(_) if read > body => Err(self.oversized(length)),
            Ok(_) => Ok(bytes),
        }
    }

    /// An error about the byte at `offset`.
    pub fn malformed(
        &self,
        flaw: Flaw,
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DataError {
        let place = match self.size {
            Some(_) => Place::File(offset),
            None => Place::Decompressed(offset),
        };
        malformed(&self.path, flaw, place, expected, found)
    }

    fn truncated(&self, length: u64, read: u64) -> DataError {
        let end = self.offset + read;
        let (expected, found) = (format!("{length} bytes"), end.to_string());
        self.malformed(Flaw::Truncated, end, expected, found)
    }

    fn oversized(&self, length: u64) -> DataError {
        let expected = format!("the file to end after {length} bytes");
        self.malformed(Flaw::TrailingBytes, length, expected, "more")
    }

    fn failed(&self, error: io::Error, length: u64, read: u64) -> DataError {
        let end = self.offset + read;
        match error.kind() {
            ErrorKind::UnexpectedEof if end < length => self.truncated(length, read),
            ErrorKind::UnexpectedEof => {
                self.malformed(Flaw::Truncated, end, "the end of the gzip data", "the end of the file")
            }
            // Checksums and codes that fit nothing; what the library calls them says no more.
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                self.malformed(Flaw::CorruptGzip, end, "an intact stream", "damaged bytes")
            }
            _ => DataError::unreadable(&self.path, error),
        }
    }
}

/// What stands at a path.
pub fn kind(about: &Metadata) -> &'static str {
    match (about.is_dir(), about.is_file()) {
        (true, _) => "a folder",
        (_, true) => "a file",
        _ => "a pipe, a socket or a device",
    }
}

fn check_gzip(path: &Path, file: &mut File) -> Result<(), DataError> {
    let mut magic = Vec::new();
    let start = file.by_ref().take(2).read_to_end(&mut magic);
    let rewound = start.and_then(|_| file.rewind());
    rewound.map_err(|source| DataError::unreadable(path, source))?;
    if magic == GZIP_MAGIC {
        return Ok(());
    }
    let expected = format!("{}, as the name ends in `.gz`", hex(&GZIP_MAGIC));
    Err(malformed(path, Flaw::NotGzip, Place::File(0), expected, hex(&magic)))
}

fn malformed(
    path: &Path,
    flaw: Flaw,
    place: Place,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> DataError {
    let problem = Problem::Malformed { flaw, place, expected: expected.into(), found: found.into() };
    DataError::file(path, problem)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".into(),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
