//! For programs.

use serde::Serialize;

use super::View;
use crate::graph::{Key, StageKind};

#[derive(Serialize)]
struct Graph<'a> {
    schema: u32,
    stages: Vec<Node<'a>>,
    edges: Vec<Edge>,
}

#[derive(Serialize)]
struct Node<'a> {
    id: usize,
    #[serde(flatten)]
    kind: StageKind,
    label: &'a str,
    /// Content key: equal stages of any program have equal keys.
    key: &'a Key,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    variant: &'a str,
    seed: u64,
}

#[derive(Serialize)]
struct Edge {
    from: usize,
    to: usize,
}

pub(super) fn json(view: &View<'_>) -> String {
    let run = |&run: &usize| {
        let run = &view.graph.runs[run];
        Run { variant: &view.program.variants[run.variant].slug, seed: run.seed }
    };
    let stages = view.nodes().map(|node| {
        let stage = view.graph.stage(node);
        let runs = stage.runs.iter().map(run).collect();
        Node { id: node.index(), kind: stage.kind, label: &stage.label, key: &stage.key, runs }
    });
    let edges = view.edges().map(|(from, to)| Edge { from: from.index(), to: to.index() });
    let graph = Graph { schema: 1, stages: stages.collect(), edges: edges.collect() };
    let mut text = serde_json::to_string_pretty(&graph).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::{Format, render};

    #[test]
    fn every_edge_joins_two_stages() {
        let (graph, program) = fixture::graph(fixture::SHARED);
        let json: serde_json::Value = serde_json::from_str(&render(&graph, &program, Format::Json)).unwrap();
        let stages = json["stages"].as_array().unwrap();
        assert_eq!(stages.len(), 1 + 2 + 4 + 4 + 1);
        assert_eq!(stages[1]["kind"], "train");
        assert_eq!(stages[1]["runs"][1]["variant"], "sam-rho-0.1");
        for edge in json["edges"].as_array().unwrap() {
            assert!(edge["from"].as_u64().unwrap() < stages.len() as u64 && edge["from"] != edge["to"]);
        }
    }
}
