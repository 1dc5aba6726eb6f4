//! An indented listing.

use petgraph::Direction;
use petgraph::graph::NodeIndex;

use super::View;
use crate::graph::StageKind;

/// Columns of the deepest indentation; stages below that stand under each other.
const DEEPEST: usize = 60;

/// Every stage under the one it continues; the table, which needs them all, comes last.
pub(super) fn text(view: &View<'_>) -> String {
    let mut text = String::new();
    let is_root = |node: &NodeIndex| view.graph.stage(*node).kind == StageKind::Data;
    for root in view.nodes().filter(is_root) {
        branch(view, root, &mut text);
    }
    text.push_str(&line(view, view.graph.table));
    text
}

/// A stage that is still to be written, what stands before it, and what stands before all below it.
struct Branch {
    node: NodeIndex,
    first: String,
    rest: String,
}

fn branch(view: &View<'_>, root: NodeIndex, text: &mut String) {
    let mut waiting = vec![Branch { node: root, first: String::new(), rest: String::new() }];
    while let Some(Branch { node, first, rest }) = waiting.pop() {
        text.push_str(&first);
        text.push_str(&line(view, node));
        let children = children(view, node);
        let below = |(index, &node): (usize, &NodeIndex)| {
            let (corner, bar) =
                if index + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let bar = if rest.chars().count() < DEEPEST { bar } else { "" };
            Branch { node, first: format!("{rest}{corner}"), rest: format!("{rest}{bar}") }
        };
        waiting.extend(children.iter().enumerate().map(below).rev());
    }
}

fn line(view: &View<'_>, node: NodeIndex) -> String {
    let lines = view.lines(node);
    let (head, audience) = lines.split_at(2);
    let audience: String = audience.iter().map(|audience| format!(" ({audience})")).collect();
    format!("{}: {}{audience}\n", head[0], head[1])
}

/// Stages that need `node`, without the table, in the order in which they were asked for.
fn children(view: &View<'_>, node: NodeIndex) -> Vec<NodeIndex> {
    let neighbours = view.graph.graph.neighbors_directed(node, Direction::Outgoing);
    let mut children: Vec<NodeIndex> = neighbours.filter(|&child| child != view.graph.table).collect();
    children.sort();
    children
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::{Format, render};

    #[test]
    fn stages_stand_under_the_one_they_continue() {
        let (graph, program) = fixture::graph(fixture::SHARED);
        let expected = "\
data: digits, batch 64 (all variants; all seeds)
├─ train phase 1: 2 epochs under sgd (all variants; seed 0)
│  ├─ train phase 2: 1 epoch under sgd (sgd; seed 0)
│  │  └─ evaluate: accuracy (sgd; seed 0)
│  └─ train phase 2: 1 epoch under sam over sgd (sam-rho-0.1; seed 0)
│     └─ evaluate: accuracy (sam-rho-0.1; seed 0)
└─ train phase 1: 2 epochs under sgd (all variants; seed 1)
   ├─ train phase 2: 1 epoch under sgd (sgd; seed 1)
   │  └─ evaluate: accuracy (sgd; seed 1)
   └─ train phase 2: 1 epoch under sam over sgd (sam-rho-0.1; seed 1)
      └─ evaluate: accuracy (sam-rho-0.1; seed 1)
table: mean ± std over seeds (all variants; all seeds)
";
        assert_eq!(render(&graph, &program, Format::Text), expected);
    }
}
