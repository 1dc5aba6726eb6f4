//! The files a command is given.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::diagnostic::{Diagnostic, nearest};
use crate::files::write_atomic;
use crate::lang::{self, Checked, Settings};
use crate::run::Machine;
use crate::syntax;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A file of Flat, or standard input.
#[derive(Clone, Debug)]
pub struct Source {
    /// As messages name it.
    pub name: String,
    /// `None` for standard input.
    pub path: Option<PathBuf>,
    pub text: String,
    /// Bytes of the file before `text`: those of a byte order mark.
    pub offset: usize,
    /// Where the file is not text at all or too large; `text` then has replacement characters or is empty.
    undecodable: Option<Diagnostic>,
}

impl Source {
    /// Reads `file`; `-` is standard input.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        if file == Path::new("-") {
            let bytes = bounded(io::stdin().lock());
            let bytes = bytes.map_err(|error| Failure::unreadable(Path::new("stdin"), &error))?;
            return Ok(Self::sized("stdin".into(), None, bytes));
        }
        let bytes = File::open(file).and_then(|open| {
            let too_large = open.metadata()?.len() > syntax::LARGEST_SOURCE as u64;
            if too_large { Ok(None) } else { bounded(open) }
        });
        let bytes = bytes.map_err(|error| unreadable(file, &error))?;
        Ok(Self::sized(file.display().to_string(), Some(file.to_owned()), bytes))
    }

    /// `None` stands for more bytes than are read.
    fn sized(name: String, path: Option<PathBuf>, bytes: Option<Vec<u8>>) -> Self {
        match bytes {
            Some(bytes) => Self::new(name, path, &bytes),
            None => Self {
                undecodable: Some(syntax::too_large(syntax::LARGEST_SOURCE)),
                ..Self::new(name, path, b"")
            },
        }
    }

    fn new(name: String, path: Option<PathBuf>, bytes: &[u8]) -> Self {
        let (text, undecodable) = match syntax::decode(bytes) {
            Ok(text) => (text, None),
            Err(finding) => (String::from_utf8_lossy(bytes).into_owned(), Some(*finding)),
        };
        let marked = undecodable.is_none() && bytes.starts_with(BYTE_ORDER_MARK);
        let offset = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        Self { name, path, text, offset, undecodable }
    }

    /// The same file with another text.
    pub fn with_text(&self, text: String) -> Self {
        Self { text, ..self.clone() }
    }

    /// What the checker says.
    pub fn check(&self, settings: &Settings) -> Checked {
        match &self.undecodable {
            Some(finding) => Checked { program: None, diagnostics: vec![finding.clone()] },
            None => lang::check(&self.text, settings, &Machine),
        }
    }

    /// The canonical form.
    ///
    /// # Errors
    /// The findings of a file that has no form.
    pub fn formatted(&self) -> Result<String, Vec<Diagnostic>> {
        match &self.undecodable {
            Some(finding) => Err(vec![finding.clone()]),
            None => syntax::format(&self.text),
        }
    }

    /// Writes `text` over the file, whole or not at all; a link stays a link.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn store(&self, path: &Path) -> Result<(), Failure> {
        let written = path.canonicalize().and_then(|path| write_atomic(&path, self.text.as_bytes()));
        written.map_err(|error| Failure::unwritable(path, &error))
    }

    /// The file's name without folder and ending; `stdin` for standard input.
    pub fn stem(&self) -> String {
        let stem = self.path.as_deref().and_then(Path::file_stem);
        stem.map_or_else(|| "stdin".into(), |stem| stem.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
impl Source {
    pub fn for_test(name: &str, text: &str) -> Self {
        Self { name: name.into(), path: None, text: text.into(), offset: 0, undecodable: None }
    }
}

/// The given files, and for each folder among them the files of Flat below it, in order.
///
/// Hidden folders and run folders are passed over, and so are links to folders.
pub fn expand(files: &[PathBuf]) -> Vec<Result<PathBuf, Failure>> {
    let mut expanded = Vec::new();
    for file in files {
        if !file.is_dir() {
            expanded.push(Ok(file.clone()));
            continue;
        }
        let mut below = Vec::new();
        let read = collect(file, &mut below);
        let shown = file.display();
        match read {
            Err(failure) => expanded.push(Err(failure)),
            Ok(()) if below.is_empty() => {
                expanded.push(Err(Failure::usage(format!("there is no file `*.flat` below `{shown}`"))));
            }
            Ok(()) => expanded.extend(below.into_iter().map(Ok)),
        }
    }
    expanded
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::unreadable(folder, &error);
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        // `.` in front of every path says nothing.
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { entry.path() };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !hidden && name != "runs" => collect(&path, files)?,
            Ok(kind) if !kind.is_dir() && !hidden && path.extension().is_some_and(|end| end == "flat") => {
                files.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What can be read, up to the largest source; `None` where there is more. A pipe is read as it comes.
fn bounded(input: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    input.take(syntax::LARGEST_SOURCE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= syntax::LARGEST_SOURCE))
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    let shown = file.display();
    match error.kind() {
        ErrorKind::NotFound => {
            let missing = Failure::usage(format!("there is no file `{shown}`"));
            match neighbour(file) {
                Some(near) => missing.help(format!("the nearest file is `{near}`")),
                None => missing,
            }
        }
        ErrorKind::IsADirectory => Failure::usage(format!("`{shown}` is a folder, expected a file"))
            .help("`flatrun check` and `flatrun fmt` take every file of a folder"),
        _ => Failure::unreadable(file, error),
    }
}

/// The file of Flat beside a missing one whose name is nearest.
fn neighbour(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let stem = |name: std::ffi::OsString| Some(name.to_str()?.strip_suffix(".flat")?.to_owned());
    let mut stems: Vec<String> = names.filter_map(stem).collect();
    stems.sort();
    let name = file.file_name()?.to_str()?;
    let wanted = name.strip_suffix(".flat").unwrap_or(name);
    let near = nearest(wanted, stems.iter().map(String::as_str))?;
    Some(file.with_file_name(format!("{near}.flat")).display().to_string())
}
