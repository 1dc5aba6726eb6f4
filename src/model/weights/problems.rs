//! What keeps the weights of a file from being those of a network.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::Table;
use super::meant::Meant;
use super::view::{View, partial, views};
use super::{WeightsError, WeightsFile};
use crate::lang::catalog::Head;
use crate::model::Layout;

/// Problems of a file that are listed; the rest is counted.
const LISTED: usize = 8;

/// Names and shapes that a network needs, and whether they belong to its last layer.
pub(super) fn expected(layout: &Layout) -> impl Iterator<Item = (String, Vec<usize>, bool)> {
    let parameters = layout.all().into_iter().map(|(p, _)| (p.name.clone(), p.shape.clone(), p.head));
    let running = layout.norms.iter().flat_map(|norm| {
        ["running_mean", "running_var"]
            .map(|part| (format!("{}.{part}", norm.name), vec![norm.channels], false))
    });
    parameters.chain(running)
}

/// Whether these are the weights of a network.
pub(super) fn fits(view: &View, layout: &Layout, head: Head) -> bool {
    problems(view, layout, head).is_empty()
}

/// How a tensor does not fit, and what is to be said of it.
type Problem = (&'static str, String);

/// Every tensor that is missing, misshapen, no number, or not expected.
fn problems(view: &View, layout: &Layout, head: Head) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut used: Vec<String> =
        layout.norms.iter().map(|norm| format!("{}.num_batches_tracked", norm.name)).collect();
    for (name, shape, in_head) in expected(layout) {
        if !(in_head && head == Head::New) {
            problems.extend(problem(view, &name, &shape));
        }
        used.push(name);
    }
    used.sort_unstable();
    let unknown =
        view.names().filter(|name| used.binary_search_by(|known| known.as_str().cmp(name)).is_err());
    let written = |name: &str| view.get(name).map_or_else(String::new, |named| named.written.clone());
    problems.extend(unknown.map(|name| ("unexpected", format!("`{}`", written(name)))));
    problems
}

fn problem(view: &View, name: &str, shape: &[usize]) -> Option<Problem> {
    match view.get(name).map(|named| &named.stored) {
        None => Some(("missing", format!("`{name}`, expected shape {shape:?}"))),
        Some(found) if found.shape != shape => {
            Some(("misshapen", format!("`{name}`: expected {shape:?}, found {:?}", found.shape)))
        }
        Some(found) if !found.is_float() => Some(("wrong type", format!("`{name}`: expected a float"))),
        Some(_) => None,
    }
}

/// The error about a file of which nothing fits: about the table that comes nearest.
pub(super) fn misfit(
    path: &Path,
    file: &WeightsFile,
    layout: &Layout,
    head: Head,
    meant: impl FnOnce(&WeightsFile) -> Option<Meant>,
) -> WeightsError {
    let path = path.to_owned();
    let all = || file.tables().iter().flat_map(views);
    if let Some([found, data]) = all().find_map(|view| other_classes(&view, layout, head)) {
        return WeightsError::Classes { path, file: found, data };
    }
    let names: BTreeSet<String> = expected(layout).map(|(name, ..)| name).collect();
    let without = |table: &Table| partial(table, &names);
    let found = file.tables().iter().filter_map(without).max_by_key(|(partial, _)| partial.fitting);
    let (partial, view) = found.map_or((None, None), |(partial, view)| (Some(Box::new(partial)), Some(view)));
    let nearest = || all().min_by_key(|view| problems(view, layout, head).len());
    let problems = view.or_else(nearest).map(|view| problems(&view, layout, head)).unwrap_or_default();
    WeightsError::Mismatch { path, problems: shortened(&problems), partial, fits: meant(file) }
}

/// Classes of the file and of the data, where that is all that differs.
fn other_classes(view: &View, layout: &Layout, head: Head) -> Option<[usize; 2]> {
    let all = layout.all();
    let last = all.iter().find(|(parameter, _)| parameter.head)?.0;
    let found = view.shape(&last.name)?;
    let same_inputs = found.len() == 2 && found[1] == last.shape[1] && found[0] != last.shape[0];
    let only = head == Head::Keep && same_inputs && fits(view, layout, Head::New);
    only.then_some([found[0], last.shape[0]])
}

/// Some problems of each kind, and how many more there are.
fn shortened(problems: &[Problem]) -> Vec<String> {
    let mut kinds: Vec<&str> = problems.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let each = LISTED / kinds.len().max(1);
    let mut lines = Vec::new();
    for kind in ["missing", "misshapen", "wrong type", "unexpected"] {
        let alike: Vec<&str> =
            problems.iter().filter(|(own, _)| *own == kind).map(|(_, text)| text.as_str()).collect();
        lines.extend(alike.iter().take(each).map(|text| format!("  {kind:<11} {text}")));
        if alike.len() > each {
            lines.push(format!("  {kind:<11} and {} more", alike.len() - each));
        }
    }
    lines
}
