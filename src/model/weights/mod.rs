//! Weights under PyTorch's parameter names: written as safetensors, read from those and from what `torch.save` writes.

mod file;
mod fit;
mod header;
mod meant;
mod naming;
mod pickle;
mod problems;
mod sound;
mod stored;
mod target;
mod torch;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Layout, Slot, Statistics};
use crate::ops::{Ops, Vector};

pub use file::{Table, Tensors, WeightsFile};
pub use fit::{Pretrained, load};
pub use meant::Meant;
pub use stored::Stored;
pub use target::may_export;
pub use view::Partial;

/// Everything PyTorch's `state_dict` holds.
#[derive(Clone, Debug)]
pub struct StateDict<B: Ops> {
    pub weights: Vector<B>,
    pub statistics: Statistics<B>,
    /// `num_batches_tracked` of every batch normalisation.
    pub batches: u64,
}

/// Why a weights file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not a {kind}: {message}", path.display())]
    Format { path: PathBuf, kind: &'static str, message: String },
    #[error("`{}` does not fit the model:\n{}{}{}", path.display(), prefixed(partial), problems.join("\n"), hint(fits))]
    Mismatch {
        path: PathBuf,
        problems: Vec<String>,
        /// What stands before most of the names.
        partial: Option<Box<Partial>>,
        /// A network that the file fits.
        fits: Option<Meant>,
    },
    #[error(
        "`{}` has weights for {file} classes, the data have {data}: \
         write `head = new` behind the model's name to draw the last layer anew",
        path.display()
    )]
    Classes { path: PathBuf, file: usize, data: usize },
    #[error("several weights in `{}` fit: {}", path.display(), listed(keys))]
    Ambiguous {
        path: PathBuf,
        /// Where they stand in the file; empty for the file itself.
        keys: Vec<String>,
    },
    #[error("the weights in `{}` cannot be used: {problem}", path.display())]
    Values { path: PathBuf, problem: String },
}

/// The places of several weights in one file.
fn listed(keys: &[String]) -> String {
    let shown = keys.iter().map(|key| match key.as_str() {
        "" => "the outermost names".to_owned(),
        key => format!("`{key}`"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn prefixed(partial: &Option<Box<Partial>>) -> String {
    partial.as_ref().map(|partial| format!("{partial}\n")).unwrap_or_default()
}

fn hint(fits: &Option<Meant>) -> String {
    fits.as_ref().map(|meant| format!("\n{meant}")).unwrap_or_default()
}

/// Named tensor ready to be written.
pub struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    pub bytes: Vec<u8>,
}

/// The tensors of `state` under PyTorch's names, parameters first.
pub fn entries<B: Ops>(layout: &Layout, state: &StateDict<B>) -> Vec<Entry> {
    let parameter = |(spec, slot): (&super::Parameter, Slot)| {
        let value = match slot {
            Slot::Trained(index) => &state.weights.0[index],
            Slot::Frozen(index) => &state.statistics.frozen[index],
        };
        float_entry(spec.name.clone(), spec.shape.clone(), value)
    };
    let mut all: Vec<Entry> = layout.all().into_iter().map(parameter).collect();
    for (norm, [mean, variance]) in layout.norms.iter().zip(&state.statistics.running) {
        let shape = vec![norm.channels];
        all.push(float_entry(format!("{}.running_mean", norm.name), shape.clone(), mean));
        all.push(float_entry(format!("{}.running_var", norm.name), shape, variance));
        all.push(Entry {
            name: format!("{}.num_batches_tracked", norm.name),
            shape: Vec::new(),
            dtype: Dtype::I64,
            bytes: state.batches.to_le_bytes().to_vec(),
        });
    }
    all
}

/// A tensor as f32, or as f64 where it is one.
pub fn float_entry<B: Ops>(name: String, shape: Vec<usize>, value: &Tensor<B, 1>) -> Entry {
    let data = value.to_data();
    match data.dtype {
        DType::F64 => Entry { name, shape, dtype: Dtype::F64, bytes: data.bytes.to_vec() },
        _ => Entry { name, shape, dtype: Dtype::F32, bytes: data.convert::<f32>().bytes.to_vec() },
    }
}

/// Serialises entries and metadata into one safetensors file's bytes.
pub fn to_bytes(entries: &[Entry], metadata: BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let views = entries.iter().map(|entry| {
        let view = TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes);
        view.map(|view| (entry.name.clone(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let bytes = safetensors::serialize(views, None).map_err(|error| error.to_string())?;
    with_metadata(bytes, &metadata)
}

/// Puts metadata at the start of a file's header, in the order of their names: the library's map has none, and equal states
/// must give equal bytes.
fn with_metadata(mut bytes: Vec<u8>, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length)) as usize;
    let tensors = bytes.get(8..8 + length).unwrap_or_default().trim_ascii_end();
    let metadata = serde_json::to_vec(metadata).map_err(|error| error.to_string())?;
    let joint: &[u8] = if tensors == b"{}" { b"" } else { b"," };
    let mut header =
        [&b"{\"__metadata__\":"[..], metadata.as_slice(), joint, tensors.get(1..).unwrap_or_default()]
            .concat();
    header.resize(header.len().next_multiple_of(8), b' ');
    let size = (header.len() as u64).to_le_bytes();
    drop(bytes.splice(..8 + length, size.into_iter().chain(header)));
    Ok(bytes)
}

/// Writes `state`, by a temporary file renamed into place; gives back the bytes of the file.
///
/// # Errors
/// The file cannot be written.
pub fn save<B: Ops>(path: &Path, layout: &Layout, state: &StateDict<B>) -> Result<Vec<u8>, WeightsError> {
    save_with(path, layout, state, BTreeMap::new())
}

/// As [`save`], with some metadata.
///
/// # Errors
/// As [`save`].
pub fn save_with<B: Ops>(
    path: &Path,
    layout: &Layout,
    state: &StateDict<B>,
    mut metadata: BTreeMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    metadata.insert("format".to_owned(), "pt".to_owned());
    let bytes = to_bytes(&entries(layout, state), metadata).map_err(|message| WeightsError::Format {
        path: path.to_owned(),
        kind: "safetensors file",
        message,
    })?;
    crate::files::write_atomic(path, &bytes)
        .map_err(|source| WeightsError::Write { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Weights and running statistics among the tensors of a parsed file whose names begin with `prefix`, strictly; the
/// error lists every missing, unexpected or misshapen tensor.
pub fn state_from<B: Ops>(
    file: &SafeTensors<'_>,
    prefix: &str,
    layout: &Layout,
    device: &B::Device,
) -> Result<StateDict<B>, Vec<String>> {
    let mut reader = Reader { file, prefix, problems: Vec::new(), used: Vec::new() };
    let mut read = |p: &super::Parameter| reader.tensor::<B>(&p.name, &p.shape, device);
    let weights: Vec<_> = layout.parameters.iter().map(&mut read).collect();
    let frozen: Vec<_> = layout.frozen.iter().map(&mut read).collect();
    let mut statistics = Vec::new();
    let mut batches = 0;
    for norm in &layout.norms {
        let shape = [norm.channels];
        let mean = reader.tensor::<B>(&format!("{}.running_mean", norm.name), &shape, device);
        let variance = reader.tensor::<B>(&format!("{}.running_var", norm.name), &shape, device);
        batches = reader.counter(&format!("{}.num_batches_tracked", norm.name));
        statistics.push(mean.zip(variance).map(|(mean, variance)| [mean, variance]));
    }
    reader.report_unexpected();
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let weights = Vector(weights.into_iter().flatten().collect());
    let running = statistics.into_iter().flatten().collect();
    let statistics = Statistics { running, frozen: frozen.into_iter().flatten().collect() };
    Ok(StateDict { weights, statistics, batches })
}

struct Reader<'a> {
    file: &'a SafeTensors<'a>,
    prefix: &'a str,
    problems: Vec<String>,
    used: Vec<String>,
}

impl Reader<'_> {
    fn tensor<B: Ops>(&mut self, name: &str, shape: &[usize], device: &B::Device) -> Option<Tensor<B, 1>> {
        let name = &format!("{}{name}", self.prefix);
        self.used.push(name.to_owned());
        let Ok(view) = self.file.tensor(name) else {
            self.problems.push(format!("  missing     `{name}`, expected shape {shape:?}"));
            return None;
        };
        if view.shape() != shape {
            let found = view.shape();
            self.problems.push(format!("  misshapen   `{name}`: expected {shape:?}, found {found:?}"));
            return None;
        }
        let tensor = read_tensor(&view, device);
        if tensor.is_none() {
            let found = view.dtype();
            self.problems.push(format!("  wrong type  `{name}`: expected a float, found {found:?}"));
        }
        tensor
    }

    /// The batch counter may be absent: only `momentum=None` in PyTorch reads it.
    fn counter(&mut self, name: &str) -> u64 {
        let name = &format!("{}{name}", self.prefix);
        self.used.push(name.to_owned());
        let view = self.file.tensor(name).ok();
        let bytes = view.and_then(|view| view.data().try_into().ok());
        bytes.map(u64::from_le_bytes).unwrap_or(0)
    }

    fn report_unexpected(&mut self) {
        let unknown =
            |name: &&str| name.starts_with(self.prefix) && !self.used.iter().any(|used| used == name);
        let mut names: Vec<&str> = self.file.names().into_iter().filter(unknown).collect();
        names.sort_unstable();
        self.problems.extend(names.into_iter().map(|name| format!("  unexpected  `{name}`")));
    }
}

/// A float tensor, flat; `None` of another type.
pub fn read_tensor<B: Ops>(view: &TensorView<'_>, device: &B::Device) -> Option<Tensor<B, 1>> {
    data(view).map(|(data, dtype)| Tensor::from_data(data, (device, dtype)))
}

/// Values of a float tensor; f64 stays f64, the others become f32.
fn data(view: &TensorView<'_>) -> Option<(TensorData, DType)> {
    let bytes = view.data();
    let length: [usize; 1] = [view.shape().iter().product()];
    let wide = |values: Vec<f32>| (TensorData::new(values, length), DType::F32);
    Some(match view.dtype() {
        Dtype::F32 => wide(chunks(bytes, f32::from_le_bytes)),
        Dtype::F64 => (TensorData::new(chunks(bytes, f64::from_le_bytes), length), DType::F64),
        Dtype::F16 => wide(chunks(bytes, |b| burn::tensor::f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => wide(chunks(bytes, |b| burn::tensor::bf16::from_le_bytes(b).to_f32())),
        _ => return None,
    })
}

fn chunks<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| convert(*chunk)).collect()
}
