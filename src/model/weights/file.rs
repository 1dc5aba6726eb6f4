//! Which tensors a file of weights holds, and where their values lie: nothing is read that nobody asks for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use burn::tensor::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::{WeightsError, torch};

/// Most bytes of a safetensors header, as in that format's own reader.
const LONGEST_HEADER: u64 = 100_000_000;

/// An open file of weights.
pub struct WeightsFile {
    file: File,
    tensors: BTreeMap<String, Stored>,
}

/// A tensor in a file. Offset and strides count values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
    pub offset: usize,
    /// Where the storage it lies in begins and ends, in bytes of the file.
    pub storage: [u64; 2],
}

impl WeightsFile {
    /// Opens a safetensors file or what `torch.save` writes, by its first bytes.
    ///
    /// # Errors
    /// A file that is not there, or not what its first bytes promise; one whose pickle holds more than tensors.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let unread = |source| WeightsError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        if metadata.is_dir() {
            let (kind, message) = ("file of weights", "it is a folder".to_owned());
            return Err(WeightsError::Format { path: path.to_owned(), kind, message });
        }
        let length = metadata.len();
        let mut first = Vec::new();
        file.by_ref().take(16).read_to_end(&mut first).map_err(unread)?;
        let (kind, tensors) = match &first[..] {
            [b'P', b'K', 3, 4, ..] => ("PyTorch file", torch::zipped(&mut file)),
            // The length of a header may begin as a pickle does, but is below 2^32.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => ("safetensors file", safetensors(&mut file, length)),
            [0x80, 2..=5, ..] => ("PyTorch file", torch::legacy(&mut file, length)),
            [_, _, _, _, _, _, _, _, b'{', ..] => ("safetensors file", safetensors(&mut file, length)),
            _ => ("file of weights", Err("it is neither of safetensors nor of PyTorch".to_owned())),
        };
        let format = |message| WeightsError::Format { path: path.to_owned(), kind, message };
        let tensors = tensors.map_err(format)?;
        for (name, stored) in &tensors {
            stored.check(length).map_err(|problem| format(format!("`{name}` {problem}")))?;
        }
        Ok(Self { file, tensors: unwrapped(tensors) })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// Whether a tensor holds floating-point numbers.
    pub fn is_float(&self, name: &str) -> bool {
        let float = [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16];
        self.tensors.get(name).is_some_and(|stored| float.contains(&stored.dtype))
    }

    /// The values of a floating-point tensor, row by row.
    ///
    /// # Errors
    /// The file cannot be read; no such tensor.
    pub fn read(&mut self, name: &str) -> std::io::Result<Vec<f32>> {
        let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, format!("no tensor `{name}`"));
        let stored = self.tensors.get(name).cloned().ok_or_else(missing)?;
        let size = stored.dtype.bitsize() / 8;
        let span = stored.span().ok_or_else(missing)?;
        let mut bytes = vec![0; span * size];
        self.file.seek(SeekFrom::Start(stored.storage[0] + (stored.offset * size) as u64))?;
        self.file.read_exact(&mut bytes)?;
        let values = floats(&bytes, stored.dtype);
        Ok(stored.places().into_iter().map(|place| values[place]).collect())
    }

    /// A whole number, as `num_batches_tracked` is.
    pub fn counter(&mut self, name: &str) -> Option<u64> {
        let stored = self.tensors.get(name).filter(|stored| stored.dtype == Dtype::I64)?;
        let at = stored.storage[0].checked_add(8 * stored.offset as u64)?;
        let mut bytes = [0; 8];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

impl Stored {
    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length))
    }

    /// Values from the first to the last.
    fn span(&self) -> Option<usize> {
        if self.count()? == 0 {
            return Some(0);
        }
        let reach = |sum: usize, (&length, &stride): (&usize, &usize)| {
            (length - 1).checked_mul(stride).and_then(|reach| sum.checked_add(reach))
        };
        self.shape.iter().zip(&self.strides).try_fold(1usize, reach)
    }

    /// What is wrong with a tensor of a file of `length` bytes.
    fn check(&self, length: u64) -> Result<(), String> {
        let [start, end] = self.storage;
        if start > end || end > length {
            return Err("ends after the file does: the file is truncated".into());
        }
        let fits = || {
            let size = (self.dtype.bitsize() / 8) as u64;
            let last = (self.offset as u64).checked_add(self.span()? as u64)?.checked_mul(size)?;
            (last <= end - start && self.strides.len() == self.shape.len()).then_some(())
        };
        fits().ok_or_else(|| format!("of shape {:?} does not fit into what is stored of it", self.shape))?;
        let views = self.span().zip(self.count()).is_some_and(|(span, count)| span / 4 > count + 1024);
        if views { Err("is a small view of a much larger tensor".into()) } else { Ok(()) }
    }

    /// Place of every value behind the first, row by row.
    fn places(&self) -> Vec<usize> {
        let along = |places: Vec<usize>, (&length, &stride): (&usize, &usize)| {
            places.iter().flat_map(|place| (0..length).map(move |index| place + index * stride)).collect()
        };
        self.shape.iter().zip(&self.strides).fold(vec![0], along)
    }
}

/// Values as f32.
fn floats(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F64 => chunks(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => chunks(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => chunks(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        _ => chunks(bytes, f32::from_le_bytes),
    }
}

fn chunks<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| convert(*chunk)).collect()
}

/// Row-major strides.
pub(super) fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .scan(1usize, |stride, &length| {
            let own = *stride;
            *stride = stride.saturating_mul(length);
            Some(own)
        })
        .collect();
    strides.reverse();
    strides
}

/// The tensors that the header of a safetensors file lists.
fn safetensors(file: &mut File, length: u64) -> Result<BTreeMap<String, Stored>, String> {
    let read = |error: std::io::Error| error.to_string();
    let mut size = [0; 8];
    file.seek(SeekFrom::Start(0)).map_err(read)?;
    file.read_exact(&mut size).map_err(read)?;
    let header = u64::from_le_bytes(size);
    let begin = header.checked_add(8).filter(|&begin| header <= LONGEST_HEADER && begin <= length);
    let begin = begin.ok_or("its header does not end within the file: the file is truncated")?;
    let mut bytes = vec![0; header as usize];
    file.read_exact(&mut bytes).map_err(read)?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let of = |(name, info): (String, &TensorInfo)| {
        let (from, to) = info.data_offsets;
        let storage = [from, to].map(|offset| begin.saturating_add(offset as u64));
        let (dtype, shape) = (info.dtype, info.shape.clone());
        (name, Stored { dtype, strides: contiguous(&shape), shape, offset: 0, storage })
    };
    Ok(metadata.tensors().into_iter().map(of).collect())
}

/// Names without the `module.` that a parallel wrapper puts before all of them.
fn unwrapped(tensors: BTreeMap<String, Stored>) -> BTreeMap<String, Stored> {
    const WRAPPER: &str = "module.";
    if tensors.is_empty() || !tensors.keys().all(|name| name.starts_with(WRAPPER)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, stored)| (name[WRAPPER.len()..].to_owned(), stored)).collect()
}
