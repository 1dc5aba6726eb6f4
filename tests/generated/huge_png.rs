//! A PNG file that claims to be larger than anybody would decode.

use std::fs;
use std::path::Path;

/// Gives the header of a PNG file 30,000 x 30,000 pixels and a checksum that fits; its data stay as they are.
pub fn enlarge(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(path, bytes).unwrap();
}
