//! Files of weights: safetensors, PyTorch's archives, and the pickles in them.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flatrun::model::WeightsFile;

use crate::target::Target;

fn read(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a writable folder");
    match WeightsFile::open(path) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(mut file) => {
            let tables: Vec<_> = file.tables().iter().map(|table| table.tensors.clone()).collect();
            for stored in tables.iter().flat_map(|tensors| tensors.values()) {
                // Whoever asks for a tensor knows its size from the network.
                if stored.count().is_some_and(|values| values < 1 << 16) {
                    drop(file.read(stored));
                }
            }
        }
    }
}

fn run(name: &str, seed: Vec<u8>, inputs: u64, repair: &dyn Fn(Vec<u8>) -> Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights");
    let words = &[
        "F32",
        "BF16",
        "weight",
        "shape",
        "data_offsets",
        "[18446744073709551615]",
        "\u{1}",
        "cos\nsystem\n",
    ];
    let target = Target { name, seeds: vec![seed], words, inputs, memory: 32 << 20 };
    target.run_repaired(repair, &mut |bytes| read(&path, bytes));
}

#[test]
fn safetensors() {
    let header = r#"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#;
    let seed = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[7; 32]].concat();
    run("safetensors", seed, 4_000, &|bytes| bytes);
}

/// The pickle of a state dict of one tensor of 2x3, as `torch.save` writes it.
fn pickle() -> Vec<u8> {
    let text = |text: &str| [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    bytes.extend(text("a.weight"));
    bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    bytes.extend(text("storage"));
    bytes.extend(b"ctorch\nFloatStorage\n");
    bytes.extend([text("0"), text("cpu")].concat());
    bytes.extend(b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtRu.");
    bytes
}

/// A file as `torch.save` writes it, around a pickle.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[7; 24]), ("a/version", b"3\n")] {
        packed.start_file(name, stored).expect("memory");
        packed.write_all(bytes).expect("memory");
    }
    packed.finish().expect("memory").into_inner()
}

#[test]
fn archives_of_pytorch() {
    run("pytorch archive", archive(&pickle()), 3_000, &|bytes| bytes);
}

/// Checksums of the archive fit what is in it.
#[test]
fn pickles() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.pth");
    read_well(&path);
    let words = &["cos\nsystem\n", "c__builtin__\neval\n", "(", ".", "R", "}", "ctorch\nFloatStorage\n"];
    let target = Target { name: "pickle", seeds: vec![pickle()], words, inputs: 3_000, memory: 32 << 20 };
    target.run(&mut |bytes| read(&path, &archive(bytes)));
}

/// What is mutated is a file that can be read.
fn read_well(path: &Path) {
    fs::write(path, archive(&pickle())).expect("a writable folder");
    let mut file = WeightsFile::open(path).expect("a state dict");
    let stored = file.tables()[0].tensors["a.weight"].clone();
    assert_eq!(file.read(&stored).expect("a tensor").len(), 6);
}
