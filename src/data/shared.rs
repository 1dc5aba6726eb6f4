//! Images that are both trained and measured on.

use std::collections::HashSet;

use super::corpus::Corpus;
use crate::lang::words::counted;

/// Published data sets repeat an image now and then; a larger share of the test images, in percent, is a mistake.
const PERCENT: usize = 1;

/// What is said of test images that are training images too; `None` where they are as few as in published data sets.
pub fn shared(train: &Corpus, test: &Corpus) -> Option<String> {
    let known: HashSet<blake3::Hash> = hashes(train).collect();
    let count = hashes(test).filter(|hash| known.contains(hash)).count();
    (count > 0 && count * 100 >= test.len() * PERCENT).then(|| told(count, test.len()))
}

/// `all 12 test images are training images too`
pub fn told(count: usize, of: usize) -> String {
    match count == of {
        true => format!("all {} are training images too", counted(of, "test image")),
        false => format!("{count} of {} are training images too", counted(of, "test image")),
    }
}

fn hashes(corpus: &Corpus) -> impl Iterator<Item = blake3::Hash> {
    corpus.bytes().chunks_exact(corpus.shape().values().max(1)).map(blake3::hash)
}

#[cfg(test)]
mod tests {
    use super::super::corpus::Shape;
    use super::*;

    fn corpus(images: impl Iterator<Item = u16>) -> Corpus {
        let bytes: Vec<u8> = images.flat_map(u16::to_le_bytes).collect();
        let labels = vec![0; bytes.len() / 2];
        Corpus::in_memory(bytes, labels, Shape { height: 1, width: 2, channels: 1 }, 2, 255)
    }

    #[test]
    fn the_same_images_in_another_order_are_found() {
        let train = corpus(0..1000);
        let found = shared(&train, &corpus((0..500).rev()));
        assert_eq!(found.as_deref(), Some("all 500 test images are training images too"));
        let found = shared(&train, &corpus(950..1150));
        assert_eq!(found.as_deref(), Some("50 of 200 test images are training images too"));
    }

    #[test]
    fn a_few_are_as_published() {
        assert_eq!(shared(&corpus(0..1000), &corpus(999..2000)), None);
        assert_eq!(shared(&corpus(0..1000), &corpus(1000..2000)), None);
    }
}
