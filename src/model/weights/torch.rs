//! What `torch.save` writes: a zip archive since PyTorch 1.6, pickles one after the other before.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::file::Stored;
use super::pickle::{self, Id, LONGEST, Pickle, Value, View};

/// Keys of checkpoints under which their weights stand.
const WRAPPERS: [&str; 4] = ["state_dict", "model", "model_state_dict", "net"];
/// First number of a file before PyTorch 1.6.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// The tensors of an archive.
pub(super) fn zipped(file: &mut File) -> Result<BTreeMap<String, Stored>, String> {
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
    let mut places = HashMap::new();
    let mut pickle = None;
    for index in 0..archive.len() {
        let mut entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        let name = entry.name().to_owned();
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("`{name}` in it is compressed, as PyTorch never does"));
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            pickle = Some((name.trim_end_matches("data.pkl").to_owned(), whole(&mut entry)?));
        } else if name.ends_with("/byteorder") && whole(&mut entry)? != b"little" {
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
    tensors(&pickle, storage)
}

/// The bytes of an entry that holds names, not values.
fn whole(entry: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    entry.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > LONGEST { Err(format!("its pickle is longer than {LONGEST} bytes")) } else { Ok(bytes) }
}

/// The tensors of a file of pickles: magic number, version, machine, the object, keys of the storages; then each
/// storage's length and values.
pub(super) fn legacy(file: &mut File, length: u64) -> Result<BTreeMap<String, Stored>, String> {
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
    tensors(&object, |view| {
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

/// The named tensors of a state dict, which may stand inside a checkpoint.
fn tensors(
    pickle: &Pickle,
    storage: impl Fn(&View) -> Result<[u64; 2], String>,
) -> Result<BTreeMap<String, Stored>, String> {
    let entries = pickle.entries(state_dict(pickle).ok_or("there is no state dict in it")?);
    let mut tensors = BTreeMap::new();
    for (name, id) in entries {
        let Value::Tensor(view) = pickle.value(id) else { continue };
        let [start, end] = storage(view)?;
        let size = (view.storage.dtype.bitsize() / 8) as u64;
        let declared = (view.storage.length as u64).saturating_mul(size);
        let stored = Stored {
            dtype: view.storage.dtype,
            shape: view.shape.clone(),
            strides: view.strides.clone(),
            offset: view.offset,
            storage: [start, end.min(start.saturating_add(declared))],
        };
        tensors.insert(name.to_owned(), stored);
    }
    Ok(tensors)
}

fn state_dict(pickle: &Pickle) -> Option<Id> {
    let entries = pickle.entries(pickle.root);
    let is_tensor = |id: Id| matches!(pickle.value(id), Value::Tensor(_));
    if entries.iter().any(|&(_, id)| is_tensor(id)) {
        return Some(pickle.root);
    }
    let named = |wrapper: &&str| entries.iter().find(|(name, _)| *name == *wrapper).map(|&(_, id)| id);
    WRAPPERS.iter().find_map(named)
}
