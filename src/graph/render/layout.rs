//! Places for the boxes of a picture: one column per step of the way from data to table.

use petgraph::graph::NodeIndex;

use super::View;
use crate::graph::StageKind;

/// Passes over the columns that move each box towards those it is joined with.
const SWEEPS: usize = 4;

/// A box of the picture, or a point where a long line passes a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// `None` where only a line passes.
    pub node: Option<NodeIndex>,
    pub column: usize,
    /// Place in the column, from the top.
    pub row: usize,
}

/// All slots, and the lines between neighbouring columns as pairs of indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub slots: Vec<Slot>,
    pub lines: Vec<(usize, usize)>,
    pub columns: Vec<Vec<usize>>,
}

impl Layout {
    pub(super) fn new(view: &View<'_>) -> Self {
        let trains = view.graph.runs.iter().map(|run| run.train.len()).max().unwrap_or(0);
        let column = |node: NodeIndex| match view.graph.stage(node).kind {
            StageKind::Data => 0,
            StageKind::Train { phase } => phase + 1,
            StageKind::Evaluate => trains + 1,
            StageKind::Table => trains + 2,
        };
        let mut layout = Layout { columns: vec![Vec::new(); trains + 3], ..Layout::default() };
        // Slots of the stages come first, so that their indices are those of the nodes.
        view.nodes().for_each(|node| {
            layout.add(Some(node), column(node));
        });
        for (from, to) in view.edges() {
            layout.join(from.index(), to.index());
        }
        let mut between = vec![Vec::new(); layout.columns.len()];
        for &(from, to) in &layout.lines {
            between[layout.slots[from].column].push((from, to));
        }
        for _ in 0..SWEEPS {
            layout.sweep(&between);
        }
        layout
    }

    fn add(&mut self, node: Option<NodeIndex>, column: usize) -> usize {
        let slot = self.slots.len();
        self.slots.push(Slot { node, column, row: self.columns[column].len() });
        self.columns[column].push(slot);
        slot
    }

    /// A line that passes every column between its ends.
    fn join(&mut self, from: usize, to: usize) {
        let mut last = from;
        for column in self.slots[from].column + 1..self.slots[to].column {
            let passing = self.add(None, column);
            self.lines.push((last, passing));
            last = passing;
        }
        self.lines.push((last, to));
    }

    /// Sorts every column by the mean place of what its slots are joined with, from the left and back; `between` has the
    /// lines that begin in each column.
    fn sweep(&mut self, between: &[Vec<(usize, usize)>]) {
        for column in 1..self.columns.len() {
            self.sort(column, between[column - 1].iter().map(|&(from, to)| (to, from)));
        }
        for column in (0..self.columns.len() - 1).rev() {
            self.sort(column, between[column].iter().copied());
        }
    }

    /// `lines` lead from slots of the column to others.
    fn sort(&mut self, column: usize, lines: impl Iterator<Item = (usize, usize)>) {
        let mut sums = vec![(0.0, 0u32); self.columns[column].len()];
        for (here, there) in lines {
            let sum = &mut sums[self.slots[here].row];
            sum.0 += self.slots[there].row as f64;
            sum.1 += 1;
        }
        let place = |slot: usize| match sums[self.slots[slot].row] {
            (_, 0) => self.slots[slot].row as f64,
            (sum, count) => sum / f64::from(count),
        };
        let mut order = self.columns[column].clone();
        order.sort_by(|&one, &other| place(one).total_cmp(&place(other)));
        order.iter().enumerate().for_each(|(row, &slot)| self.slots[slot].row = row);
        self.columns[column] = order;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{View, fixture};
    use super::*;

    #[test]
    fn lines_join_neighbouring_columns() {
        // One variant has a phase less, as far as the columns go: its line passes one.
        let (mut graph, program) = fixture::graph(fixture::SHARED);
        let short = graph.runs[0].train.pop().unwrap();
        let evaluate = graph.runs[0].evaluate;
        let edge = graph.graph.find_edge(short, evaluate).unwrap();
        graph.graph.remove_edge(edge);
        graph.graph.add_edge(graph.runs[0].train[0], evaluate, ());
        let layout = Layout::new(&View { graph: &graph, program: &program });
        assert!(
            layout.lines.iter().all(|&(from, to)| layout.slots[from].column + 1 == layout.slots[to].column)
        );
        assert_eq!(layout.slots.iter().filter(|slot| slot.node.is_none()).count(), 1);
    }

    #[test]
    fn no_two_slots_share_a_place() {
        let (graph, program) = fixture::graph(fixture::SHARED);
        let layout = Layout::new(&View { graph: &graph, program: &program });
        let mut places: Vec<_> = layout.slots.iter().map(|slot| (slot.column, slot.row)).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), layout.slots.len());
    }
}
