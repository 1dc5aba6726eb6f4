//! What training reads, epoch after epoch.

use std::sync::Arc;

use crate::lang::catalog::Augmentation;

use super::augment::{Draw, render};
use super::batch::{Batch, Reader, labels};
use super::corpus::{Corpus, Groups};
use super::error::DataError;
use super::image::Image;
use super::loader::Loader;
use super::order::{Balanced, Order};
use super::soft::{Partner, SoftLabels, Softening};

/// The training samples of a run and how its epochs visit them. Clones share their memory.
#[derive(Clone, Debug)]
pub struct Feed {
    corpus: Arc<Corpus>,
    indices: Arc<[u32]>,
    augmentations: Arc<[Augmentation]>,
    batch: usize,
    seed: u64,
    shuffle: bool,
    /// Groups that share every batch.
    balanced: Option<Arc<Balanced>>,
}

impl Feed {
    /// Batches of `batch` samples (at least one) of those at `indices` of `corpus`.
    ///
    /// # Errors
    /// An index beyond the end of the corpus.
    pub fn new(
        corpus: Arc<Corpus>,
        indices: Vec<u32>,
        augmentations: Vec<Augmentation>,
        batch: usize,
        seed: u64,
        shuffle: bool,
    ) -> Result<Self, DataError> {
        let samples = corpus.len();
        if let Some(&index) = indices.iter().find(|&&index| index as usize >= samples) {
            return Err(DataError::Index { index, samples });
        }
        Ok(Self {
            corpus,
            indices: indices.into(),
            augmentations: augmentations.into(),
            batch: batch.max(1),
            seed,
            shuffle,
            balanced: None,
        })
    }

    /// Every batch holds as many samples of each group as of any other.
    pub fn sharing_batches(mut self, groups: &Groups) -> Self {
        self.balanced = Some(Arc::new(Balanced::new(&self.indices, groups, self.batch)));
        self
    }

    /// The seed that decides order and augmentation.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Batches in an epoch; the last may be smaller than the others.
    pub fn batches(&self) -> usize {
        match &self.balanced {
            Some(balanced) => balanced.batches(),
            None => self.indices.len().div_ceil(self.batch),
        }
    }

    /// Indices into the corpus in the order in which `epoch` visits them.
    pub fn order(&self, epoch: u64) -> Vec<u32> {
        if let Some(balanced) = &self.balanced {
            return balanced.order(self.seed, epoch);
        }
        let samples = self.indices.len() as u32;
        Order::new(samples, self.seed, epoch, self.shuffle).apply(&self.indices)
    }

    /// The batches of `epoch` from number `first` on, made in the background.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn load(&self, epoch: u64, first: usize) -> Result<Loader<Batch>, DataError> {
        let left = self.batches().saturating_sub(first);
        self.stream(epoch, first, left as u64, |batch| batch)
    }

    /// `count` batches from number `first` of `epoch` on, epoch after epoch, each made in the background and handed to
    /// `finish` there.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn stream<T: Send + 'static>(
        &self,
        epoch: u64,
        first: usize,
        count: u64,
        mut finish: impl FnMut(Batch) -> T + Send + 'static,
    ) -> Result<Loader<T>, DataError> {
        let (feed, reader) = (self.clone(), Reader::new(&self.corpus));
        let batches = self.batches().max(1) as u64;
        let mut order = (epoch, self.order(epoch));
        let first = first as u64;
        let produce = move |number: u64| {
            let (epoch, number) = (epoch + number / batches, (number % batches) as usize);
            if order.0 != epoch {
                order = (epoch, feed.order(epoch));
            }
            feed.batch(&reader, &order.1, epoch, number).map(&mut finish)
        };
        Loader::start(first..first.saturating_add(count), produce)
    }

    fn batch(&self, reader: &Reader, order: &[u32], epoch: u64, number: usize) -> Result<Batch, DataError> {
        let size = self.balanced.as_ref().map_or(self.batch, |balanced| balanced.batch());
        let start = (number * size).min(order.len());
        let end = (start + size).min(order.len());
        let indices = &order[start..end];
        let softening = Softening::of(&self.augmentations);
        let draw = |index| Draw { seed: self.seed, epoch, index };
        let partner = |index| softening.and_then(|softening| softening.partner(&self.indices, draw(index)));
        let mut batch = reader.read(&self.corpus, indices, |index| {
            let image = self.image(reader, draw(index))?;
            match partner(index) {
                Some(partner) => Ok(mixed(image, &self.image(reader, draw(partner.index))?, partner.share)),
                None => Ok(image),
            }
        })?;
        if let Some(softening) = softening {
            let partners =
                indices.iter().map(|&index| partner(index).unwrap_or(Partner { index, share: 1.0 }));
            batch.soft = Some(self.soft_labels(&batch.labels, partners.collect(), softening.smoothing)?);
        }
        Ok(batch)
    }

    fn image(&self, reader: &Reader, draw: Draw) -> Result<Image, DataError> {
        let raw = self.corpus.raw(draw.index)?;
        Ok(render(&raw, &reader.values, &self.augmentations, draw))
    }

    fn soft_labels(
        &self,
        own: &[i64],
        partners: Vec<Partner>,
        smoothing: f64,
    ) -> Result<SoftLabels, DataError> {
        let indices: Vec<u32> = partners.iter().map(|partner| partner.index).collect();
        let others = labels(&self.corpus, &indices)?;
        let samples = own.iter().zip(others).zip(partners);
        let samples = samples.map(|((&label, other), partner)| (label, other, partner.share));
        Ok(SoftLabels::new(samples, self.corpus.classes, smoothing))
    }
}

/// `share image + (1 - share) other`, for images of one shape.
fn mixed(mut image: Image, other: &Image, share: f32) -> Image {
    image.pixels.iter_mut().zip(&other.pixels).for_each(|(value, other)| {
        *value = share * *value + (1.0 - share) * other;
    });
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::lang::catalog::{Crop, Flip, LabelSmoothing, Mixup};

    fn feed(indices: Vec<u32>, batch: usize, shuffle: bool) -> Feed {
        let corpus = Arc::new(digits::open().unwrap().train);
        let list = vec![Augmentation::Crop(Crop { pad: 2 }), Augmentation::Flip(Flip { p: 0.5 })];
        Feed::new(corpus, indices, list, batch, 11, shuffle).unwrap()
    }

    fn load(feed: &Feed, epoch: u64, first: usize) -> Vec<Batch> {
        let made = feed.load(epoch, first).unwrap();
        made.map(Result::unwrap).collect()
    }

    /// Index and pixels of every sample, in the order of the indices.
    fn samples(batches: &[Batch]) -> Vec<(u32, &[f32])> {
        let mut samples = Vec::new();
        for batch in batches {
            let images = batch.pixels.chunks_exact(64);
            samples.extend(batch.indices.iter().copied().zip(images));
        }
        samples.sort_by_key(|(index, _)| *index);
        samples
    }

    #[test]
    fn an_epoch_visits_every_sample_once() {
        let indices: Vec<u32> = (0..1437).step_by(2).collect();
        let feed = feed(indices.clone(), 100, true);
        let batches = load(&feed, 0, 0);
        let sizes: Vec<usize> = batches.iter().map(Batch::len).collect();
        assert_eq!(feed.batches(), 8);
        assert_eq!(sizes, [100, 100, 100, 100, 100, 100, 100, 19]);
        let visited: Vec<u32> = samples(&batches).iter().map(|(index, _)| *index).collect();
        assert_eq!(visited, indices);
    }

    #[test]
    fn a_resumed_epoch_goes_on_where_it_stopped() {
        let feed = feed((0..500).collect(), 32, true);
        let whole = load(&feed, 7, 0);
        for first in [1, 8, 15, 16, 99] {
            assert_eq!(load(&feed, 7, first), whole[first.min(16)..]);
        }
    }

    #[test]
    fn a_stream_goes_on_into_the_next_epochs_on_one_thread_of_its_own() {
        let feed = feed((0..500).collect(), 32, true);
        let expected: Vec<Batch> = [load(&feed, 3, 14), load(&feed, 4, 0), load(&feed, 5, 0)].concat();
        let finish = |batch| (batch, std::thread::current().id());
        let made = feed.stream(3, 14, 2 + 16 + 5, finish).unwrap();
        let (made, threads): (Vec<Batch>, Vec<_>) = made.map(Result::unwrap).unzip();
        assert_eq!(made, expected[..23]);
        assert!(threads.iter().all(|thread| *thread == threads[0] && *thread != std::thread::current().id()));
        let after_an_epoch = feed.stream(3, 16, 1, |batch| batch).unwrap();
        assert_eq!(after_an_epoch.map(Result::unwrap).collect::<Vec<_>>(), expected[2..3]);
    }

    #[test]
    fn eight_threads_make_what_one_makes() {
        let feed = feed((0..500).collect(), 32, true);
        let alone: Vec<_> = (0..8).map(|epoch| load(&feed, epoch, 0)).collect();
        let together: Vec<_> = std::thread::scope(|scope| {
            let feed = &feed;
            let start = |epoch| scope.spawn(move || load(feed, epoch, 0));
            let threads: Vec<_> = (0..8).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(together, alone);
    }

    #[test]
    fn augmentation_does_not_depend_on_order_batches_or_the_other_samples() {
        let all = load(&feed((0..300).collect(), 32, true), 4, 0);
        let some = load(&feed((100..200).collect(), 7, false), 4, 0);
        assert_eq!(samples(&all)[100..200], samples(&some)[..]);
    }

    #[test]
    fn epochs_differ_in_order_and_pixels() {
        let feed = feed((0..300).collect(), 300, true);
        let (first, second) = (load(&feed, 0, 0), load(&feed, 1, 0));
        assert_ne!(first[0].indices, second[0].indices);
        let changed = samples(&first).into_iter().zip(samples(&second));
        assert!(changed.filter(|(one, other)| one != other).count() > 250);
    }

    #[test]
    fn a_mixture_is_of_two_augmented_samples_and_their_labels() {
        let corpus = Arc::new(digits::open().unwrap().train);
        let plain = vec![Augmentation::Crop(Crop { pad: 2 }), Augmentation::Flip(Flip { p: 0.5 })];
        let mixup = Augmentation::Mixup(Mixup { alpha: 1.0 });
        let smoothing = Augmentation::LabelSmoothing(LabelSmoothing { epsilon: 0.1 });
        let soft = [plain.clone(), vec![mixup, smoothing]].concat();
        let softening = Softening::of(&soft).unwrap();
        let indices: Vec<u32> = (0..64).collect();
        let load_with = |list| {
            let feed = Feed::new(corpus.clone(), indices.clone(), list, 64, 11, false).unwrap();
            load(&feed, 3, 0).remove(0)
        };
        let (plain, mixed) = (load_with(plain), load_with(soft));
        let targets = mixed.soft.as_ref().unwrap();
        assert_eq!((targets.classes, plain.soft), (10, None));
        for index in 0..64usize {
            let draw = Draw { seed: 11, epoch: 3, index: index as u32 };
            let Partner { index: other, share } = softening.partner(&indices, draw).unwrap();
            let pixel = |index: usize, at: usize| plain.pixels[index * 64 + at];
            for at in 0..64 {
                let expected = share * pixel(index, at) + (1.0 - share) * pixel(other as usize, at);
                assert_eq!(mixed.pixels[index * 64 + at], expected);
            }
            let of = |class: usize| targets.targets[index * 10 + class];
            let total: f32 = (0..10).map(of).sum();
            let expected = 0.9 * share + 0.01;
            assert!((total - 1.0).abs() < 1e-5 && of(plain.labels[index] as usize) >= expected - 1e-6);
        }
    }

    #[test]
    fn without_augmentation_pixels_are_those_of_the_corpus() {
        let corpus = Arc::new(digits::open().unwrap().train);
        let feed = Feed::new(corpus.clone(), vec![3, 1, 2], vec![], 8, 0, false).unwrap();
        assert_eq!(load(&feed, 0, 0), [Batch::of(&corpus, &[3, 1, 2]).unwrap()]);
    }

    #[test]
    fn an_index_beyond_the_end_is_an_error() {
        let corpus = Arc::new(digits::open().unwrap().train);
        let error = Feed::new(corpus, vec![0, 1437], vec![], 8, 0, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sample 1437 of a corpus of 1437 samples: expected an index below 1437"
        );
    }
}
