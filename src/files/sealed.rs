//! Records of a folder with their hashes beside them, so that a damaged record is never taken for a good one.
//!
//! `hashes.json` is written before each record, with the hash that the record will have: after a kill between the two
//! the old record or the new one is there, and both are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{link_atomic, write_atomic};

/// Name of the file that holds the hashes.
pub const TABLE: &str = "hashes.json";

/// A record that changes while it is read is read again so often.
const ATTEMPTS: usize = 4;

/// A folder whose records are known by their names in it, `fields/final.json`. One process writes at a time.
#[derive(Clone, Debug)]
pub struct Sealed(PathBuf);

/// Why a record is not to be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("its content is not what was written")]
    Changed,
    #[error("it is not there")]
    Gone,
    #[error("no hash of it was kept")]
    Unknown,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Hashes {
    /// BLAKE3 of each record.
    files: BTreeMap<String, String>,
    /// The record that was written last, which a kill may have kept from being written.
    last: Option<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Table {
    hashes: Hashes,
    /// Of all the above.
    hash: String,
}

impl Hashes {
    fn hash(&self) -> String {
        // Names and hashes are text, which JSON can express.
        hash(&serde_json::to_vec(self).unwrap_or_default())
    }

    fn holds(&self, name: &str, hash: &str) -> bool {
        let last = self.last.as_ref().filter(|(last, _)| last == name);
        self.files.get(name).is_some_and(|known| known == hash) || last.is_some_and(|(_, last)| last == hash)
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl Sealed {
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The record of this name; `None` where none was ever written.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let mut found = self.read_once(name);
        for _ in 1..ATTEMPTS {
            // Between the readings of hashes and record another process may have written both.
            if found != Err(Fault::Changed) {
                break;
            }
            found = self.read_once(name);
        }
        found
    }

    fn read_once(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let hashes = self.hashes();
        match fs::read(self.0.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let known = hashes.is_ok_and(|hashes| hashes.files.contains_key(name));
                if known { Err(Fault::Gone) } else { Ok(None) }
            }
            Err(error) => Err(Fault::Unreadable(error.to_string())),
            Ok(bytes) => {
                let hashes = hashes.map_err(|_| Fault::Unknown)?;
                let last = hashes.last.as_ref().is_some_and(|(last, _)| last == name);
                match hashes.holds(name, &hash(&bytes)) {
                    true => Ok(Some(bytes)),
                    false if last || hashes.files.contains_key(name) => Err(Fault::Changed),
                    false => Err(Fault::Unknown),
                }
            }
        }
    }

    /// Writes a record, whole or not at all; nothing is written where it is there already.
    ///
    /// # Errors
    /// Any I/O error; the record is as before.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.read_once(name).is_ok_and(|known| known.as_deref() == Some(bytes)) {
            return Ok(());
        }
        self.announce(name, hash(bytes))?;
        write_atomic(&self.0.join(name), bytes)
    }

    /// Makes a record the same file as `from`, whose bytes are `content`.
    ///
    /// # Errors
    /// As [`Sealed::write`].
    pub fn link(&self, name: &str, from: &Path, content: &[u8]) -> io::Result<()> {
        self.announce(name, hash(content))?;
        link_atomic(from, &self.0.join(name), content)
    }

    /// The records that are not to be used, the table of hashes among them, with the reason.
    pub fn damaged(&self) -> Vec<(String, Fault)> {
        let mut damaged = Vec::new();
        let names = self.names();
        if let Some(fault) = self.fault().filter(|_| !names.is_empty()) {
            damaged.push((TABLE.to_owned(), fault));
        }
        for name in names {
            if let Err(fault) = self.read(&name) {
                damaged.push((name, fault));
            }
        }
        damaged
    }

    /// What is wrong with the table of hashes itself.
    pub fn fault(&self) -> Option<Fault> {
        self.hashes().err()
    }

    /// The records that are there or should be, by name.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        if let Ok(hashes) = self.hashes() {
            names.extend(hashes.files.into_keys().chain(hashes.last.map(|(name, _)| name)));
        }
        names.extend(records_in(&self.0, ""));
        names.extend(records_in(&self.0.join("fields"), "fields/"));
        names
    }

    /// Notes the hash that a record is about to have.
    fn announce(&self, name: &str, hash: String) -> io::Result<()> {
        let mut hashes = self.hashes().unwrap_or_default();
        if let Some((last, noted)) = hashes.last.take() {
            let written = fs::read(self.0.join(&last)).is_ok_and(|bytes| self::hash(&bytes) == noted);
            if written {
                hashes.files.insert(last, noted);
            }
        }
        hashes.last = Some((name.to_owned(), hash));
        let table = Table { hash: hashes.hash(), hashes };
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        write_atomic(&self.0.join(TABLE), &serde_json::to_vec_pretty(&table).map_err(io::Error::other)?)
    }

    fn hashes(&self) -> Result<Hashes, Fault> {
        let bytes = fs::read(self.0.join(TABLE)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Gone,
            _ => Fault::Unreadable(error.to_string()),
        })?;
        let table: Table = serde_json::from_slice(&bytes).map_err(|_| Fault::Changed)?;
        if table.hash == table.hashes.hash() { Ok(table.hashes) } else { Err(Fault::Changed) }
    }
}

/// Names of the files in a folder that hold records.
fn records_in(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_record = |name: &String| {
        name != TABLE && [".json", ".csv", ".flat"].iter().any(|extension| name.ends_with(extension))
    };
    names.filter(is_record).map(|name| format!("{prefix}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Sealed) {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Sealed::new(folder.path());
        (folder, sealed)
    }

    #[test]
    fn what_was_written_is_read_and_what_was_changed_is_not() {
        let (folder, sealed) = folder();
        assert_eq!(sealed.read("a.json"), Ok(None));
        sealed.write("a.json", b"1").unwrap();
        sealed.write("fields/b.json", b"2").unwrap();
        assert_eq!(sealed.read("a.json"), Ok(Some(b"1".to_vec())));
        assert_eq!(sealed.damaged(), []);
        fs::write(folder.path().join("a.json"), "9").unwrap();
        assert_eq!(sealed.read("a.json"), Err(Fault::Changed));
        fs::remove_file(folder.path().join("a.json")).unwrap();
        assert_eq!(sealed.damaged(), [("a.json".to_owned(), Fault::Gone)]);
        sealed.write("a.json", b"3").unwrap();
        assert_eq!(sealed.damaged(), []);
    }

    #[test]
    fn a_kill_between_hash_and_record_leaves_the_old_or_the_new() {
        let (folder, sealed) = folder();
        for content in [None, Some(&b"1"[..])] {
            sealed.announce("a.json", hash(b"2")).unwrap();
            assert_eq!(sealed.read("a.json"), Ok(content.map(<[u8]>::to_vec)), "the old");
            fs::write(folder.path().join("a.json"), "2").unwrap();
            assert_eq!(sealed.read("a.json"), Ok(Some(b"2".to_vec())), "the new");
            sealed.write("a.json", b"1").unwrap();
            sealed.announce("b.json", hash(b"3")).unwrap();
            assert_eq!(sealed.read("a.json"), Ok(Some(b"1".to_vec())), "after a kill at another record");
        }
    }

    #[test]
    fn without_a_good_table_nothing_is_good() {
        let (folder, sealed) = folder();
        sealed.write("a.json", b"1").unwrap();
        let table = folder.path().join(TABLE);
        let text = fs::read_to_string(&table).unwrap();
        fs::write(&table, text.replace("a.json", "c.json")).unwrap();
        let both = [(TABLE.to_owned(), Fault::Changed), ("a.json".to_owned(), Fault::Unknown)];
        assert_eq!(sealed.damaged(), both);
        fs::remove_file(&table).unwrap();
        assert_eq!(sealed.damaged()[0], (TABLE.to_owned(), Fault::Gone));
        assert_eq!(sealed.read("a.json"), Err(Fault::Unknown));
    }

    #[test]
    fn a_reader_beside_a_writer_sees_whole_records() {
        let (_folder, sealed) = folder();
        sealed.write("a.json", b"0").unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for number in 0..100 {
                    sealed.write("a.json", number.to_string().as_bytes()).unwrap();
                }
            });
            while !writer.is_finished() {
                assert!(matches!(sealed.read("a.json"), Ok(Some(_))));
            }
        });
    }
}
