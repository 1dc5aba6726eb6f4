//! Writing a report: the page, and a file for each figure.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Study;
use super::figures::{Figure, Section, results, sections};
use super::page::{FIGURES, GENERATOR, page};
use crate::files::{replaceable, write_atomic};

/// Bytes at the beginning of a file that may name its generator.
const HEAD: u64 = 2048;

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// Something else has the name of the page or of a figure.
    #[error("nothing is written to `{}`: {problem}", path.display())]
    Foreign { path: PathBuf, problem: String },
}

/// Writes `report.html` and `report/*.svg` into `folder` and returns the path of the page. Figures of an earlier
/// report that have no successor are removed; other files are left alone.
///
/// # Errors
/// Anything that cannot be written; a file of one of these names that no report wrote, a link, a pipe or a device.
pub fn publish(study: &Study, folder: &Path) -> Result<PathBuf, PublishError> {
    let path = folder.join("report.html");
    free(&path)?;
    let figures = folder.join(FIGURES);
    fs::create_dir_all(&figures).map_err(|source| PublishError::Write { path: figures.clone(), source })?;
    let (results, sections) = (results(study), sections(study));
    let names = write_figures(&figures, &results, &sections)?;
    write(&path, page(study, &results, &sections).as_bytes())?;
    clear(&figures, &names);
    Ok(path)
}

fn write_figures(
    folder: &Path,
    results: &[Figure],
    sections: &[Section],
) -> Result<BTreeSet<String>, PublishError> {
    let all = results.iter().chain(sections.iter().flat_map(|section| &section.figures));
    let mut names = BTreeSet::new();
    for figure in all {
        let name = format!("{}.svg", figure.id);
        let text = format!("<!-- {GENERATOR} -->\n{}", figure.drawing.file(&figure.title));
        let path = folder.join(&name);
        free(&path)?;
        write(&path, text.as_bytes())?;
        names.insert(name);
    }
    Ok(names)
}

/// Whether a file of a report may stand at a path.
fn free(path: &Path) -> Result<(), PublishError> {
    replaceable(path, is_ours).map_err(|problem| PublishError::Foreign { path: path.to_owned(), problem })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    write_atomic(path, bytes).map_err(|source| PublishError::Write { path: path.to_owned(), source })
}

/// Removes our figures that are not among `names`; one that stays is no harm.
fn clear(folder: &Path, names: &BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".svg") && !names.contains(&name) && is_ours(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

fn is_ours(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(GENERATOR)
}
