use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::data::fixture::{Folder, gzip, idx, pattern};

struct Four {
    folder: Folder,
    paths: [PathBuf; 4],
}

impl Four {
    /// Three training images of 2×3 pixels and two test images, with labels; `ending` is that of all names.
    fn valid(ending: &str) -> Self {
        let folder = Folder::new();
        let contents = [
            ("images", idx(&[3, 2, 3], &pattern(18))),
            ("labels", idx(&[3], &[2, 0, 1])),
            ("test-images", idx(&[2, 2, 3], &pattern(12))),
            ("test-labels", idx(&[2], &[1, 2])),
        ];
        let write = |(name, bytes): (&str, Vec<u8>)| folder.write(&format!("{name}{ending}"), &bytes);
        let paths = contents.map(write);
        Self { folder, paths }
    }

    fn files(&self) -> Files<'_> {
        let [images, labels, test_images, test_labels] = &self.paths;
        Files { images, labels, test_images, test_labels, layout: Layout::Nhwc }
    }

    /// The message after file `which` was replaced, and whether headers and sizes alone told it.
    fn broken(which: usize, bytes: &[u8]) -> (String, bool) {
        Self::broken_as("", which, bytes)
    }

    fn broken_as(ending: &str, which: usize, bytes: &[u8]) -> (String, bool) {
        let four = Self::valid(ending);
        std::fs::write(&four.paths[which], bytes).unwrap();
        let message = four.folder.message(open(four.files()));
        let told = outline(four.files()).is_err_and(|error| {
            let told = four.folder.message::<()>(Err(error));
            assert_eq!(told, message);
            true
        });
        (message, told)
    }
}

#[test]
fn plain_and_gzip_files_hold_the_same() {
    for ending in ["", ".gz"] {
        let four = Four::valid(ending);
        let Dataset { train, test, .. } = open(four.files()).unwrap();
        assert_eq!(train.bytes(), pattern(18));
        assert_eq!(test.bytes(), pattern(12));
        assert_eq!((&train.labels[..], &test.labels[..]), (&[2, 0, 1][..], &[1, 2][..]));
        assert_eq!((train.classes, train.scale, train.channels), (3, 255, 1));
        assert!((train.mean[0] - 8.5 / 255.0).abs() < 1e-12);
        let outline = outline(four.files()).unwrap();
        assert_eq!((outline.train, outline.test, outline.shape), (3, 2, train.shape()));
        assert_eq!(count_classes(four.files().labels).unwrap(), 3);
    }
}

#[test]
fn a_fourth_dimension_is_channels() {
    let four = Four::valid("");
    four.folder.write("images", &idx(&[3, 1, 2, 3], &pattern(18)));
    four.folder.write("test-images", &idx(&[2, 1, 2, 3], &pattern(12)));
    let train = open(four.files()).unwrap().train;
    let shape = Shape { height: 1, width: 2, channels: 3 };
    assert_eq!(train.shape(), shape);
    assert_eq!(train.raw(1).unwrap().bytes[..], pattern(18)[6..12]);
    assert_eq!(train.mean.len(), 3);
}

#[test]
fn both_layouts_of_the_same_images_give_the_same_bytes() {
    let (height, width, channels) = (4, 5, 3);
    let together = pattern(3 * height * width * channels);
    let value = |image: usize, row: usize, column: usize, channel: usize| {
        together[((image * height + row) * width + column) * channels + channel]
    };
    let mut planes = Vec::new();
    for image in 0..3 {
        for channel in 0..channels {
            for row in 0..height {
                planes.extend((0..width).map(|column| value(image, row, column, channel)));
            }
        }
    }
    let four = Four::valid("");
    four.folder.write("images", &idx(&[3, 4, 5, 3], &together));
    four.folder.write("test-images", &idx(&[2, 4, 5, 3], &together[..120]));
    let expected = open(four.files()).unwrap();
    four.folder.write("images", &idx(&[3, 3, 4, 5], &planes));
    four.folder.write("test-images", &idx(&[2, 3, 4, 5], &planes[..120]));
    let files = Files { layout: Layout::Nchw, ..four.files() };
    let found = open(files).unwrap();
    assert_eq!(found.train.bytes(), expected.train.bytes());
    assert_eq!(found.test.bytes(), expected.test.bytes());
    let shape = Shape { height, width, channels };
    assert_eq!((found.train.shape(), outline(files).unwrap().shape), (shape, shape));
    assert_eq!((found.train.mean, found.train.std), (expected.train.mean, expected.train.std));
}

#[test]
fn truncated_files() {
    let images = idx(&[3, 2, 3], &pattern(18));
    let (message, told) = Four::broken(0, &images[..30]);
    assert_eq!(message, "`DIR/images`: truncated at byte 30: expected 34 bytes, found 30");
    assert!(told);
    let (message, told) = Four::broken(3, &idx(&[2], &[])[..6]);
    assert_eq!(message, "`DIR/test-labels`: truncated at byte 6: expected 8 bytes, found 6");
    assert!(told);
    let (message, _) = Four::broken(1, &[]);
    assert_eq!(message, "`DIR/labels`: truncated at byte 0: expected 8 bytes, found 0");
    let (message, told) = Four::broken_as(".gz", 0, &gzip(&images[..30]));
    assert_eq!(
        message,
        "`DIR/images.gz`: truncated at byte 30 of the decompressed data: expected 34 bytes, found 30"
    );
    assert!(!told);
}

#[test]
fn oversized_files() {
    let mut images = idx(&[3, 2, 3], &pattern(18));
    images.push(0);
    let (message, told) = Four::broken(0, &images);
    assert_eq!(
        message,
        "`DIR/images`: trailing bytes at byte 34: expected the file to end after 34 bytes, found more"
    );
    assert!(told);
    let (message, _) = Four::broken_as(".gz", 0, &gzip(&images));
    assert_eq!(
        message,
        "`DIR/images.gz`: trailing bytes at byte 34 of the decompressed data: expected the file to end after \
         34 bytes, found more"
    );
}

#[test]
fn wrong_magic_numbers() {
    let (message, _) = Four::broken(0, &idx(&[3], &[2, 0, 1]));
    assert_eq!(
        message,
        "`DIR/images`: wrong magic number at byte 0: expected 00000803 (images) or 00000804 (images with \
         channels), found 00000801 (labels)"
    );
    let (message, _) = Four::broken(1, &idx(&[3, 2, 3], &pattern(18)));
    assert_eq!(
        message,
        "`DIR/labels`: wrong magic number at byte 0: expected 00000801 (labels), found 00000803 (images)"
    );
    let (message, _) = Four::broken(1, b"label\n1\n2\n");
    assert_eq!(
        message,
        "`DIR/labels`: wrong magic number at byte 0: expected 00000801 (labels), found 6c616265"
    );
    let (message, _) = Four::broken(1, &gzip(&idx(&[3], &[2, 0, 1])));
    assert_eq!(
        message,
        "`DIR/labels`: wrong magic number at byte 0: expected 00000801 (labels), found 1f8b0800 (gzip data, whose \
         name should end in `.gz`)"
    );
}

#[test]
fn counts_and_shapes_that_differ() {
    let (message, told) = Four::broken(1, &idx(&[4], &[2, 0, 1, 1]));
    assert_eq!(
        message,
        "`DIR/labels`: counts that differ at byte 4: expected 3 labels, as many as `DIR/images` has images, found 4"
    );
    assert!(told);
    let (message, told) = Four::broken(2, &idx(&[2, 3, 2], &pattern(12)));
    assert_eq!(
        message,
        "`DIR/test-images`: shapes that differ at byte 8: expected images of 2×3×1, as in `DIR/images`, found 3×2×1"
    );
    assert!(told);
}

#[test]
fn labels_out_of_range() {
    let (message, told) = Four::broken(3, &idx(&[2], &[2, 3]));
    assert_eq!(message, "`DIR/test-labels`: label out of range at byte 9: expected a label below 3, found 3");
    assert!(!told);
    let four = Four::valid("");
    let traits = Traits {
        classes: 2,
        scale: 255,
        channels: ChannelStatistics::constants(&[0.5], &[0.5]),
        class_names: &[],
    };
    assert_eq!(
        four.folder.message(open_known(four.files(), &traits)),
        "`DIR/labels`: label out of range at byte 8: expected a label below 2, found 2"
    );
}

#[test]
fn headers_that_promise_nothing_or_too_much() {
    let (message, _) = Four::broken(0, &idx(&[0, 2, 3], &[]));
    assert_eq!(message, "`DIR/images`: empty at byte 4: expected at least one image, found 0");
    let (message, _) = Four::broken(0, &idx(&[3, 2, 0], &[]));
    assert_eq!(message, "`DIR/images`: empty at byte 12: expected at least one column, found 0");
    let (message, _) = Four::broken(0, &idx(&[u32::MAX, u32::MAX, u32::MAX], &[]));
    assert_eq!(
        message,
        "`DIR/images`: too large at byte 4: expected at most 4294967295 values, found 4294967295 images of \
         4294967295×4294967295×1"
    );
}

#[test]
fn a_header_that_promises_far_more_than_there_is() {
    let four = Four::valid(".gz");
    four.folder.write("images.gz", &idx(&[3, 40_000, 30_000], &[1; 20]));
    assert_eq!(
        four.folder.message(open(four.files())),
        "`DIR/test-images.gz`: shapes that differ at byte 8 of the decompressed data: expected images of \
         40000×30000×1, as in `DIR/images.gz`, found 2×3×1"
    );
    four.folder.write("test-images.gz", &idx(&[2, 40_000, 30_000], &[1; 20]));
    assert_eq!(
        four.folder.message(open(four.files())),
        "`DIR/images.gz`: truncated at byte 36 of the decompressed data: expected 3600000016 bytes, found 36"
    );
}

#[test]
fn files_that_are_no_gzip_data() {
    let (message, told) = Four::broken_as(".gz", 0, &idx(&[3, 2, 3], &pattern(18)));
    assert_eq!(
        message,
        "`DIR/images.gz`: not gzip data at byte 0: expected 1f8b, as the name ends in `.gz`, found 0000"
    );
    assert!(told);
    let (message, _) = Four::broken_as(".gz", 0, &[]);
    assert_eq!(
        message,
        "`DIR/images.gz`: not gzip data at byte 0: expected 1f8b, as the name ends in `.gz`, found nothing"
    );
}

#[test]
fn damaged_gzip_data() {
    let whole = gzip(&idx(&[3, 2, 3], &pattern(18)));
    let (message, _) = Four::broken_as(".gz", 0, &whole[..whole.len() - 4]);
    assert_eq!(
        message,
        "`DIR/images.gz`: truncated at byte 34 of the decompressed data: expected the end of the gzip data, found \
         the end of the file"
    );
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let (message, _) = Four::broken_as(".gz", 0, &damaged);
    assert_eq!(
        message,
        "`DIR/images.gz`: corrupt gzip data at byte 34 of the decompressed data: expected an intact stream, found \
         damaged bytes"
    );
}

#[test]
fn paths_that_are_no_files() {
    let four = Four::valid("");
    let files = Files { images: Path::new("no/such/file"), ..four.files() };
    assert_eq!(four.folder.message(open(files)), "`no/such/file`: expected a file, found nothing");
    let files = Files { images: four.folder.root(), ..four.files() };
    assert_eq!(four.folder.message(outline(files)), "`DIR`: expected a file, found a folder");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        which in 0usize..4,
        dimensions in prop::collection::vec(0u32..5, 0..5),
        body in prop::collection::vec(0u8..4, 0..40),
        cut in 0usize..60,
        zipped: bool,
    ) {
        let four = Four::valid(if zipped { ".gz" } else { "" });
        let mut bytes = idx(&dimensions, &body);
        bytes.truncate(cut);
        let bytes = if zipped { gzip(&bytes) } else { bytes };
        std::fs::write(&four.paths[which], bytes).unwrap();
        if let Ok(Dataset { train, test, .. }) = open(four.files()) {
            for part in [train, test] {
                prop_assert_eq!(part.bytes().len(), part.len() * part.shape().values());
                prop_assert!(part.labels.iter().all(|&label| usize::from(label) < part.classes));
            }
        }
    }
}
