//! The stage graph as a picture or a listing.

mod dot;
mod json;
mod layout;
mod mermaid;
mod svg;
mod text;

use std::collections::HashSet;
use std::hash::Hash;

use petgraph::graph::NodeIndex;

use super::{Stage, StageGraph, StageKind};
use crate::lang::program::Program;

/// Names listed before the rest is counted.
const NAMES: usize = 3;

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Dot,
    Mermaid,
    Svg,
    Json,
    Text,
}

/// The graph of `program` in a format; stages that several runs share stand there once.
pub fn render(graph: &StageGraph, program: &Program, format: Format) -> String {
    let view = View { graph, program };
    match format {
        Format::Dot => dot::dot(&view),
        Format::Mermaid => mermaid::mermaid(&view),
        Format::Svg => svg::svg(&view),
        Format::Json => json::json(&view),
        Format::Text => text::text(&view),
    }
}

/// A graph and the names of what it runs.
struct View<'a> {
    graph: &'a StageGraph,
    program: &'a Program,
}

impl View<'_> {
    fn nodes(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        self.graph.graph.node_indices()
    }

    /// Pairs of a stage and one that needs it.
    fn edges(&self) -> impl Iterator<Item = (NodeIndex, NodeIndex)> + '_ {
        let edges = self.graph.graph.edge_indices();
        edges.filter_map(|edge| self.graph.graph.edge_endpoints(edge))
    }

    /// What a stage does, what it is in the file, and for whom; the last is left out where there is one run.
    fn lines(&self, node: NodeIndex) -> Vec<String> {
        let stage = self.graph.stage(node);
        let mut lines = vec![title(stage.kind), stage.label.clone()];
        lines.extend(self.audience(stage));
        lines
    }

    /// The variants and seeds that need a stage: `sgd, sam; seed 0`.
    fn audience(&self, stage: &Stage) -> Option<String> {
        let runs: Vec<_> = stage.runs.iter().map(|&run| &self.graph.runs[run]).collect();
        let slug = |variant: usize| self.program.variants[variant].slug.clone();
        let variants = distinct(runs.iter().map(|run| run.variant));
        let seeds = distinct(runs.iter().map(|run| run.seed));
        let (all_variants, all_seeds) = (self.program.variants.len(), self.program.seeds.len());
        let variants = match variants.len() {
            _ if all_variants == 1 => None,
            count if count == all_variants => Some("all variants".into()),
            _ => Some(listed(variants.into_iter().map(slug).collect())),
        };
        let seeds = match seeds.as_slice() {
            _ if all_seeds == 1 => None,
            [seed] => Some(format!("seed {seed}")),
            seeds if seeds.len() == all_seeds => Some("all seeds".into()),
            seeds => Some(format!("seeds {}", listed(seeds.iter().map(u64::to_string).collect()))),
        };
        let parts: Vec<String> = variants.into_iter().chain(seeds).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn title(kind: StageKind) -> String {
    match kind {
        StageKind::Data => "data".into(),
        StageKind::Train { phase } => format!("train phase {}", phase + 1),
        StageKind::Evaluate => "evaluate".into(),
        StageKind::Table => "table".into(),
    }
}

/// Values without repetitions, in the order in which they first appear.
fn distinct<T: Copy + Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.filter(|value| seen.insert(*value)).collect()
}

fn listed(names: Vec<String>) -> String {
    match names.len().checked_sub(NAMES) {
        Some(more @ 1..) => format!("{} and {more} more", names[..NAMES].join(", ")),
        _ => names.join(", "),
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use crate::graph::StageGraph;
    use crate::lang::{self, DatasetInfo, Program, Settings, SourceInfo, World, WorldError};

    /// A world whose only data set is `digits`.
    struct Digits;

    impl World for Digits {
        fn dataset(&self, _: &lang::catalog::Source) -> Result<SourceInfo, WorldError> {
            Ok(DatasetInfo { train: 1437, test: 360, classes: 10, channels: 1, height: 8, width: 8 }.into())
        }

        fn corruptions(
            &self,
            _: &std::path::Path,
            _: usize,
            _: &lang::catalog::Source,
            _: &DatasetInfo,
        ) -> Result<(), WorldError> {
            Ok(())
        }

        fn exists(&self, _: &std::path::Path) -> bool {
            false
        }
    }

    pub fn graph(source: &str) -> (StageGraph, Program) {
        let checked = lang::check(source, &Settings::default(), &Digits);
        let program = checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        (StageGraph::new(&program, &[]), program)
    }

    /// Two variants that share their first phase, under two seeds.
    pub const SHARED: &str = "edition 2026\n\
        train 2 epochs under sgd\n then 1 epochs under each [sgd, sam(rho = 0.1)]\n\
        seeds 0..2\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_phase_stands_once() {
        let (graph, program) = fixture::graph(fixture::SHARED);
        let view = View { graph: &graph, program: &program };
        let first_phases =
            view.nodes().filter(|&node| graph.stage(node).kind == StageKind::Train { phase: 0 });
        let audiences: Vec<_> = first_phases.map(|node| view.audience(graph.stage(node)).unwrap()).collect();
        assert_eq!(audiences, ["all variants; seed 0", "all variants; seed 1"]);
    }

    #[test]
    fn long_lists_are_counted() {
        let names = |count: usize| (0..count).map(|name| name.to_string()).collect();
        assert_eq!(listed(names(3)), "0, 1, 2");
        assert_eq!(listed(names(5)), "0, 1, 2 and 2 more");
    }
}
