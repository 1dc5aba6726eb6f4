//! Generated files for tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::error::DataError;

/// A folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file; a name that ends in `.gz` is compressed.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        match name.ends_with(".gz") {
            true => self.write_raw(name, &gzip(bytes)),
            false => self.write_raw(name, bytes),
        }
    }

    /// Writes a file as it is.
    pub fn write_raw(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, bytes).expect("a writable folder");
        path
    }

    /// What a user reads, with `DIR` for this folder.
    pub fn message<T>(&self, outcome: Result<T, DataError>) -> String {
        let error = outcome.err().expect("an error");
        let root = self.root().display().to_string();
        error.to_string().replace(&root, "DIR")
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// An IDX file: the magic number of unsigned bytes, `dimensions`, `body`.
pub fn idx(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for dimension in dimensions {
        bytes.extend(dimension.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// Bytes that repeat late enough to tell positions apart.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|position| (position % 251) as u8).collect()
}
