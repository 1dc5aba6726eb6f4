//! Opening only what is a file, and replacing only what this program may replace.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a file that lies on a disk and holds something. A pipe would wait for whoever writes into it, a device may
/// never end, and a file without a size is made up as it is read.
///
/// # Errors
/// What the system says of a path that cannot be opened; `IsADirectory`, `InvalidInput` or `UnexpectedEof` with words
/// that go on after the name: `is a pipe, not a file`.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let about = fs::metadata(path)?;
    if let Some(kind) = other_than_file(about.file_type()) {
        let error = if about.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
        return Err(io::Error::new(error, format!("is {kind}, not a file")));
    }
    match about.len() {
        0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "is empty")),
        _ => File::open(path),
    }
}

/// What stands at a path in place of a file: `a pipe`.
pub fn other_than_file(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("a folder"),
        _ if kind.is_symlink() => Some("a link"),
        other => Some(special(other)),
    }
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "a device"
}

/// Whether something new may be written to `path`: nothing is there, or a plain file that is empty or that `ours`
/// knows as one of this program.
///
/// # Errors
/// What stands in the way, as a sentence about the path: `it is a pipe`.
pub fn replaceable(path: &Path, ours: impl FnOnce(&Path) -> bool) -> Result<(), String> {
    if path.file_name().is_none() || path.to_string_lossy().ends_with(std::path::is_separator) {
        return Err("it names no file".into());
    }
    let Ok(about) = fs::symlink_metadata(path) else { return reachable(path) };
    if let Some(kind) = other_than_file(about.file_type()) {
        return Err(format!("it is {kind}"));
    }
    if about.permissions().readonly() {
        return Err("it is protected against writing".into());
    }
    match about.len() == 0 || ours(path) {
        true => reachable(path),
        false => Err("it was not written by this program".into()),
    }
}

/// Whether the folders of a path can be made, and its file in the last of them.
fn reachable(path: &Path) -> Result<(), String> {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    let exists = |folder: &&Path| folder.symlink_metadata().is_ok();
    let folder = path.ancestors().skip(1).filter(named).find(exists).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(about) if !about.is_dir() => Err(format!("`{}` in its path is no folder", folder.display())),
        Ok(_) if !writable(folder) => {
            Err(format!("nothing may be written in the folder `{}`", folder.display()))
        }
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{}` in its path leads nowhere", folder.display())),
    }
}

#[cfg(unix)]
fn writable(folder: &Path) -> bool {
    use nix::unistd::{AccessFlags, access};
    access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

#[cfg(not(unix))]
fn writable(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|about| !about.permissions().readonly())
}

/// Whether both paths lead to one file, by links of any kind.
#[cfg(unix)]
pub fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &Path| fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    place(one).is_some_and(|known| place(other) == Some(known))
}

/// Whether both paths lead to one file, by links of any kind.
#[cfg(not(unix))]
pub fn same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| fs::canonicalize(path).ok();
    place(one).is_some_and(|known| place(other) == Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_files_that_hold_something_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, empty, full] = ["pipe", "empty", "full"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(&empty, "").unwrap();
        fs::write(&full, "something").unwrap();
        let message = |path: &Path| open_plain(path).unwrap_err().to_string();
        assert_eq!(message(&pipe), "is a pipe, not a file");
        assert_eq!(message(folder.path()), "is a folder, not a file");
        assert_eq!(message(Path::new("/dev/zero")), "is a device, not a file");
        assert_eq!(message(&empty), "is empty");
        assert_eq!(open_plain(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(open_plain(&full).is_ok());
        assert_eq!(replaceable(&pipe, |_| true), Err("it is a pipe".to_owned()));
        assert_eq!(replaceable(Path::new("/dev/null"), |_| true), Err("it is a device".to_owned()));
        assert_eq!(replaceable(Path::new(".."), |_| true), Err("it names no file".to_owned()));
        assert_eq!(replaceable(&empty, |_| false), Ok(()));
        assert_eq!(replaceable(&full, |_| true), Ok(()));
        assert!(replaceable(&full, |_| false).is_err());
    }
}
