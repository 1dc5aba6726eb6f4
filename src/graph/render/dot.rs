//! Graphviz.

use std::fmt::Write;

use super::View;

pub(super) fn dot(view: &View<'_>) -> String {
    let mut text =
        String::from("digraph stages {\n  rankdir = LR;\n  node [shape = box, style = rounded];\n");
    for node in view.nodes() {
        let lines: Vec<String> = view.lines(node).iter().map(|line| escaped(line)).collect();
        let _ = writeln!(text, "  s{} [label = \"{}\"];", node.index(), lines.join("\\n"));
    }
    for (from, to) in view.edges() {
        let _ = writeln!(text, "  s{} -> s{};", from.index(), to.index());
    }
    text.push_str("}\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::{Format, render};

    #[test]
    fn a_plain_program() {
        let (graph, program) = fixture::graph("edition 2026\ntrain 3 steps under sgd\n");
        let expected = r#"digraph stages {
  rankdir = LR;
  node [shape = box, style = rounded];
  s0 [label = "data\ndigits, batch 64"];
  s1 [label = "train phase 1\n3 steps under sgd"];
  s2 [label = "evaluate\naccuracy"];
  s3 [label = "table\nmean ± std over seeds"];
  s0 -> s1;
  s1 -> s2;
  s2 -> s3;
}
"#;
        assert_eq!(render(&graph, &program, Format::Dot), expected);
    }
}
