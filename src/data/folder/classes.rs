//! Whether class names are fit to be labels.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::super::error::DataError;
use super::fault;
use super::letters::{composed, difference};
use super::part::{Class, Part};
use crate::diagnostic::Code;

/// Labels are 16 bits.
const MOST: usize = 1 << 16;

/// Names shown before the rest is counted.
const SHOWN: usize = 3;

/// As many classes as labels can count.
pub fn check_count(root: &Path, part: &str, classes: usize) -> Result<(), DataError> {
    if classes <= MOST {
        return Ok(());
    }
    let message = format!("{classes} classes: at most {MOST} can be labelled");
    Err(fault(Code::UnusableData, root, part, message))
}

/// Folders below `folder` that are told apart by more than their case or the form of their letters; `what` they are called
/// together.
pub fn check_names(root: &Path, folder: &str, names: &[String], what: &str) -> Result<(), DataError> {
    let mut known: HashMap<String, &String> = HashMap::new();
    for name in names {
        let letters = composed(name);
        let Some(first) = known.insert(letters.to_lowercase(), name) else { continue };
        let message = match composed(first) == letters {
            false => format!("the {what} `{first}` and `{name}` differ only in case"),
            true => {
                let (one, other) = difference(first, name);
                format!("two {what} are named `{letters}`: {one} in one name is {other} in the other")
            }
        };
        let error = fault(Code::AmbiguousClasses, root, folder, message);
        return Err(error.with_help("give one of them another name, or put their images together"));
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
    let known: HashSet<&str> = other.classes.iter().map(|class| class.name.as_str()).collect();
    one.classes.iter().map(|class| class.name.as_str()).filter(|name| !known.contains(name)).collect()
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// A class without an image that could be learned from.
pub fn empty_class(root: &Path, path: &str, class: &Class) -> DataError {
    let message = match class.left_out() {
        0 => "a class folder without an image".to_owned(),
        count => format!("a class folder without an image: `on_error = skip` leaves out {count}"),
    };
    fault(Code::EmptyClass, root, path, message).with_help("put images into it, or remove the folder")
}
