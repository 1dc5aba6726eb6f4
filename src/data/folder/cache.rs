//! Lists of files kept between runs, in the user's cache folder: `$XDG_CACHE_HOME/flatrun`, or `~/.cache/flatrun`.
//!
//! A list that is not there, not whole or not writable is no error: it is made anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::files::write_atomic;

/// Version of the form of a list.
const SCHEMA: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Kept<P> {
    schema: u32,
    root: PathBuf,
    part: P,
}

/// The list of a part, as it was when it was kept.
pub fn load(root: &Path, part: &str) -> Option<Part> {
    let kept: Kept<Part> = serde_json::from_slice(&fs::read(place(root, part)?).ok()?).ok()?;
    (kept.schema == SCHEMA && kept.root == root && kept.part.path == part).then_some(kept.part)
}

/// Keeps the list of a part.
pub fn store(root: &Path, part: &Part) {
    let kept = Kept { schema: SCHEMA, root: root.to_owned(), part };
    let written = || -> Option<()> {
        let path = place(root, &part.path)?;
        fs::create_dir_all(path.parent()?).ok()?;
        write_atomic(&path, &serde_json::to_vec(&kept).ok()?).ok()
    };
    // Nothing depends on it but time.
    let _ = written();
}

fn place(root: &Path, part: &str) -> Option<PathBuf> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(root.as_os_str().as_encoded_bytes());
    hasher.update(&[0]);
    hasher.update(part.as_bytes());
    let name = hasher.finalize().to_hex();
    Some(folder()?.join("flatrun").join(format!("files-{}.json", &name[..32])))
}

fn folder() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("XDG_CACHE_HOME").or_else(|| named("LOCALAPPDATA")).or_else(|| Some(named("HOME")?.join(".cache")))
}
