//! Where weights may be written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::diagnostic::Code;
use crate::files::{replaceable, same_file};
use crate::lang::world::WorldError;

/// Whether weights may be exported to `path`, by a program that reads the files `read`: nothing is there yet, or an
/// older file of safetensors that is no record of a run.
///
/// # Errors
/// What the export would replace.
pub fn may_export(path: &Path, read: &[&Path]) -> Result<(), WorldError> {
    let taken = |problem: String, help: &str| WorldError {
        code: Code::OutputTaken,
        path: Some(path.to_owned()),
        message: format!("weights cannot be exported to `{}`: {problem}", path.display()),
        help: vec![help.to_owned()],
    };
    if let Some(from) = read.iter().find(|from| same_file(from, path)) {
        let problem = format!("the program reads `{}`, which is that file", from.display());
        return Err(taken(problem, "write to another file, or the next run starts from other weights"));
    }
    let elsewhere = "name a file that is not there yet, or an older file of safetensors";
    replaceable(path, is_safetensors).map_err(|problem| taken(problem, elsewhere))?;
    let of_run = |folder: &&Path| folder.join("events.jsonl").exists();
    match path.exists().then(|| path.ancestors().skip(1).take(2).find(of_run)).flatten() {
        Some(folder) => Err(taken(format!("it is a record of the run in `{}`", folder.display()), elsewhere)),
        None => Ok(()),
    }
}

/// Whether a file begins as one of safetensors does: the length of a header within it, then the header.
fn is_safetensors(path: &Path) -> bool {
    let head = || -> std::io::Result<([u8; 9], u64)> {
        let mut file = File::open(path)?;
        let mut first = [0; 9];
        file.read_exact(&mut first)?;
        Ok((first, file.metadata()?.len()))
    };
    let Ok(([header @ .., brace], length)) = head() else { return false };
    brace == b'{' && u64::from_le_bytes(header) <= length - 8
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SOME: &[u8] = b"\x08\0\0\0\0\0\0\0{}      ";

    fn problem(path: &Path, read: &[&Path]) -> String {
        may_export(path, read).unwrap_err().message
    }

    #[test]
    fn only_what_was_exported_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old.safetensors"), SOME).unwrap();
        fs::write(at("train.flat"), "edition 2026\n").unwrap();
        fs::write(at("short"), b"\x08\0\0\0\0\0\0\0{").unwrap();
        fs::create_dir(at("folder")).unwrap();
        for free in ["old.safetensors", "new.safetensors", "a/b/new.safetensors"] {
            may_export(&at(free), &[]).unwrap();
        }
        for (taken, why) in [
            ("train.flat", "it was not written by this program"),
            ("short", "it was not written by this program"),
            ("folder", "it is a folder"),
            ("train.flat/w", "in its path is no folder"),
        ] {
            let message = problem(&at(taken), &[]);
            assert!(message.ends_with(why), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_read_is_no_target_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("w"), SOME).unwrap();
        fs::hard_link(at("w"), at("hard")).unwrap();
        std::os::unix::fs::symlink(at("w"), at("soft")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("way")).unwrap();
        for name in ["w", "./w", "hard", "soft", "way/w"] {
            let message = problem(&at(name), &[&at("w")]);
            assert!(message.contains("the program reads"), "{name}: {message}");
        }
        may_export(&at("w"), &[&at("other")]).unwrap();
        assert!(problem(&at("w"), &[&at("soft")]).contains("the program reads"));
        assert!(problem(&at("soft"), &[]).ends_with("it is a link"));
    }

    #[test]
    fn records_of_a_run_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("events.jsonl"), "").unwrap();
        fs::create_dir(at("checkpoints")).unwrap();
        for name in ["weights.safetensors", "checkpoints/phase-1.safetensors"] {
            fs::write(at(name), SOME).unwrap();
            assert!(problem(&at(name), &[]).contains("a record of the run"), "{name}");
        }
    }
}
