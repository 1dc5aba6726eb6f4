//! How fast images come: `cargo bench --bench data [-- FOLDER [EPOCHS]]`.
//!
//! Without a folder: crop and flip of images as large as CIFAR-10's, in memory. With one (`train/CLASS/*.jpg`): decoding, a random
//! crop to 224 pixels and a flip, and the time to list the files, anew and from the list that was kept. Prints one line of JSON
//! per measurement.

use std::sync::Arc;
use std::time::Instant;

use flatrun::data::{Corpus, Disk, Feed, Generator, Purpose, Shape, open};
use flatrun::lang::catalog::{
    Augmentation, Color, Crop, Flip, Folder, Interval, OnError, Orientation, RandomResizedCrop, Source,
};
use flatrun::lang::world::World;

const BATCH: usize = 128;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first() {
        None => in_memory(),
        Some(root) => {
            let epochs = words.get(1).map_or(1, |word| word.parse().expect("a number of epochs"));
            in_files(root, epochs);
        }
    }
}

fn say(what: &str, count: usize, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    let line = serde_json::json!({
        "what": what, "count": count, "seconds": seconds, "per_second": count as f64 / seconds,
    });
    println!("{line}");
}

fn in_memory() {
    let shape = Shape { height: 32, width: 32, channels: 3 };
    let mut random = Generator::keyed(Purpose::Order, &[0]);
    let bytes: Vec<u8> = (0..10_000 * shape.values()).map(|_| random.bits() as u8).collect();
    let corpus = Corpus::in_memory(bytes, vec![0; 10_000], shape, 10, 255);
    let list = vec![Augmentation::Crop(Crop { pad: 4 }), Augmentation::Flip(Flip { p: 0.5 })];
    epochs("crop and flip, 32x32", Arc::new(corpus), list, 20);
}

fn epochs(what: &str, corpus: Arc<Corpus>, list: Vec<Augmentation>, epochs: u64) {
    let indices = (0..corpus.len() as u32).collect();
    let feed = Feed::new(corpus, indices, list, BATCH, 0, true).expect("indices of the corpus");
    let began = Instant::now();
    let batches = (0..epochs).flat_map(|epoch| feed.load(epoch, 0).expect("a thread"));
    let images = batches.map(|batch| batch.expect("readable images").len()).sum();
    say(what, images, began);
}

fn in_files(root: &str, count: u64) {
    let source = Source::Folder(Folder {
        root: root.into(),
        train: "train".into(),
        test: None,
        color: Color::Rgb,
        orientation: Orientation::Stored,
        on_error: OnError::Error,
    });
    let began = Instant::now();
    let dataset = open(&source).expect("a folder of images");
    let files = dataset.train.len() + dataset.test.len();
    say("every file listed", files, began);
    let began = Instant::now();
    Disk.dataset(&source).expect("a folder of images");
    say("list from the cache", files, began);
    let crop = RandomResizedCrop {
        size: 224,
        scale: Interval { low: 0.08, high: 1.0 },
        ratio: Interval { low: 0.75, high: 4.0 / 3.0 },
    };
    let list = vec![Augmentation::RandomResizedCrop(crop), Augmentation::Flip(Flip { p: 0.5 })];
    if count > 0 {
        let train = dataset.train.seen_through(&flatrun::lang::view::view_of(&list)).expect("one size");
        epochs("decode, random crop to 224, flip", Arc::new(train), list, count);
    }
}
