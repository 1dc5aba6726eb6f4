//! Samples as the model takes them.

use rayon::prelude::*;

use super::augment::{Draw, render};
use super::corpus::{Corpus, Images};
use super::error::DataError;
use super::image::{Image, pixel_values};
use super::pool::pool;
use super::soft::SoftLabels;
use crate::stop::Point;

/// Some samples of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Which samples of the corpus these are.
    pub indices: Vec<u32>,
    /// N×H×W×C, in [0, 1].
    pub pixels: Vec<f32>,
    pub labels: Vec<i64>,
    /// Training labels, where they are not single classes.
    pub soft: Option<SoftLabels>,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Batch {
    /// The samples at `indices`, in that order, as the corpus is viewed.
    ///
    /// # Errors
    /// An index beyond the end of the corpus; an image that cannot be read.
    pub fn of(corpus: &Corpus, indices: &[u32]) -> Result<Self, DataError> {
        Reader::new(corpus).view(corpus, indices)
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Images of more values than this are made by several threads; smaller ones are faster by one.
const LARGE: usize = 1 << 15;

/// Turns bytes into pixels; the table of values is computed once.
pub(super) struct Reader {
    pub values: [f32; 256],
}

impl Reader {
    pub fn new(corpus: &Corpus) -> Self {
        Self { values: pixel_values(corpus.scale) }
    }

    fn view(&self, corpus: &Corpus, indices: &[u32]) -> Result<Batch, DataError> {
        self.read(corpus, indices, |index| {
            let raw = corpus.raw(index)?;
            Ok(render(&raw, &self.values, &corpus.view, Draw::NONE))
        })
    }

    /// The samples at `indices` of `corpus`, each made by `make`; the first in their order that fails is the error.
    pub fn read(
        &self,
        corpus: &Corpus,
        indices: &[u32],
        make: impl Fn(u32) -> Result<Image, DataError> + Sync,
    ) -> Result<Batch, DataError> {
        let shape = corpus.shape();
        let values = shape.values();
        let mut pixels = vec![0.0; indices.len() * values];
        let point = Point::here();
        let fill = |(index, pixels): (&u32, &mut [f32])| {
            point.pass();
            let image = make(*index)?;
            if image.shape != shape {
                let found = image.shape.to_string();
                return Err(DataError::Shape { index: *index, expected: shape.to_string(), found });
            }
            pixels.copy_from_slice(&image.pixels);
            Ok(())
        };
        let decoded = matches!(corpus.images, Images::Files(_));
        if decoded || values >= LARGE {
            let samples = indices.par_iter().zip(pixels.par_chunks_mut(values.max(1)));
            let outcomes: Vec<Result<(), DataError>> = pool().install(|| samples.map(fill).collect());
            outcomes.into_iter().collect::<Result<(), _>>()?;
        } else {
            indices.iter().zip(pixels.chunks_mut(values.max(1))).try_for_each(fill)?;
        }
        Ok(Batch {
            indices: indices.to_vec(),
            pixels,
            labels: labels(corpus, indices)?,
            soft: None,
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
        })
    }
}

/// The classes of samples.
pub(in crate::data) fn labels(corpus: &Corpus, indices: &[u32]) -> Result<Vec<i64>, DataError> {
    let samples = corpus.len();
    let label = |&index: &u32| {
        let label = corpus.labels.get(index as usize).copied();
        label.map(i64::from).ok_or(DataError::Index { index, samples })
    };
    indices.iter().map(label).collect()
}

/// Batches for evaluation: in the given order, as the corpus is viewed; the last may be smaller.
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
        (!indices.is_empty()).then(|| self.reader.view(self.corpus, &indices))
    }
}

#[cfg(test)]
mod tests {
    use super::super::corpus::Shape;
    use super::*;

    fn corpus() -> Corpus {
        let shape = Shape { height: 1, width: 2, channels: 1 };
        Corpus::in_memory([0, 4, 8, 16, 12, 2], [5, 6, 7], shape, 10, 16)
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
