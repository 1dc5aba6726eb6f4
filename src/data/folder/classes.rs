//! Whether class names are fit to be labels.

use std::collections::HashMap;
use std::path::Path;

use super::super::error::DataError;
use super::fault;
use super::part::Part;
use crate::diagnostic::Code;

/// Labels are 16 bits.
const MOST: usize = 1 << 16;

/// Names shown before the rest is counted.
const SHOWN: usize = 3;

/// Names that are told apart by more than their case.
pub fn check_names(root: &Path, part: &str, names: &[String]) -> Result<(), DataError> {
    if names.len() > MOST {
        let message = format!("{} classes: at most {MOST} can be labelled", names.len());
        return Err(fault(Code::UnusableData, root, part, message));
    }
    let mut known: HashMap<String, &String> = HashMap::new();
    for name in names {
        if let Some(first) = known.insert(name.to_lowercase(), name) {
            let message = format!("the classes `{first}` and `{name}` differ only in case");
            let error = fault(Code::AmbiguousClasses, root, part, message);
            return Err(error.with_help("give one of them another name, or put their images together"));
        }
    }
    Ok(())
}

/// Parts whose labels mean the same.
pub fn same_classes(root: &Path, parts: &[&Part]) -> Result<(), DataError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    for other in rest {
        let [only_first, only_other] =
            [(first, other), (other, first)].map(|(one, other)| missing(one, other));
        if only_first.is_empty() && only_other.is_empty() {
            continue;
        }
        let lacks = |part: &Part, names: Vec<&str>| {
            (!names.is_empty()).then(|| format!("`{}` lacks {}", part.path, listed(&names)))
        };
        let lacking: Vec<String> =
            [lacks(other, only_first), lacks(first, only_other)].into_iter().flatten().collect();
        let message =
            format!("`{}` and `{}` have different classes: {}", first.path, other.path, lacking.join("; "));
        return Err(fault(Code::ClassesDiffer, root, "", message).with_help(
            "a label is a place in the list of classes: the list must be the same in every part",
        ));
    }
    Ok(())
}

/// Classes of `one` that `other` does not have.
fn missing<'p>(one: &'p Part, other: &Part) -> Vec<&'p str> {
    let has = |name: &str| other.classes.binary_search_by(|class| class.name.as_str().cmp(name)).is_ok();
    one.classes.iter().map(|class| class.name.as_str()).filter(|name| !has(name)).collect()
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// A class without an image that could be learned from.
pub fn empty_class(root: &Path, path: &str) -> DataError {
    fault(Code::EmptyClass, root, path, "a class folder without an image")
        .with_help("put images into it, or remove the folder")
}
