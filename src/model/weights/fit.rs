//! Whether the weights of a file are those of a network, and the network's state from them.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Tensor, TensorData};

use super::file::Table;
use super::meant::{Meant, meant};
use super::problems::{expected, fits, misfit};
use super::sound::unsound;
use super::view::{Named, View, views};
use super::{StateDict, WeightsError, WeightsFile};
use crate::lang::catalog::{Architecture, Head};
use crate::lang::world::DatasetInfo;
use crate::model::{Layout, Parameter, Statistics};
use crate::ops::{Ops, Vector};

/// A file whose weights fit a network.
pub struct Pretrained {
    path: PathBuf,
    file: WeightsFile,
    view: View,
    head: Head,
}

/// Reads weights and running statistics of a file that fits, its last layer included.
///
/// # Errors
/// As [`Pretrained::open`] and [`Pretrained::state`].
pub fn load<B: Ops>(path: &Path, layout: &Layout, device: &B::Device) -> Result<StateDict<B>, WeightsError> {
    Pretrained::open(path, layout, Head::Keep)?.state(layout, 0, device)
}

impl Pretrained {
    /// Opens a file and compares names and shapes; values are read later.
    ///
    /// # Errors
    /// A file that is no file of weights; tensors that are missing, unexpected or of another shape; another number of
    /// classes; several weights that fit.
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
        let fitting = |table| views(table).find(|view| fits(view, layout, head));
        let mut found: Vec<(&Table, View)> =
            file.tables().iter().filter_map(|table| Some((table, fitting(table)?))).collect();
        if found.iter().any(|(_, view)| !view.same(&found[0].1)) {
            let keys = found.iter().map(|(table, _)| table.key.clone().unwrap_or_default()).collect();
            return Err(WeightsError::Ambiguous { path: path.to_owned(), keys });
        }
        if found.is_empty() {
            return Err(misfit(path, &file, layout, head, meant));
        }
        let (_, view) = found.swap_remove(0);
        Ok(Self { path: path.to_owned(), file, view, head })
    }

    /// How the names in the file became those of the network, for the plan.
    pub fn notes(&self) -> &[String] {
        &self.view.notes
    }

    /// Bytes of the values that the network takes from the file.
    pub fn bytes(&self, layout: &Layout) -> u64 {
        let size = |named: &Named| (named.stored.count().unwrap_or(0) * named.stored.size()) as u64;
        self.taken(layout).iter().map(size).fold(0, u64::saturating_add)
    }

    /// Reads every value that the network takes from the file and keeps none.
    ///
    /// # Errors
    /// The first tensor that no network works with: not finite, or a variance below zero; the file cannot be read.
    pub fn look(&mut self, layout: &Layout) -> Result<(), WeightsError> {
        self.taken(layout).iter().try_for_each(|named| self.values(named).map(drop))
    }

    fn taken(&self, layout: &Layout) -> Vec<Named> {
        let needed = expected(layout).filter(|(_, _, in_head)| !(*in_head && self.head == Head::New));
        needed.filter_map(|(name, ..)| self.view.get(&name).cloned()).collect()
    }

    /// The weights and running statistics; a new head is that of the run with `seed`.
    ///
    /// # Errors
    /// As [`Pretrained::look`].
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
            let counter = self.view.get(&format!("{}.num_batches_tracked", norm.name));
            batches = counter.and_then(|named| self.file.counter(&named.stored)).unwrap_or(0);
        }
        Ok(StateDict { weights: Vector(weights), statistics: Statistics { running, frozen }, batches })
    }

    fn tensor<B: Ops>(&mut self, name: &str, device: &B::Device) -> Result<Tensor<B, 1>, WeightsError> {
        let missing = || {
            let (kind, message) = ("file of weights", format!("`{name}` is not in it"));
            WeightsError::Format { path: self.path.clone(), kind, message }
        };
        let named = self.view.get(name).cloned().ok_or_else(missing)?;
        let values = self.values(&named)?;
        let length = values.len();
        Ok(Tensor::from_data(TensorData::new(values, [length]), (device, DType::F32)))
    }

    fn values(&mut self, named: &Named) -> Result<Vec<f32>, WeightsError> {
        let unread = |source| WeightsError::Read { path: self.path.clone(), source };
        let values = self.file.read(&named.stored).map_err(unread)?;
        match unsound(&named.written, &values) {
            None => Ok(values),
            Some(problem) => Err(WeightsError::Values { path: self.path.clone(), problem }),
        }
    }
}
