//! Files of weights that are damaged, or that claim what is not there: each in words about the file.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use burn_flex::{Flex, FlexDevice};
use flatrun::model::{WeightsError, load};

use crate::cnn;

fn refused(path: &Path) -> String {
    let error = load::<Flex>(path, &cnn().layout, &FlexDevice).unwrap_err();
    assert!(matches!(error, WeightsError::Format { .. }), "{error:?}");
    error.to_string()
}

fn safetensors(header: &str, values: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(vec![0; values]);
    bytes
}

fn tensor(dtype: &str, shape: &str, offsets: &str) -> String {
    format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}")
}

#[test]
fn every_damage_of_a_safetensors_header_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let one = tensor("F32", "[2]", "[0,8]");
    for (header, values, told) in [
        (format!("{{\"a\":{one}}}"), 4, "ends after the file does: the file is truncated"),
        (format!("{{\"a\":{one}}}"), 12, "there are 4 bytes behind its last tensor"),
        (format!("{{\"a\":{one}"), 8, "its header is damaged"),
        ("{]".into(), 8, "its header is damaged"),
        (format!("{{\"a\":{}}}", tensor("F31", "[2]", "[0,8]")), 8, "in a way that is not known here"),
        (format!("{{\"a\":{}}}", tensor("F32", "[-2]", "[0,8]")), 8, "in a way that is not known here"),
        (
            format!("{{\"a\":{}}}", tensor("F32", "[3]", "[0,8]")),
            8,
            "`a` of shape [3] does not fit into its 8 bytes",
        ),
        (
            format!("{{\"a\":{}}}", tensor("F32", "[4294967296,4294967296]", "[0,8]")),
            8,
            "does not fit into its 8 bytes",
        ),
        (
            format!("{{\"a\":{one},\"b\":{}}}", tensor("F32", "[2]", "[4,12]")),
            12,
            "`b` lies over another tensor",
        ),
        (
            format!("{{\"a\":{one},\"b\":{}}}", tensor("F32", "[2]", "[9,17]")),
            17,
            "`b` begins 1 bytes behind the tensor before it",
        ),
        (format!("{{\"a\":{one},\"a\":{}}}", tensor("F32", "[2]", "[8,16]")), 16, "`a` stands in it twice"),
    ] {
        std::fs::write(&path, safetensors(&header, values)).unwrap();
        let text = refused(&path);
        assert!(text.contains(told), "{header}: {text}");
    }
}

#[test]
fn a_header_is_read_only_where_it_can_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&(1u64 << 34).to_le_bytes()).unwrap();
    file.write_all(b"{").unwrap();
    assert!(refused(&path).contains("does not end within the file"), "{}", refused(&path));
    // A hole in the file, which takes no place on the disk and 16 GiB of memory if it is believed.
    file.set_len(1 << 35).unwrap();
    assert!(refused(&path).contains("at most 16777216 are read"), "{}", refused(&path));
}

/// An archive whose entries are stored as they are, or said to be compressed.
fn archive(entries: &[(&str, &[u8])], method: u16) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let start = bytes.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        let method = method.to_le_bytes();
        let middle =
            [&method[..], &[0; 8], &size, &size, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04\x14\0\0\0", &middle[..], name.as_bytes(), content].concat());
        let place = [&[0; 10][..], &start.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\0\x14\0\0\0", &middle[..], &place, name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let [length, start] = [directory.len(), bytes.len()].map(|number| (number as u32).to_le_bytes());
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &length, &start, &[0, 0]].concat());
    bytes
}

#[test]
fn every_damage_of_an_archive_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    let empty: &[u8] = b"\x80\x02}.";
    let whole = archive(&[("w/data.pkl", empty)], 0);
    for (bytes, told) in [
        (whole.clone(), "there is no state dict in it"),
        (whole[..whole.len() - 10].to_vec(), "its list of contents cannot be read"),
        (archive(&[("w/data.pkl", empty)], 8), "`w/data.pkl` in it is compressed"),
        (archive(&[("w/data.pkl", empty), ("v/data.pkl", empty)], 0), "there are two `data.pkl` in it"),
        (archive(&[("w/byteorder", b"big")], 0), "with the highest byte first"),
        (archive(&[("w/data", b"")], 0), "there is no `data.pkl` in it"),
        (archive(&[("w/data.pkl", b"\x80\x02}")], 0), "the pickle ends in the middle"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let text = refused(&path);
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn an_archive_cannot_announce_more_entries_than_it_has_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    let mut file = std::fs::File::create(&path).unwrap();
    let length = 1u64 << 36;
    let count = 1u64 << 30;
    let end = [
        &b"PK\x06\x06"[..],
        &44u64.to_le_bytes(),
        &[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &count.to_le_bytes(),
        &count.to_le_bytes(),
        &(count * 46).to_le_bytes(),
        &(length / 2).to_le_bytes(),
        b"PK\x06\x07\0\0\0\0",
        &length.to_le_bytes(),
        &[1, 0, 0, 0],
        b"PK\x05\x06\0\0\0\0",
        &[0xff; 12],
        &[0, 0],
    ]
    .concat();
    file.write_all(b"PK\x03\x04").unwrap();
    file.seek(SeekFrom::Start(length)).unwrap();
    file.write_all(&end).unwrap();
    assert!(refused(&path).contains("it announces more than 200000 entries"), "{}", refused(&path));
}
