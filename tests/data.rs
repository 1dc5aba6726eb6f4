//! Real files, read through the public interface, and what the checker learns of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use flatrun::data::{Batch, Corpus, Disk, Feed, Generator, Purpose, Shape, Split, open, probe};
use flatrun::lang::catalog::{
    Augmentation, Cifar10, Cifar100, Crop, Digits, Flip, Idx, Layout, Mnist, Source,
};
use flatrun::lang::program::Validation;
use flatrun::lang::world::{DatasetInfo, World};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// The folder of a data set, or a note that its test is skipped.
fn real(name: &str) -> Option<PathBuf> {
    let root = Path::new(DATA).join(name);
    let there = root.is_dir();
    if !there {
        eprintln!("skipped: `{}` is not there", root.display());
    }
    there.then_some(root)
}

fn counts(corpus: &Corpus) -> Vec<usize> {
    let mut counts = vec![0; corpus.classes];
    corpus.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    counts
}

fn mean(corpus: &Corpus, channel: usize) -> f64 {
    let bytes = corpus.bytes().iter().skip(channel).step_by(corpus.channels);
    let sum: u64 = bytes.map(|&byte| u64::from(byte)).sum();
    sum as f64 / (corpus.len() * corpus.height * corpus.width) as f64 / f64::from(corpus.scale)
}

/// What is probed agrees with what is read.
fn check_probe(source: &Source) {
    let dataset = open(source).unwrap();
    let train = &dataset.train;
    let expected = DatasetInfo {
        train: train.len(),
        test: dataset.test.len(),
        classes: train.classes,
        channels: train.channels,
        height: train.height,
        width: train.width,
    };
    assert_eq!(probe(source).unwrap(), expected.into());
    assert_eq!(Disk.dataset(source).unwrap(), expected.into());
}

#[test]
fn embedded_digits_are_probed_as_read() {
    check_probe(&Source::Digits(Digits {}));
}

#[test]
fn mnist() {
    let Some(root) = real("mnist") else { return };
    let source = Source::Mnist(Mnist { root });
    check_probe(&source);
    let dataset = open(&source).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (60_000, 10_000));
    assert_eq!(dataset.train.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(dataset.test.labels[..5], [7, 2, 1, 0, 4]);
    assert_eq!(counts(&dataset.test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert!((mean(&dataset.train, 0) - dataset.train.mean[0]).abs() < 1e-4);
}

#[test]
fn cifar10() {
    let Some(root) = real("cifar10") else { return };
    let source = Source::Cifar10(Cifar10 { root });
    check_probe(&source);
    let dataset = open(&source).unwrap();
    assert_eq!(counts(&dataset.train), [800; 10]);
    assert_eq!(counts(&dataset.test), [200; 10]);
    for channel in 0..3 {
        let published = dataset.train.mean[channel];
        assert!((mean(&dataset.train, channel) - published).abs() < 2e-3);
    }
}

#[test]
fn cifar10_planes_become_channels() {
    let Some(root) = real("cifar10") else { return };
    let records = fs::read(root.join("data_batch_1.bin")).unwrap();
    let train = open(&Source::Cifar10(Cifar10 { root })).unwrap().train;
    for index in [0usize, 17, 7999] {
        let record = &records[index * 3073..(index + 1) * 3073];
        let image = train.raw(index as u32).unwrap().bytes;
        assert_eq!(train.labels[index], u16::from(record[0]));
        assert_eq!(image.len(), 3072);
        for (position, &byte) in image.iter().enumerate() {
            let (pixel, channel) = (position / 3, position % 3);
            assert_eq!(byte, record[1 + channel * 1024 + pixel]);
        }
    }
}

#[test]
fn digits_as_idx_files_are_the_embedded_ones() {
    let Some(root) = real("digits") else { return };
    let images = root.join("digits-images-idx3-ubyte");
    let labels = root.join("digits-labels-idx1-ubyte");
    let source = Source::Idx(Idx {
        layout: Layout::Nhwc,
        images: images.clone(),
        labels: labels.clone(),
        test_images: images,
        test_labels: labels,
    });
    check_probe(&source);
    let whole = open(&source).unwrap().train;
    let embedded = open(&Source::Digits(Digits {})).unwrap();
    let (train, test) = (&embedded.train, &embedded.test);
    assert_eq!(*whole.bytes(), [train.bytes(), test.bytes()].concat());
    assert_eq!(whole.labels[..], [&train.labels[..], &test.labels[..]].concat());
}

#[test]
fn the_checker_learns_what_is_missing() {
    let root = PathBuf::from("no/such/folder");
    let error = Disk.dataset(&Source::Cifar100(Cifar100 { root: root.clone() })).unwrap_err();
    assert_eq!(error.path, Some(root));
    assert_eq!(error.message, "expected a folder with `train.bin`, found nothing");
    assert!(!Disk.exists(Path::new("no/such/folder")));
    assert!(Disk.exists(Path::new(env!("CARGO_MANIFEST_DIR"))));
}

#[test]
fn a_run_on_digits_reads_the_training_split_alone() {
    let train = open(&Source::Digits(Digits {})).unwrap().train;
    let split = Split::new(&train.labels, Some(Validation::Fraction(0.1))).unwrap();
    assert_eq!((split.train.len(), split.validation.len()), (1293, 144));
    let feed = Feed::new(Arc::new(train), split.train.clone(), vec![], 128, 0, true).unwrap();
    let mut visited: Vec<u32> = Vec::new();
    for batch in feed.load(0, 0).unwrap() {
        visited.extend(batch.unwrap().indices);
    }
    visited.sort_unstable();
    assert_eq!(visited, split.train);
}

/// Images shaped like CIFAR-10's, of random bytes.
fn random_corpus(samples: usize) -> Corpus {
    let mut random = Generator::keyed(Purpose::Order, &[0]);
    let images: Vec<u8> = (0..samples * 3072).map(|_| random.bits() as u8).collect();
    let shape = Shape { height: 32, width: 32, channels: 3 };
    Corpus::in_memory(images, vec![0; samples], shape, 10, 255)
}

#[test]
#[ignore = "a measurement, meaningful in a release build alone"]
fn crop_and_flip_make_100_000_images_a_second() {
    let corpus = Arc::new(random_corpus(10_000));
    let list = vec![Augmentation::Crop(Crop { pad: 4 }), Augmentation::Flip(Flip { p: 0.5 })];
    let feed = Feed::new(corpus, (0..10_000).collect(), list, 128, 0, true).unwrap();
    let start = Instant::now();
    let images: usize = (0..20)
        .flat_map(|epoch| feed.load(epoch, 0).unwrap())
        .map(|batch: Result<Batch, _>| batch.unwrap().len())
        .sum();
    let rate = images as f64 / start.elapsed().as_secs_f64();
    eprintln!("{rate:.0} images of 3×32×32 per second");
    assert!(rate > 100_000.0);
}
