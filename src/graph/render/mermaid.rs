//! Mermaid, which GitHub and many editors draw inside Markdown.

use std::fmt::Write;

use super::View;

pub(super) fn mermaid(view: &View<'_>) -> String {
    let mut text = String::from("flowchart LR\n");
    for node in view.nodes() {
        let lines: Vec<String> = view.lines(node).iter().map(|line| escaped(line)).collect();
        let _ = writeln!(text, "  s{}[\"{}\"]", node.index(), lines.join("<br/>"));
    }
    for (from, to) in view.edges() {
        let _ = writeln!(text, "  s{} --> s{}", from.index(), to.index());
    }
    text
}

/// What has a meaning inside a quoted label, as Mermaid's entities.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
        .replace('&', "#amp;")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::{Format, render};
    use super::escaped;

    #[test]
    fn shared_phases_fork() {
        let (graph, program) = fixture::graph(&fixture::SHARED.replace("0..2", "[0]"));
        let expected = "flowchart LR
  s0[\"data<br/>digits, batch 64<br/>all variants\"]
  s1[\"train phase 1<br/>2 epochs under sgd<br/>all variants\"]
  s2[\"train phase 2<br/>1 epoch under sgd<br/>sgd\"]
  s3[\"evaluate<br/>accuracy<br/>sgd\"]
  s4[\"train phase 2<br/>1 epoch under sam over sgd<br/>sam-rho-0.1\"]
  s5[\"evaluate<br/>accuracy<br/>sam-rho-0.1\"]
  s6[\"table<br/>mean ± std over seeds<br/>all variants\"]
  s0 --> s1
  s1 --> s2
  s2 --> s3
  s1 --> s4
  s4 --> s5
  s3 --> s6
  s5 --> s6
";
        assert_eq!(render(&graph, &program, Format::Mermaid), expected);
    }

    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(escaped("a\"<b>#"), "a#quot;#lt;b#gt;#35;");
    }
}
