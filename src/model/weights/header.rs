//! The header of a file of safetensors: JSON that lists tensors, which fill the rest of the file in their order.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use safetensors::tensor::TensorInfo;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use super::file::Tensors;
use super::stored::{Stored, contiguous};

/// Most bytes of a header: names and shapes of a hundred thousand tensors.
const LONGEST: u64 = 16 << 20;

/// What stands in a header besides `__metadata__`.
struct Header(Vec<(String, TensorInfo)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("tensors by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut tensors = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "__metadata__" => drop(map.next_value::<IgnoredAny>()?),
                        _ => tensors.push((name, map.next_value()?)),
                    }
                }
                Ok(Header(tensors))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The tensors of a file of `length` bytes.
///
/// # Errors
/// A header that is not one, or that does not describe the bytes behind it.
pub(super) fn read(file: &mut File, length: u64) -> Result<Tensors, String> {
    let (begin, bytes) = header(file, length)?;
    let Header(mut listed) = serde_json::from_slice(&bytes).map_err(|error| misread(&error))?;
    listed.sort_by_key(|(_, info)| info.data_offsets);
    let mut tensors = Tensors::new();
    let mut at = 0;
    for (name, info) in listed {
        covers(&info, at).map_err(|problem| format!("`{name}` {problem}"))?;
        let (from, to) = info.data_offsets;
        at = to;
        let storage = [from, to].map(|offset| begin.saturating_add(offset as u64));
        let (dtype, shape) = (info.dtype, info.shape);
        let stored = Stored { dtype, strides: contiguous(&shape), shape, offset: 0, storage };
        if tensors.insert(name.clone(), stored).is_some() {
            return Err(format!("`{name}` stands in it twice"));
        }
    }
    match begin.saturating_add(at as u64) {
        end if end < length => Err(format!("there are {} bytes behind its last tensor", length - end)),
        _ => Ok(tensors),
    }
}

/// Where the values begin, and the bytes before them.
fn header(file: &mut File, length: u64) -> Result<(u64, Vec<u8>), String> {
    let unread = |_: std::io::Error| "its header cannot be read to the end".to_owned();
    let mut size = [0; 8];
    file.seek(SeekFrom::Start(0)).map_err(unread)?;
    file.read_exact(&mut size).map_err(unread)?;
    let size = u64::from_le_bytes(size);
    let begin = size.checked_add(8).filter(|&begin| begin <= length);
    let begin = begin.ok_or("its header does not end within the file: the file is truncated")?;
    if size > LONGEST {
        return Err(format!("its header has {size} bytes, at most {LONGEST} are read"));
    }
    let mut bytes = vec![0; size as usize];
    file.read_exact(&mut bytes).map_err(unread)?;
    Ok((begin, bytes))
}

/// A tensor begins where the one before ends, and is as long as its shape says.
fn covers(info: &TensorInfo, at: usize) -> Result<(), String> {
    let (from, to) = info.data_offsets;
    if from < at || to < from {
        return Err("lies over another tensor".into());
    }
    if from > at {
        return Err(format!("begins {} bytes behind the tensor before it", from - at));
    }
    let count = info.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
    match count.and_then(|count| count.checked_mul(info.dtype.bitsize())) {
        Some(bits) if bits.is_multiple_of(8) && bits / 8 == to - from => Ok(()),
        _ => Err(format!("of shape {:?} does not fit into its {} bytes", info.shape, to - from)),
    }
}

/// What a reader of JSON found, in words about the file.
fn misread(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => "its header describes a tensor in a way that is not known here".into(),
        Category::Syntax | Category::Eof | Category::Io => "its header is damaged".into(),
    }
}
