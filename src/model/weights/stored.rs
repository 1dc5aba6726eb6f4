//! A tensor in a file: where its values lie.

use burn::tensor::{bf16, f16};
use safetensors::Dtype;

/// A tensor in a file. Offset and strides count values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) offset: usize,
    /// Where the storage it lies in begins and ends, in bytes of the file.
    pub(super) storage: [u64; 2],
}

impl Stored {
    /// Whether it holds floating-point numbers.
    pub fn is_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::BF16)
    }

    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length))
    }

    /// Bytes per value.
    pub(super) fn size(&self) -> usize {
        self.dtype.bitsize() / 8
    }

    /// Values from the first to the last.
    pub(super) fn span(&self) -> Option<usize> {
        if self.count()? == 0 {
            return Some(0);
        }
        let reach = |sum: usize, (&length, &stride): (&usize, &usize)| {
            (length - 1).checked_mul(stride).and_then(|reach| sum.checked_add(reach))
        };
        self.shape.iter().zip(&self.strides).try_fold(1usize, reach)
    }

    /// What is wrong with a tensor of a file of `length` bytes.
    pub(super) fn check(&self, length: u64) -> Result<(), String> {
        let [start, end] = self.storage;
        if start > end || end > length {
            return Err("ends after the file does: the file is truncated".into());
        }
        let fits = || {
            let last = (self.offset as u64).checked_add(self.span()? as u64)?;
            let last = last.checked_mul(self.size() as u64)?;
            (last <= end - start && self.strides.len() == self.shape.len()).then_some(())
        };
        fits().ok_or_else(|| format!("of shape {:?} does not fit into what is stored of it", self.shape))?;
        let views = self.span().zip(self.count()).is_some_and(|(span, count)| span / 4 > count + 1024);
        if views { Err("is a small view of a much larger tensor".into()) } else { Ok(()) }
    }

    /// The values row by row, from the bytes between its first and its last.
    pub(super) fn values(&self, bytes: &[u8]) -> Vec<f32> {
        let values = floats(bytes, self.dtype);
        match self.strides == contiguous(&self.shape) {
            true => values,
            false => self.places().into_iter().map(|place| values[place]).collect(),
        }
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
