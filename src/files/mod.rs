//! Writing files so that a reader sees the old content or the new, never a part.

mod access;
mod lock;
mod sealed;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub use access::{open_plain, other_than_file, replaceable, same_file};
pub use lock::Lock;
pub use sealed::{Fault, Sealed, TABLE};

/// A name that was taken away is taken again so often.
const ATTEMPTS: usize = 4;

const PREFIX: &str = ".flatrun-";
const SUFFIX: &str = ".part";

/// Writes `bytes` under a temporary name beside `path`, flushes them to disk, and renames; a file that was there keeps
/// its permissions. Processes and threads that write the same file at the same time do not disturb each other: the last
/// one stays.
///
/// # Errors
/// Any I/O error; the temporary file is removed and `path` is as before.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |temporary| write_and_sync(temporary, path, bytes))
}

/// Makes `to` the same file as `from`: a hard link where the file system has them, else a file of the bytes `content`,
/// which are those of `from`.
///
/// # Errors
/// As [`write_atomic`].
pub fn link_atomic(from: &Path, to: &Path, content: &[u8]) -> io::Result<()> {
    let linked = replace(to, |temporary| {
        fs::hard_link(from, temporary)?;
        Ok(None)
    });
    linked.or_else(|_| write_atomic(to, content))
}

/// Removes what processes that died while they wrote have left in a folder.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Whoever is still writing holds a lock.
        let left = name.starts_with(PREFIX)
            && name.ends_with(SUFFIX)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if left {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// [`sweep`] in a folder and all folders in it.
pub fn sweep_all(folder: &Path) {
    sweep(folder);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_all(&entry.path());
        }
    }
}

/// Puts what `make` makes under a temporary name in the place of `path`; the file it gives back stays locked until then.
fn replace(path: &Path, make: impl Fn(&Path) -> io::Result<Option<File>>) -> io::Result<()> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let temporary = temporary(path);
        let renamed = make(&temporary).and_then(|file| {
            let renamed = fs::rename(&temporary, path);
            drop(file);
            renamed
        });
        // Also where all went well: renaming one link of a file to another leaves both.
        let removed = fs::remove_file(&temporary);
        let taken = match &renamed {
            // `sweep` of another process came between the creation of the file and its lock.
            Err(error) if error.kind() == ErrorKind::NotFound => removed.is_err(),
            Err(error) => error.kind() == ErrorKind::AlreadyExists,
            Ok(()) => false,
        };
        if !taken || attempt == ATTEMPTS {
            return renamed;
        }
    }
}

/// A name beside `path` that no other call of any process on this machine has.
fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id());
        let free = path.with_file_name(name);
        // A dead process of the same number may have left one.
        if fs::symlink_metadata(&free).is_err() {
            return free;
        }
    }
}

fn write_and_sync(temporary: &Path, replaced: &Path, bytes: &[u8]) -> io::Result<Option<File>> {
    let mut file = File::options().write(true).create_new(true).open(temporary)?;
    // Some file systems have no locks; there nothing is swept.
    let _ = file.try_lock();
    if let Ok(known) = fs::metadata(replaced) {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn failure_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"new").is_err(), "a folder is no file");
        assert_eq!(names(folder.path()), ["a"]);
        let error = write_atomic(&folder.path().join("b/c"), b"new").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    /// Renaming over a file while others do the same never loses or mixes anything.
    #[test]
    fn writers_of_one_file_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        write_atomic(path, &[writer; 1000]).unwrap();
                        sweep(path.parent().unwrap());
                    }
                });
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 1000 && bytes.iter().all(|&byte| byte == bytes[0]));
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn what_a_dead_process_left_is_swept_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [dead, alive, other] = [".flatrun-1-0.part", ".flatrun-2-0.part", "mine.part"];
        for name in [dead, alive, other] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let held = File::open(folder.path().join(alive)).unwrap();
        held.try_lock().unwrap();
        sweep_all(folder.path().parent().unwrap());
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, [alive, other]);
    }

    #[test]
    fn a_link_replaces_and_leaves_no_second_name() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        for _ in 0..2 {
            link_atomic(&from, &to, b"new").unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"new");
            assert_eq!(names(folder.path()).len(), 2);
        }
        fs::remove_file(&from).unwrap();
        link_atomic(&from, &folder.path().join("copy"), b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("copy")).unwrap(), b"new");
    }
}
