//! Data sets of the right form, made up: everything that files under `pipelines/` name, below one folder.

#![allow(dead_code, reason = "every test uses another part")]

mod weights;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// How many samples the data sets of fixed form have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As many as the published ones, all black.
    Published,
    /// Few, of noise.
    Small,
}

/// A working directory with `data` and `weights`.
pub struct World(TempDir);

impl World {
    pub fn new(size: Size) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let [mnist, cifar10, cifar100] = match size {
            Size::Published => [[60_000, 10_000], [50_000, 10_000], [50_000, 10_000]],
            Size::Small => [[60, 20], [60, 20], [10_000, 20]],
        };
        write_mnist(&data.join("mnist"), size, mnist);
        write_cifar(&data.join("cifar10"), size, cifar10, &["data_batch_1.bin", "test_batch.bin"], &[10]);
        write_cifar(&data.join("cifar100"), size, cifar100, &["train.bin", "test.bin"], &[20, 100]);
        write_folders(&data, size);
        write_domains(&data, size);
        write_weights(&folder.path().join("weights"));
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The file an image's values are drawn for: a 64-bit linear congruential generator, its high byte.
fn values(size: Size, count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    match size {
        Size::Published => vec![(seed ^ seed >> 16) as u8; count],
        Size::Small => (0..count).map(|_| next()).collect(),
    }
}

/// Images of one name are in no other: test images that train are told.
fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)) << 16
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    fs::write(path, bytes).expect("a writable folder");
}

fn write_mnist(root: &Path, size: Size, [train, test]: [u32; 2]) {
    for (part, count) in [("train", train), ("t10k", test)] {
        let images = values(size, count as usize * 28 * 28, seed_of(part));
        write(&root.join(format!("{part}-images-idx3-ubyte")), &idx(&[count, 28, 28], &images));
        let labels: Vec<u8> = (0..count).map(|index| (index % 10) as u8).collect();
        write(&root.join(format!("{part}-labels-idx1-ubyte")), &idx(&[count], &labels));
    }
}

fn idx(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|dimension| bytes.extend(dimension.to_be_bytes()));
    bytes.extend(body);
    bytes
}

/// Records of one label per entry of `labels`, then 3x32x32 values.
fn write_cifar(root: &Path, size: Size, counts: [u32; 2], names: &[&str; 2], labels: &[u32]) {
    const IMAGE: usize = 3 * 32 * 32;
    for (name, count) in names.iter().zip(counts) {
        let images = values(size, count as usize * IMAGE, u64::from(count));
        let mut bytes = Vec::with_capacity(images.len() + labels.len() * count as usize);
        for (index, image) in images.chunks(IMAGE).enumerate() {
            bytes.extend(labels.iter().map(|classes| (index as u32 % classes) as u8));
            bytes.extend(image);
        }
        write(&root.join(name), &bytes);
    }
}

/// Class folders: large enough for a batch of their files where files are checked and planned, else tiny.
fn write_folders(data: &Path, size: Size) {
    let parts = [
        ("imagenet", "val", 520),
        ("imagenette2", "val", 160),
        ("cars", "test", 130),
        ("aircraft", "test", 130),
        ("cub", "test", 130),
        ("food101", "test", 130),
    ];
    for (name, test, batch) in parts {
        let train = if size == Size::Published { batch } else { 20 };
        write_classes(&data.join(name).join("train"), 10, train);
        write_classes(&data.join(name).join(test), 10, 10);
    }
}

/// Four collections of four domains, each as large as a third of a batch of 96 after a fifth was held out, or tiny.
fn write_domains(data: &Path, size: Size) {
    let collections = [
        ("PACS", ["art_painting", "cartoon", "photo", "sketch"]),
        ("VLCS", ["Caltech101", "LabelMe", "SUN09", "VOC2007"]),
        ("OfficeHome", ["Art", "Clipart", "Product", "Real World"]),
        ("TerraIncognita", ["location_100", "location_38", "location_43", "location_46"]),
    ];
    let count = if size == Size::Published { 44 } else { 20 };
    for (name, domains) in collections {
        domains.iter().for_each(|domain| write_classes(&data.join(name).join(domain), 4, count));
    }
}

/// What torchvision publishes under these names, and a small network.
fn write_weights(root: &Path) {
    weights::write(&root.join("resnet18-f37072fd.pth"), "resnet18");
    weights::write(&root.join("resnet50-0676ba61.pth"), "resnet50");
    weights::write(&root.join("vit_b_16-c867db91.pth"), "vit_b16");
    weights::write(&root.join("small_vit.pth"), "vit(patch = 32, width = 24, depth = 1)");
}

/// `count` PNG images of noise in `classes` folders in turn; no two neighbours have the same size.
fn write_classes(root: &Path, classes: usize, count: usize) {
    let name = root.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    for index in 0..count {
        let folder = root.join(format!("class{}", index % classes));
        fs::create_dir_all(&folder).expect("a writable folder");
        let (width, height) = (24 + index as u32 % 5, 20 + index as u32 % 3);
        let noise = values(Size::Small, (width * height * 3) as usize, seed_of(name) + index as u64);
        let (path, colours) = (folder.join(format!("{index}.png")), lodepng::ColorType::RGB);
        lodepng::encode_file(path, &noise, width as usize, height as usize, colours, 8)
            .expect("a writable folder");
    }
}
