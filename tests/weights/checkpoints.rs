//! Checkpoints: dictionaries inside a file of PyTorch, of which one holds the weights.

use std::path::Path;

use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::Head;
use flatrun::model::{Model, Pretrained, WeightsError};

use crate::support::{build, written};

/// What `torch.save` may store.
enum Node {
    Float(f64),
    /// A tensor of this shape, in the storage with this number.
    Tensor(u32, Vec<usize>),
    Dict(Vec<(String, Node)>),
}

impl Node {
    fn dict(entries: Vec<(&str, Node)>) -> Self {
        Node::Dict(entries.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }
}

/// Values of every storage, in order.
#[derive(Default)]
struct Storages(Vec<Vec<f32>>);

impl Storages {
    /// A state dict of the network of these tests, every value `fill`.
    fn weights(&mut self, fill: f32) -> Node {
        let tensor = |parameter: &flatrun::model::Parameter| {
            self.0.push(vec![fill; parameter.len()]);
            (parameter.name.clone(), Node::Tensor(self.0.len() as u32 - 1, parameter.shape.clone()))
        };
        Node::Dict(mlp().layout.parameters.iter().map(tensor).collect())
    }

    fn number(&mut self, value: f32) -> Node {
        self.0.push(vec![value]);
        Node::Tensor(self.0.len() as u32 - 1, Vec::new())
    }

    /// The format before PyTorch 1.6: five pickles, then the storages.
    fn save(&self, path: &Path, root: &Node) {
        let mut bytes =
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
        bytes.extend(b"\x80\x02");
        self.pickle(root, &mut bytes);
        bytes.extend(b".\x80\x02](");
        (0..self.0.len()).for_each(|key| text(&key.to_string(), &mut bytes));
        bytes.extend(b"e.");
        for storage in &self.0 {
            bytes.extend((storage.len() as u64).to_le_bytes());
            bytes.extend(storage.iter().flat_map(|value| value.to_le_bytes()));
        }
        std::fs::write(path, bytes).unwrap();
    }

    fn pickle(&self, node: &Node, bytes: &mut Vec<u8>) {
        match node {
            Node::Float(value) => {
                bytes.push(b'G');
                bytes.extend(value.to_be_bytes());
            }
            Node::Dict(entries) => {
                bytes.extend(b"}(");
                for (name, node) in entries {
                    text(name, bytes);
                    self.pickle(node, bytes);
                }
                bytes.push(b'u');
            }
            Node::Tensor(key, shape) => {
                bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
                text("storage", bytes);
                bytes.extend(b"ctorch\nFloatStorage\n");
                text(&key.to_string(), bytes);
                text("cpu", bytes);
                numbers(&[self.0[*key as usize].len()], bytes);
                bytes.extend(b"NtQK\x00(");
                numbers(shape, bytes);
                bytes.extend(b"t(");
                let strides = |axis: usize| shape[axis + 1..].iter().product();
                numbers(&(0..shape.len()).map(strides).collect::<Vec<usize>>(), bytes);
                bytes.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
            }
        }
    }
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'X');
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.bytes());
}

fn numbers(numbers: &[usize], bytes: &mut Vec<u8>) {
    for number in numbers {
        bytes.push(b'J');
        bytes.extend((*number as i32).to_le_bytes());
    }
}

fn mlp() -> Model {
    build(&written("mlp(hidden = [8], normalize = none)", 1), [1, 8, 8])
}

fn open(path: &Path) -> Result<Pretrained, WeightsError> {
    Pretrained::open(path, &mlp().layout, Head::Keep)
}

/// The value of every weight, and what the plan says.
fn taken(path: &Path) -> (f32, String) {
    let weights = open(path).unwrap_or_else(|error| panic!("{error}"));
    let notes = weights.notes().join("; ");
    let state = weights.state::<Flex>(&mlp().layout, 0, &FlexDevice).unwrap();
    (state.weights.0[0].clone().max().into_scalar(), notes)
}

#[test]
fn weights_are_found_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth");
    for key in ["state_dict", "model", "net", "model_state_dict", "ema", "whatever"] {
        let mut storages = Storages::default();
        let weights = storages.weights(0.5);
        // PyTorch's ImageNet example keeps the best accuracy as a tensor beside the weights.
        let best = storages.number(70.0);
        let other = Node::dict(vec![("exp_avg", storages.number(1.0))]);
        let root = Node::dict(vec![
            ("epoch", Node::Float(1.0)),
            ("best_acc1", best),
            (key, weights),
            ("optimizer", other),
        ]);
        storages.save(&path, &root);
        assert_eq!(taken(&path), (0.5, format!("read from `{key}` in it")));
    }
    let mut storages = Storages::default();
    let inner = Node::dict(vec![("module", storages.weights(0.25))]);
    storages.save(&path, &Node::dict(vec![("trainer", inner)]));
    assert_eq!(taken(&path), (0.25, "read from `trainer.module` in it".to_owned()));
    let mut storages = Storages::default();
    let root = storages.weights(2.0);
    storages.save(&path, &root);
    assert_eq!(taken(&path), (2.0, String::new()));
}

#[test]
fn of_two_that_fit_none_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth");
    let mut storages = Storages::default();
    let root = Node::dict(vec![("model", storages.weights(1.0)), ("ema", storages.weights(2.0))]);
    storages.save(&path, &root);
    let error = open(&path).err().unwrap();
    assert!(matches!(&error, WeightsError::Ambiguous { keys, .. } if keys == &["model", "ema"]), "{error:?}");
    assert!(error.to_string().ends_with("fit: `model`, `ema`"), "{error}");
    // One under two names is one.
    let mut storages = Storages::default();
    let once = storages.weights(1.0);
    let Node::Dict(entries) = &once else { panic!() };
    let again = entries.iter().map(|(name, node)| match node {
        Node::Tensor(key, shape) => (name.clone(), Node::Tensor(*key, shape.clone())),
        _ => panic!(),
    });
    let again = Node::Dict(again.collect());
    storages.save(&path, &Node::dict(vec![("model", once), ("state_dict", again)]));
    assert_eq!(taken(&path), (1.0, "read from `model` in it".to_owned()));
}

#[test]
fn the_nearest_dictionary_is_compared_where_none_fits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth");
    let mut storages = Storages::default();
    let Node::Dict(mut weights) = storages.weights(1.0) else { panic!() };
    let spare = Node::Dict(weights.pop().into_iter().collect());
    let best = storages.number(1.0);
    let root = Node::dict(vec![("best", best), ("spare", spare), ("state_dict", Node::Dict(weights))]);
    storages.save(&path, &root);
    let error = open(&path).err().unwrap();
    let WeightsError::Mismatch { problems, .. } = &error else { panic!("{error:?}") };
    assert_eq!(problems, &["  missing     `3.bias`, expected shape [10]"]);
}
