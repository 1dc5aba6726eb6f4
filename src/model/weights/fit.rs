//! Whether the weights of a file are those of a network, and the network's state from them.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Tensor, TensorData};

use super::meant::{Meant, meant};
use super::{StateDict, WeightsError, WeightsFile};
use crate::lang::catalog::{Architecture, Head};
use crate::lang::world::DatasetInfo;
use crate::model::{Layout, Parameter, Statistics};
use crate::ops::{Ops, Vector};

/// Problems of a file that are listed; the rest is counted.
const LISTED: usize = 8;

/// A file whose weights fit a network.
pub struct Pretrained {
    path: PathBuf,
    file: WeightsFile,
    head: Head,
}

/// Reads weights and running statistics of a file that fits, its last layer included.
///
/// # Errors
/// As [`Pretrained::open`].
pub fn load<B: Ops>(path: &Path, layout: &Layout, device: &B::Device) -> Result<StateDict<B>, WeightsError> {
    Pretrained::open(path, layout, Head::Keep)?.state(layout, 0, device)
}

impl Pretrained {
    /// Opens a file and compares names and shapes; values are read later.
    ///
    /// # Errors
    /// A file that is no file of weights; tensors that are missing, unexpected or of another shape; another number of
    /// classes.
    pub fn open(path: &Path, layout: &Layout, head: Head) -> Result<Self, WeightsError> {
        Self::compared(path, layout, head, |_| None)
    }

    /// As [`Pretrained::open`], for the network of an architecture; where the file is that of another one, the error
    /// names it.
    ///
    /// # Errors
    /// As [`Pretrained::open`].
    pub fn of(
        architecture: &Architecture,
        path: &Path,
        layout: &Layout,
        images: &DatasetInfo,
    ) -> Result<Self, WeightsError> {
        let head = architecture.tuning().head;
        Self::compared(path, layout, head, |file| meant(file, architecture, images))
    }

    fn compared(
        path: &Path,
        layout: &Layout,
        head: Head,
        meant: impl FnOnce(&WeightsFile) -> Option<Meant>,
    ) -> Result<Self, WeightsError> {
        let file = WeightsFile::open(path)?;
        let problems = problems(&file, layout, head);
        if problems.is_empty() {
            return Ok(Self { path: path.to_owned(), file, head });
        }
        if let Some([found, data]) = other_classes(&file, layout, head) {
            return Err(WeightsError::Classes { path: path.to_owned(), file: found, data });
        }
        let fits = meant(&file);
        Err(WeightsError::Mismatch { path: path.to_owned(), problems: shortened(&problems), fits })
    }

    /// The weights and running statistics; a new head is that of the run with `seed`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn state<B: Ops>(
        mut self,
        layout: &Layout,
        seed: u64,
        device: &B::Device,
    ) -> Result<StateDict<B>, WeightsError> {
        let mut parameter = |parameter: &Parameter| match self.head {
            Head::New if parameter.head => Ok(parameter.initial(seed, device)),
            _ => self.tensor(&parameter.name, device),
        };
        let weights = layout.parameters.iter().map(&mut parameter).collect::<Result<_, _>>()?;
        let frozen = layout.frozen.iter().map(&mut parameter).collect::<Result<_, _>>()?;
        let mut running = Vec::new();
        let mut batches = 0;
        for norm in &layout.norms {
            let mean = self.tensor(&format!("{}.running_mean", norm.name), device)?;
            running.push([mean, self.tensor(&format!("{}.running_var", norm.name), device)?]);
            batches = self.file.counter(&format!("{}.num_batches_tracked", norm.name)).unwrap_or(0);
        }
        Ok(StateDict { weights: Vector(weights), statistics: Statistics { running, frozen }, batches })
    }

    fn tensor<B: Ops>(&mut self, name: &str, device: &B::Device) -> Result<Tensor<B, 1>, WeightsError> {
        let unread = |source| WeightsError::Read { path: self.path.clone(), source };
        let values = self.file.read(name).map_err(unread)?;
        let length = values.len();
        Ok(Tensor::from_data(TensorData::new(values, [length]), (device, DType::F32)))
    }
}

/// Names and shapes that a network needs.
fn expected(layout: &Layout) -> impl Iterator<Item = (String, Vec<usize>, bool)> {
    let parameters = layout.all().into_iter().map(|(p, _)| (p.name.clone(), p.shape.clone(), p.head));
    let running = layout.norms.iter().flat_map(|norm| {
        ["running_mean", "running_var"]
            .map(|part| (format!("{}.{part}", norm.name), vec![norm.channels], false))
    });
    parameters.chain(running)
}

/// Whether a file has the weights of a network.
pub(super) fn fits(file: &WeightsFile, layout: &Layout, head: Head) -> bool {
    problems(file, layout, head).is_empty()
}

/// How a tensor does not fit, and what is to be said of it.
type Problem = (&'static str, String);

/// Every tensor that is missing, misshapen, no number, or not expected.
fn problems(file: &WeightsFile, layout: &Layout, head: Head) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut used: Vec<String> =
        layout.norms.iter().map(|norm| format!("{}.num_batches_tracked", norm.name)).collect();
    for (name, shape, in_head) in expected(layout) {
        if !(in_head && head == Head::New) {
            problems.extend(problem(file, &name, &shape));
        }
        used.push(name);
    }
    used.sort_unstable();
    let unknown =
        file.names().filter(|name| used.binary_search_by(|known| known.as_str().cmp(name)).is_err());
    problems.extend(unknown.map(|name| ("unexpected", format!("`{name}`"))));
    problems
}

fn problem(file: &WeightsFile, name: &str, shape: &[usize]) -> Option<Problem> {
    match file.shape(name) {
        None => Some(("missing", format!("`{name}`, expected shape {shape:?}"))),
        Some(found) if found != shape => {
            Some(("misshapen", format!("`{name}`: expected {shape:?}, found {found:?}")))
        }
        Some(_) if !file.is_float(name) => Some(("wrong type", format!("`{name}`: expected a float"))),
        Some(_) => None,
    }
}

/// Classes of the file and of the data, where that is all that differs.
fn other_classes(file: &WeightsFile, layout: &Layout, head: Head) -> Option<[usize; 2]> {
    let all = layout.all();
    let last = all.iter().find(|(parameter, _)| parameter.head)?.0;
    let found = file.shape(&last.name)?;
    let same_inputs = found.len() == 2 && found[1] == last.shape[1] && found[0] != last.shape[0];
    let only = head == Head::Keep && same_inputs && fits(file, layout, Head::New);
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
