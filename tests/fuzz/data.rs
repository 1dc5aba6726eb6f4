//! Files of images: idx, CIFAR's records, arrays of NumPy, PNG, JPEG, WebP, gzip around them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flatrun::data::{DataError, Disk, open, probe};
use flatrun::lang::catalog::Source;
use flatrun::lang::{Settings, check};
use tempfile::TempDir;

use crate::target::Target;

/// The files of a data set that is as it should be, and what the language makes of it.
struct Set {
    folder: TempDir,
    source: Source,
}

impl Set {
    /// `FOLDER` in `data` stands for the folder of the files.
    fn new(files: &[(&str, &[u8])], data: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            fs::write(path, bytes).expect("a writable folder");
        }
        let root = folder.path().display().to_string();
        let text =
            format!("edition 2026\ndata {}\nmodel mlp\ntrain 1 epochs\n", data.replace("FOLDER", &root));
        let checked = check(&text, &Settings::default(), &Disk);
        let program = checked.program.unwrap_or_else(|| panic!("{text}{:#?}", checked.diagnostics));
        Self { source: program.variants[0].experiment.data.source.clone(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a check looks at, then every image.
    fn read(&self) -> Result<(), DataError> {
        probe(&self.source)?;
        let set = open(&self.source)?;
        for corpus in [&set.train, &set.test] {
            (0..corpus.len() as u32).try_for_each(|index| corpus.raw(index).map(drop))?;
        }
        Ok(())
    }

    /// Reads the set with `bytes` in the place of one of its files.
    fn with(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a writable folder");
        if let Err(error) = self.read() {
            assert!(!error.to_string().is_empty());
        }
    }
}

fn target(name: &str, seeds: Vec<Vec<u8>>, inputs: u64) -> Target<'_> {
    Target { name, seeds, words: &["\0\0\0\0", "IDAT", "IEND", "\u{8}\u{3}"], inputs, memory: 16 << 20 }
}

/// A header may claim as many pixels as are decoded at all, 2^26, and room for them is taken before the data end.
fn image(name: &str, seeds: Vec<Vec<u8>>, inputs: u64) -> Target<'_> {
    Target { memory: 6 << 26, ..target(name, seeds, inputs) }
}

fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|place| (place * 37 % 251) as u8).collect()
}

fn idx(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|dimension| bytes.extend(dimension.to_be_bytes()));
    bytes.extend(body);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

const IDX: &str = "idx(images = \"FOLDER/ti\", labels = \"FOLDER/tl\", \
                   test_images = \"FOLDER/vi\", test_labels = \"FOLDER/vl\")";

/// Eight training and four test images of 8x8 in two classes.
fn idx_set() -> Set {
    let images = |count: u32, add: u8| {
        idx(&[count, 8, 8], &noise(64 * count as usize).iter().map(|value| value ^ add).collect::<Vec<u8>>())
    };
    let labels = |count: u32| idx(&[count], &(0..count).map(|place| (place % 2) as u8).collect::<Vec<u8>>());
    let files = [("ti", images(8, 0)), ("tl", labels(8)), ("vi", images(4, 1)), ("vl", labels(4))];
    Set::new(&files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())), IDX)
}

#[test]
fn idx_images() {
    let set = idx_set();
    let seed = fs::read(set.path("ti")).expect("a file");
    target("idx images", vec![seed.clone(), gzip(&seed)], 3_000)
        .run_repaired(&|bytes| gzip(&bytes), &mut |bytes| set.with("ti", bytes));
}

#[test]
fn idx_labels() {
    let set = idx_set();
    let seed = fs::read(set.path("tl")).expect("a file");
    target("idx labels", vec![seed.clone(), gzip(&seed)], 2_000)
        .run_repaired(&|bytes| gzip(&bytes), &mut |bytes| set.with("tl", bytes));
}

#[test]
fn cifar_records() {
    let record = |label: usize| [vec![label as u8], noise(3072)].concat();
    let train: Vec<u8> = (0..20).flat_map(|place| record(place % 10)).collect();
    let test: Vec<u8> = (0..10)
        .flat_map(|place| record(place).into_iter().map(|byte| if byte > 9 { byte ^ 1 } else { byte }))
        .collect();
    let set =
        Set::new(&[("data_batch_1.bin", &train), ("test_batch.bin", &test)], "cifar10(root = \"FOLDER\")");
    target("cifar records", vec![test], 1_000).run(&mut |bytes| set.with("test_batch.bin", bytes));
}

/// Two classes of an image a part; the first of them is what is mutated.
fn folder_set(name: &str, image: &[u8]) -> Set {
    let names = ["train/a/", "train/b/", "val/a/", "val/b/"].map(|place| {
        let name = if place == "train/a/" { name.to_owned() } else { "0.png".to_owned() };
        format!("{place}{name}")
    });
    let own: Vec<Vec<u8>> = (1..4u8)
        .map(|k| png(8, 8, &noise(192).iter().map(|value| value ^ k).collect::<Vec<u8>>(), &[]))
        .collect();
    let files =
        [(names[0].as_str(), image), (&names[1], &own[0]), (&names[2], &own[1]), (&names[3], &own[2])];
    Set::new(&files, "folder(\"FOLDER\") augment [resize(8), center_crop(8)]")
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &crc.sum().to_be_bytes()].concat()
}

/// An 8-bit RGB image of PNG; `extra` stands before its data.
fn png(width: u32, height: u32, pixels: &[u8], extra: &[u8]) -> Vec<u8> {
    let rows = pixels.chunks(3 * width as usize).take(height as usize);
    let filtered: Vec<u8> = rows.flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let data = encoder.write_all(&filtered).and_then(|()| encoder.finish()).expect("memory");
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for part in [chunk(b"IHDR", &header), extra.to_vec(), chunk(b"IDAT", &data), chunk(b"IEND", &[])] {
        bytes.extend(part);
    }
    bytes
}

/// Checksums that fit, as far as the chunks can be walked.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if bytes.len() < end.saturating_add(4) {
            break;
        }
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}

#[test]
fn png_images() {
    let plain = png(8, 8, &noise(192), &[]);
    let orientation = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    let text = chunk(b"zTXt", b"Comment\0\0x\x9c\x4b\x04\x00\x00\x62\x00\x62");
    let seeds = vec![plain.clone(), png(8, 8, &noise(192), &orientation), png(8, 8, &noise(192), &text)];
    let set = folder_set("0.png", &plain);
    image("png", seeds, 3_000).run_repaired(&with_checksums, &mut |bytes| set.with("train/a/0.png", bytes));
}

#[test]
fn jpeg_images() {
    let mut seed = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut seed, 80);
    encoder.encode(&noise(16 * 16 * 3), 16, 16, jpeg_encoder::ColorType::Rgb).expect("memory");
    let mut grey = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut grey, 50);
    encoder.set_progressive(true);
    encoder.encode(&noise(16 * 16), 16, 16, jpeg_encoder::ColorType::Luma).expect("memory");
    let set = folder_set("0.jpg", &seed);
    image("jpeg", vec![seed, grey], 3_000).run(&mut |bytes| set.with("train/a/0.jpg", bytes));
}

/// A lossy image of 8x8.
const LOSSY: &[u8] = &[
    82, 73, 70, 70, 68, 0, 0, 0, 87, 69, 66, 80, 86, 80, 56, 32, 56, 0, 0, 0, 208, 1, 0, 157, 1, 42, 8, 0, 8,
    0, 2, 192, 76, 37, 168, 2, 116, 0, 244, 49, 138, 234, 0, 0, 254, 243, 84, 35, 63, 155, 235, 198, 221,
    223, 28, 113, 75, 245, 102, 129, 247, 15, 109, 58, 127, 218, 149, 223, 136, 125, 244, 251, 159, 128, 112,
    0,
];

#[test]
fn webp_images() {
    let mut lossless = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut lossless)
        .encode(&noise(192), 8, 8, image::ExtendedColorType::Rgb8)
        .expect("memory");
    let set = folder_set("0.webp", LOSSY);
    image("webp", vec![LOSSY.to_vec(), lossless], 2_000).run(&mut |bytes| set.with("train/a/0.webp", bytes));
}

#[test]
fn arrays_of_numpy() {
    let header = |text: &str| {
        let padded = format!("{text:<117}\n");
        [b"\x93NUMPY\x01\0".as_slice(), &(padded.len() as u16).to_le_bytes(), padded.as_bytes()].concat()
    };
    let array = |shape: &str, body: &[u8]| {
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        [header(&text), body.to_vec()].concat()
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let images = array("(5, 8, 8, 1)", &noise(320));
    fs::write(folder.path().join("labels.npy"), array("(5,)", &[0, 1, 2, 3, 4])).expect("a writable folder");
    let first = folder.path().join("gaussian_noise.npy");
    let text = program_with_arrays(folder.path());
    target("npy", vec![images], 2_000).run(&mut |bytes| {
        fs::write(&first, bytes).expect("a writable folder");
        drop(check(&text, &Settings::default(), &Disk));
    });
}

fn program_with_arrays(root: &Path) -> String {
    format!(
        "edition 2026\ndata digits\nmodel mlp\ntrain 1 epochs\nevaluate corruption(root = \"{}\")\n",
        root.display()
    )
}
