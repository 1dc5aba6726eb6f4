//! What `torch.save` writes: a zip archive since PyTorch 1.6, pickles one after the other before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::file::{Table, Tensors};
use super::pickle::{self, LONGEST, Pickle, Value, View};
use super::stored::Stored;

/// Dictionaries inside dictionaries that are looked into.
const DEEPEST: usize = 3;
/// Dictionaries of tensors that may be the weights: the largest of a checkpoint, whose optimizer may have one for
/// every weight.
const MOST_TABLES: usize = 16;
/// Entries of an archive: one for every tensor and a few more.
const MOST_ENTRIES: u64 = 200_000;
/// First number of a file before PyTorch 1.6.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// The tensors of an archive of `length` bytes.
pub(super) fn zipped(file: &mut File, length: u64) -> Result<Vec<Table>, String> {
    let damaged = |_| "its list of contents cannot be read: the file is truncated or damaged".to_owned();
    if announced(file, length).is_some_and(|entries| entries > MOST_ENTRIES) {
        return Err(format!("it announces more than {MOST_ENTRIES} entries"));
    }
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let mut places = HashMap::new();
    let mut pickle = None;
    for index in 0..archive.len() {
        let mut entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().to_owned();
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("`{name}` in it is compressed, as PyTorch never does"));
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            let folder = name.trim_end_matches("data.pkl").to_owned();
            if pickle.replace((folder, whole(&mut entry, LONGEST)?)).is_some() {
                return Err("there are two `data.pkl` in it".into());
            }
        } else if name.ends_with("/byteorder") && whole(&mut entry, 16)? != b"little" {
            return Err("its numbers are stored with the highest byte first".into());
        }
        let start = entry.data_start().ok_or("it has an entry without a place")?;
        places.insert(name, [start, start.saturating_add(entry.size())]);
    }
    let (folder, bytes) = pickle.ok_or("there is no `data.pkl` in it")?;
    let pickle = pickle::read(&bytes)?;
    let storage = |view: &View| {
        let name = format!("{folder}data/{}", view.storage.key);
        places.get(&name).copied().ok_or_else(|| format!("there is no `{name}` in it"))
    };
    tables(&pickle, storage)
}

/// How many entries the end of a large archive announces, for which room would be made before the first is read.
fn announced(file: &mut File, length: u64) -> Option<u64> {
    const END: usize = 56 + 20 + 22;
    file.seek(SeekFrom::Start(length.checked_sub(END as u64)?)).ok()?;
    let mut end = [0; END];
    file.read_exact(&mut end).ok()?;
    end.starts_with(b"PK\x06\x06").then_some(u64::from_le_bytes(end[32..40].try_into().ok()?))
}

/// The bytes of an entry that holds names, not values.
fn whole(entry: &mut impl Read, longest: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = entry.take(longest as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|_| "its list of tensors cannot be read: the file is truncated or damaged".to_owned())?;
    match bytes.len() > longest {
        true => Err(format!("its list of tensors is longer than {longest} bytes")),
        false => Ok(bytes),
    }
}

/// The tensors of a file of pickles: magic number, version, machine, the object, keys of the storages; then each
/// storage's length and values.
pub(super) fn legacy(file: &mut File, length: u64) -> Result<Vec<Table>, String> {
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.by_ref().take(LONGEST as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut at = 0;
    let mut next = || -> Result<Pickle, String> {
        let pickle = pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok(pickle)
    };
    let magic = next()?;
    if magic.value(magic.root) != &Value::Int(MAGIC) {
        return Err("it is a pickle, but not one that `torch.save` wrote".into());
    }
    let (_, _, object, keys) = (next()?, next()?, next()?, next()?);
    let sizes = storage_sizes(&object);
    let places = storages(file, &keys, &sizes, at as u64, length)?;
    tables(&object, |view| {
        places
            .get(&view.storage.key)
            .copied()
            .ok_or_else(|| format!("storage `{}` is not in it", view.storage.key))
    })
}

/// Bytes of one value, by storage.
fn storage_sizes(pickle: &Pickle) -> HashMap<String, usize> {
    let storages = pickle.values().iter().filter_map(|value| match value {
        Value::Storage(storage) => Some((storage.key.clone(), storage.dtype.bitsize() / 8)),
        _ => None,
    });
    storages.collect()
}

fn storages(
    file: &mut File,
    keys: &Pickle,
    sizes: &HashMap<String, usize>,
    mut at: u64,
    length: u64,
) -> Result<HashMap<String, [u64; 2]>, String> {
    let Value::List(list) = keys.value(keys.root) else { return Err("its storages have no keys".into()) };
    let mut places = HashMap::new();
    for &key in list {
        let Value::Text(key) = keys.value(key) else { return Err("a storage has no key".into()) };
        let size = *sizes.get(key).ok_or_else(|| format!("nothing refers to storage `{key}`"))? as u64;
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
        file.read_exact(&mut count).map_err(|_| "it ends in the middle: the file is truncated".to_owned())?;
        let start = at + 8;
        let end = u64::from_le_bytes(count).checked_mul(size).and_then(|bytes| start.checked_add(bytes));
        let end = end.filter(|&end| end <= length).ok_or("it ends in the middle: the file is truncated")?;
        places.insert(key.clone(), [start, end]);
        at = end;
    }
    Ok(places)
}

/// The dictionaries with tensors in them, the largest first.
fn tables(
    pickle: &Pickle,
    storage: impl Fn(&View) -> Result<[u64; 2], String>,
) -> Result<Vec<Table>, String> {
    let (mut found, mut seen) = (Vec::new(), HashSet::from([pickle.root]));
    let mut open = VecDeque::from([(Vec::new(), pickle.root)]);
    while let Some((path, id)) = open.pop_front() {
        let mut tensors = Tensors::new();
        for (name, value) in pickle.entries(id) {
            match pickle.value(value) {
                Value::Tensor(view) => drop(tensors.insert(name.to_owned(), stored(view, storage(view)?))),
                Value::Dict(_) if path.len() < DEEPEST && seen.insert(value) => {
                    open.push_back(([&path[..], &[name]].concat(), value));
                }
                _ => {}
            }
        }
        if !tensors.is_empty() {
            found.push(Table { key: (!path.is_empty()).then(|| path.join(".")), tensors });
        }
    }
    if found.is_empty() {
        return Err("there is no state dict in it".into());
    }
    found.sort_by_key(|table| std::cmp::Reverse(table.tensors.len()));
    found.truncate(MOST_TABLES);
    Ok(found)
}

fn stored(view: &View, [start, end]: [u64; 2]) -> Stored {
    let dtype = view.storage.dtype;
    let declared = (view.storage.length as u64).saturating_mul((dtype.bitsize() / 8) as u64);
    Stored {
        dtype,
        shape: view.shape.clone(),
        strides: view.strides.clone(),
        offset: view.offset,
        storage: [start, end.min(start.saturating_add(declared))],
    }
}
