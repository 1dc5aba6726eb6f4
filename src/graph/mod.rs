//! The stages of a program and how they depend on each other.
//!
//! A stage is identified by its content key: a hash of everything that decides its result. Equal stages are one
//! node, so two variants that share a first phase train it once.

mod key;
mod label;
mod render;

use std::collections::HashMap;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Topo;

use crate::lang::program::{Program, Variant};

pub use key::{Key, program_key};
pub use label::curriculum;
pub use render::{Format, render};

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum StageKind {
    /// Opens and splits a data set.
    Data,
    /// Trains one phase, counted from 0.
    Train { phase: usize },
    /// Measures and exports the selected weights.
    Evaluate,
    /// Gathers all results.
    Table,
}

/// One node of the graph.
#[derive(Clone, Debug)]
pub struct Stage {
    pub key: Key,
    pub kind: StageKind,
    /// The runs that need it, by index into [`StageGraph::runs`]; the first one does it.
    pub runs: Vec<usize>,
    /// What it does, in the words of the file.
    pub label: String,
}

/// One variant under one seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// Index into the program's variants.
    pub variant: usize,
    pub seed: u64,
    pub data: NodeIndex,
    /// One per phase.
    pub train: Vec<NodeIndex>,
    pub evaluate: NodeIndex,
}

/// Hashes of what a variant reads from disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    pub data: String,
    pub weights: Option<String>,
    /// Of arrays that evaluators read.
    pub arrays: Option<String>,
}

/// All stages of all variants and seeds.
#[derive(Clone, Debug)]
pub struct StageGraph {
    pub graph: DiGraph<Stage, ()>,
    pub runs: Vec<Run>,
    pub table: NodeIndex,
}

impl StageGraph {
    /// Builds the graph; `inputs` holds one entry per variant.
    pub fn new(program: &Program, inputs: &[Inputs]) -> Self {
        let mut builder = Builder::default();
        let nothing = Inputs::default();
        for (index, variant) in program.variants.iter().enumerate() {
            let inputs = inputs.get(index).unwrap_or(&nothing);
            for &seed in &program.seeds {
                builder.run(program, index, variant, seed, inputs);
            }
        }
        builder.finish()
    }

    /// Stages in an order that respects every dependency.
    pub fn order(&self) -> Vec<NodeIndex> {
        let mut topo = Topo::new(&self.graph);
        std::iter::from_fn(|| topo.next(&self.graph)).collect()
    }

    pub fn stage(&self, node: NodeIndex) -> &Stage {
        &self.graph[node]
    }
}

#[derive(Default)]
struct Builder {
    graph: DiGraph<Stage, ()>,
    known: HashMap<Key, NodeIndex>,
    runs: Vec<Run>,
}

impl Builder {
    fn run(&mut self, program: &Program, index: usize, variant: &Variant, seed: u64, inputs: &Inputs) {
        let experiment = &variant.experiment;
        let run = self.runs.len();
        let data =
            self.stage(Key::data(experiment, inputs), StageKind::Data, run, label::data(variant), None);
        let mut train = Vec::new();
        let mut before = data;
        let keys = Key::train(program.edition, experiment, inputs, seed);
        for ((phase, spec), key) in experiment.phases.iter().enumerate().zip(keys) {
            before = self.stage(key, StageKind::Train { phase }, run, label::phase(spec), Some(before));
            train.push(before);
        }
        let key = Key::evaluate(&self.graph[before].key, experiment, inputs);
        let label = experiment.evaluate.iter().map(|m| m.evaluator.name()).collect::<Vec<_>>().join(", ");
        let evaluate = self.stage(key, StageKind::Evaluate, run, label, Some(before));
        self.runs.push(Run { variant: index, seed, data, train, evaluate });
    }

    /// The node of a key, made where there is none.
    fn stage(
        &mut self,
        key: Key,
        kind: StageKind,
        run: usize,
        label: String,
        after: Option<NodeIndex>,
    ) -> NodeIndex {
        let node = *self.known.entry(key.clone()).or_insert_with(|| {
            let node = self.graph.add_node(Stage { key, kind, runs: Vec::new(), label });
            after.into_iter().for_each(|before| {
                self.graph.add_edge(before, node, ());
            });
            node
        });
        self.graph[node].runs.push(run);
        node
    }

    fn finish(mut self) -> StageGraph {
        let runs = (0..self.runs.len()).collect();
        let keys: Vec<&Key> = self.runs.iter().map(|run| &self.graph[run.evaluate].key).collect();
        let key = Key::table(&keys);
        let label = "mean ± std over seeds".to_owned();
        let table = self.graph.add_node(Stage { key, kind: StageKind::Table, runs, label });
        for run in &self.runs {
            self.graph.update_edge(run.evaluate, table, ());
        }
        StageGraph { graph: self.graph, runs: self.runs, table }
    }
}
