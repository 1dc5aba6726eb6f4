//! Which tensors a file of weights holds, and where their values lie: nothing is read that nobody asks for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;

use super::stored::Stored;
use super::{WeightsError, header, torch};
use crate::files::open_plain;

/// An open file of weights.
pub struct WeightsFile {
    file: File,
    tables: Vec<Table>,
}

/// Tensors by the names that the file gives them.
pub type Tensors = BTreeMap<String, Stored>;

/// Tensors that stand together. A file of safetensors is one table; a checkpoint has one for every dictionary.
pub struct Table {
    /// Where it stands in a checkpoint, `state_dict`; `None` for the file itself.
    pub key: Option<String>,
    pub tensors: Tensors,
}

impl WeightsFile {
    /// Opens a safetensors file or what `torch.save` writes, by its first bytes.
    ///
    /// # Errors
    /// A file that is not there, is no plain file, or is not what its first bytes promise; one whose pickle holds more
    /// than tensors.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let unread = |source| WeightsError::Read { path: path.to_owned(), source };
        let malformed = |kind, message| WeightsError::Format { path: path.to_owned(), kind, message };
        let mut file = open_plain(path).map_err(|error| match error.kind() {
            ErrorKind::IsADirectory | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                malformed("file of weights", format!("it {error}"))
            }
            _ => unread(error),
        })?;
        let length = file.metadata().map_err(unread)?.len();
        let mut first = Vec::new();
        file.by_ref().take(16).read_to_end(&mut first).map_err(unread)?;
        let alone = |tensors| vec![Table { key: None, tensors }];
        let (kind, tables) = match &first[..] {
            [b'P', b'K', 3, 4, ..] => ("PyTorch file", torch::zipped(&mut file, length)),
            // The length of a header may begin as a pickle does, but is below 2^32.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => {
                ("safetensors file", header::read(&mut file, length).map(alone))
            }
            [0x80, 2..=5, ..] => ("PyTorch file", torch::legacy(&mut file, length)),
            [_, _, _, _, _, _, _, _, b'{', ..] => {
                ("safetensors file", header::read(&mut file, length).map(alone))
            }
            _ => ("file of weights", Err("it is neither of safetensors nor of PyTorch".to_owned())),
        };
        let tables = tables.map_err(|message| malformed(kind, message))?;
        for (name, stored) in tables.iter().flat_map(|table| &table.tensors) {
            stored.check(length).map_err(|problem| malformed(kind, format!("`{name}` {problem}")))?;
        }
        Ok(Self { file, tables })
    }

    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The values of a floating-point tensor of this file, row by row.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter.
    pub fn read(&mut self, stored: &Stored) -> std::io::Result<Vec<f32>> {
        let mut bytes = vec![0; stored.span().unwrap_or(0) * stored.size()];
        self.seek(stored)?;
        self.file.read_exact(&mut bytes)?;
        Ok(stored.values(&bytes))
    }

    /// A whole number, as `num_batches_tracked` is.
    pub fn counter(&mut self, stored: &Stored) -> Option<u64> {
        let mut bytes = [0; 8];
        if stored.dtype != Dtype::I64 || stored.count() != Some(1) {
            return None;
        }
        self.seek(stored).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn seek(&mut self, stored: &Stored) -> std::io::Result<u64> {
        self.file.seek(SeekFrom::Start(stored.storage[0] + (stored.offset * stored.size()) as u64))
    }
}
