//! Samples as the model takes them.

use super::corpus::{Corpus, Shape};
use super::error::DataError;

/// Some samples of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Which samples of the corpus these are.
    pub indices: Vec<u32>,
    /// N×H×W×C, in [0, 1].
    pub pixels: Vec<f32>,
    pub labels: Vec<i64>,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Batch {
    /// The samples at `indices`, in that order and unchanged.
    ///
    /// # Errors
    /// An index beyond the end of the corpus.
    pub fn of(corpus: &Corpus, indices: &[u32]) -> Result<Self, DataError> {
        Reader::new(corpus).read(corpus, indices, |_, _, _| ())
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Turns bytes into pixels; the table of values is computed once.
pub(super) struct Reader {
    values: [f32; 256],
}

impl Reader {
    pub fn new(corpus: &Corpus) -> Self {
        Self { values: corpus.pixel_values() }
    }

    /// The samples at `indices` of `corpus`, each image passed through `change` with its shape and index.
    pub fn read(
        &self,
        corpus: &Corpus,
        indices: &[u32],
        change: impl Fn(&mut [f32], Shape, u32),
    ) -> Result<Batch, DataError> {
        let shape = corpus.shape();
        let mut pixels = Vec::with_capacity(indices.len() * shape.values());
        let mut labels = Vec::with_capacity(indices.len());
        for &index in indices {
            let (bytes, label) = sample(corpus, index)?;
            let start = pixels.len();
            pixels.extend(bytes.iter().map(|&byte| self.values[usize::from(byte)]));
            change(&mut pixels[start..], shape, index);
            labels.push(i64::from(label));
        }
        Ok(Batch {
            indices: indices.to_vec(),
            pixels,
            labels,
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
        })
    }
}

fn sample(corpus: &Corpus, index: u32) -> Result<(&[u8], u16), DataError> {
    let label = corpus.labels.get(index as usize).copied();
    let samples = corpus.len();
    let sample = corpus.image(index).zip(label);
    sample.ok_or(DataError::Index { index, samples })
}

/// Batches for evaluation: in the given order, unchanged; the last may be smaller.
pub struct EvalBatches<'a> {
    corpus: &'a Corpus,
    reader: Reader,
    left: std::vec::IntoIter<u32>,
    batch: usize,
}

impl<'a> EvalBatches<'a> {
    /// Batches of `batch` samples (at least one) at `indices` of `corpus`.
    pub fn new(corpus: &'a Corpus, indices: Vec<u32>, batch: usize) -> Self {
        Self { corpus, reader: Reader::new(corpus), left: indices.into_iter(), batch: batch.max(1) }
    }

    /// Batches of the whole corpus.
    pub fn all(corpus: &'a Corpus, batch: usize) -> Self {
        Self::new(corpus, (0..corpus.len() as u32).collect(), batch)
    }
}

impl Iterator for EvalBatches<'_> {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let indices: Vec<u32> = self.left.by_ref().take(self.batch).collect();
        let read = |indices: &[u32]| self.reader.read(self.corpus, indices, |_, _, _| ());
        (!indices.is_empty()).then(|| read(&indices))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn corpus() -> Corpus {
        Corpus {
            images: Arc::new([0, 4, 8, 16, 12, 2]),
            labels: Arc::new([5, 6, 7]),
            height: 1,
            width: 2,
            channels: 1,
            classes: 10,
            scale: 16,
            mean: vec![0.0],
            std: vec![1.0],
            class_names: Arc::new([]),
        }
    }

    #[test]
    fn pixels_are_bytes_over_scale() {
        let batch = Batch::of(&corpus(), &[2, 0]).unwrap();
        assert_eq!(batch.indices, [2, 0]);
        assert_eq!(batch.pixels, [0.75, 0.125, 0.0, 0.25]);
        assert_eq!(batch.labels, [7, 5]);
        assert_eq!((batch.height, batch.width, batch.channels), (1, 2, 1));
    }

    #[test]
    fn an_index_beyond_the_end_is_an_error() {
        let error = Batch::of(&corpus(), &[0, 3]).unwrap_err();
        assert_eq!(error.to_string(), "sample 3 of a corpus of 3 samples: expected an index below 3");
    }

    #[test]
    fn evaluation_reads_everything_in_order() {
        let corpus = corpus();
        let indices =
            |batches: EvalBatches| -> Vec<Vec<u32>> { batches.map(|batch| batch.unwrap().indices).collect() };
        assert_eq!(indices(EvalBatches::all(&corpus, 2)), [vec![0, 1], vec![2]]);
        assert_eq!(indices(EvalBatches::new(&corpus, vec![2, 1], 0)), [[2], [1]]);
        assert!(indices(EvalBatches::new(&corpus, vec![], 4)).is_empty());
    }
}
