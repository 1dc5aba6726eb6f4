//! A table of a file under the names of a network here: without a prefix, and renamed where others wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::file::{Table, Tensors};
use super::naming::{NAMINGS, Naming};
use super::stored::Stored;

/// The tensors of one table, by the names they have here.
pub(super) struct View {
    tensors: BTreeMap<String, Named>,
    /// What was done to find them, for the plan.
    pub notes: Vec<String>,
}

/// A tensor and the name that the file gives it.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub written: String,
    pub stored: Stored,
}

/// Names that would fit without what stands before them, and those that do not begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    pub prefix: String,
    pub fitting: usize,
    pub others: Vec<String>,
}

impl fmt::Display for Partial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, fitting, others } = self;
        write!(formatter, "{fitting} names would fit without the `{prefix}` before them")?;
        let shown: Vec<String> = others.iter().take(3).map(|name| format!("`{name}`")).collect();
        match others.len() - shown.len() {
            _ if others.is_empty() => Ok(()),
            0 => write!(formatter, ", but not all begin so: {}", shown.join(", ")),
            more => write!(formatter, ", but not all begin so: {} and {more} more", shown.join(", ")),
        }
    }
}

impl View {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn get(&self, name: &str) -> Option<&Named> {
        self.tensors.get(name)
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.get(name).map(|named| named.stored.shape.as_slice())
    }

    /// Whether both have the same values under the same names.
    pub fn same(&self, other: &Self) -> bool {
        let stored = |named: &Named| named.stored.clone();
        self.names().eq(other.names())
            && self.tensors.values().map(stored).eq(other.tensors.values().map(stored))
    }

    /// The tensors of `table` in one naming, without `prefix` where it stands; `None` where two would have one name.
    fn new(table: &Table, prefix: &str, naming: &Naming) -> Option<Self> {
        let mut tensors = BTreeMap::new();
        let mut left_out = 0;
        for (written, stored) in &table.tensors {
            let Some(name) = naming.here(written.strip_prefix(prefix).unwrap_or(written)) else {
                left_out += 1;
                continue;
            };
            let named = Named { written: written.clone(), stored: stored.clone() };
            if tensors.insert(name, named).is_some() {
                return None;
            }
        }
        let key = table.key.as_ref().map(|key| format!("read from `{key}` in it"));
        let prefix = (!prefix.is_empty()).then(|| format!("names without `{prefix}`"));
        let notes = key.into_iter().chain(prefix).chain(naming.note(left_out)).collect();
        Some(Self { tensors, notes })
    }
}

/// Every way to read a table: as it is first, then without what stands before all of its names.
pub(super) fn views(table: &Table) -> impl Iterator<Item = View> {
    let prefixes = common_prefixes(&table.tensors);
    prefixes
        .into_iter()
        .flat_map(move |prefix| NAMINGS.iter().filter_map(move |naming| View::new(table, prefix, naming)))
}

/// What all names begin with, up to a dot; nothing first.
fn common_prefixes(tensors: &Tensors) -> Vec<&str> {
    let first = tensors.keys().next().map_or("", String::as_str);
    let ends = first.match_indices('.').map(|(at, _)| &first[..=at]);
    let common = ends.take_while(|prefix| tensors.keys().all(|name| name.starts_with(prefix)));
    std::iter::once("").chain(common).collect()
}

/// The prefix that most of the `expected` names have in a table, where they have one, and the table without it.
pub(super) fn partial(table: &Table, expected: &BTreeSet<String>) -> Option<(Partial, View)> {
    let of = |naming: &'static Naming| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in table.tensors.keys() {
            for (at, _) in name.match_indices('.') {
                let here = naming.here(&name[at + 1..]);
                if here.is_some_and(|here| expected.contains(&here)) {
                    *counts.entry(&name[..=at]).or_default() += 1;
                }
            }
        }
        let (prefix, fitting) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        Some((naming, prefix, fitting))
    };
    let best = NAMINGS.iter().rev().filter_map(of).max_by_key(|(_, _, fitting)| *fitting);
    let (naming, prefix, fitting) = best.filter(|(_, _, fitting)| 2 * fitting >= expected.len())?;
    let others = table.tensors.keys().filter(|name| !name.starts_with(prefix)).cloned().collect();
    let partial = Partial { prefix: prefix.to_owned(), fitting, others };
    Some((partial, View::new(table, prefix, naming)?))
}
