use snapbox::{IntoData, str};

use crate::desk::{Desk, output};

const SHARED: &str = "edition 2026\n\
    train 2 epochs under sgd\n then 3 steps under each [sgd, sam(rho = 0.1)]\n";

fn graph(format: &str) -> snapbox::cmd::OutputAssert {
    let desk = Desk::new(&[("a.flat", SHARED)]);
    desk.flatrun(&["graph", "a.flat", "--format", format]).code(0).stderr_eq("")
}

#[test]
fn text() {
    graph("text").stdout_eq(str![[r#"
data: digits, batch 64 (all variants)
└─ train phase 1: 2 epochs under sgd (all variants)
   ├─ train phase 2: 3 steps under sgd (sgd)
   │  └─ evaluate: accuracy (sgd)
   └─ train phase 2: 3 steps under sam over sgd (sam-rho-0.1)
      └─ evaluate: accuracy (sam-rho-0.1)
table: mean ± std over seeds (all variants)

"#]]);
}

#[test]
fn mermaid() {
    graph("mermaid").stdout_eq(str![[r#"
flowchart LR
  s0["data<br/>digits, batch 64<br/>all variants"]
  s1["train phase 1<br/>2 epochs under sgd<br/>all variants"]
  s2["train phase 2<br/>3 steps under sgd<br/>sgd"]
  s3["evaluate<br/>accuracy<br/>sgd"]
  s4["train phase 2<br/>3 steps under sam over sgd<br/>sam-rho-0.1"]
  s5["evaluate<br/>accuracy<br/>sam-rho-0.1"]
  s6["table<br/>mean ± std over seeds<br/>all variants"]
  s0 --> s1
  s1 --> s2
  s2 --> s3
  s1 --> s4
  s4 --> s5
  s3 --> s6
  s5 --> s6

"#]]);
}

#[test]
fn dot() {
    graph("dot").stdout_eq(
        str![[r#"
digraph stages {
  rankdir = LR;
  node [shape = box, style = rounded];
  s0 [label = "data\ndigits, batch 64\nall variants"];
  s1 [label = "train phase 1\n2 epochs under sgd\nall variants"];
  s2 [label = "train phase 2\n3 steps under sgd\nsgd"];
  s3 [label = "evaluate\naccuracy\nsgd"];
  s4 [label = "train phase 2\n3 steps under sam over sgd\nsam-rho-0.1"];
  s5 [label = "evaluate\naccuracy\nsam-rho-0.1"];
  s6 [label = "table\nmean ± std over seeds\nall variants"];
  s0 -> s1;
  s1 -> s2;
  s2 -> s3;
  s1 -> s4;
  s4 -> s5;
  s3 -> s6;
  s5 -> s6;
}

"#]]
        .raw(),
    );
}

#[test]
fn svg() {
    graph("svg").stdout_eq(str![[r#"
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1038 176" width="1038" height="176" role="img">
<title>stages</title>
<style>
  text { font: 12px ui-monospace, monospace; fill: #1f2328 }
  .title { font-weight: bold }
  rect { fill: #f6f8fa; stroke: #59636e }
  path { fill: none; stroke: #818b98; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    rect { fill: #161b22; stroke: #9198a1 }
    path { stroke: #6e7681 }
  }
</style>
<path d="M155.2 88.0 C183.2 88.0 183.2 88.0 211.2 88.0"/>
<path d="M364.8 88.0 C392.8 88.0 392.8 47.5 420.8 47.5"/>
<path d="M632.0 47.5 C660.0 47.5 660.0 47.5 688.0 47.5"/>
<path d="M364.8 88.0 C392.8 88.0 392.8 128.5 420.8 128.5"/>
<path d="M632.0 128.5 C660.0 128.5 660.0 128.5 688.0 128.5"/>
<path d="M791.2 47.5 C819.2 47.5 819.2 88.0 847.2 88.0"/>
<path d="M791.2 128.5 C819.2 128.5 819.2 88.0 847.2 88.0"/>
<rect x="16.0" y="56.5" width="139.2" height="63.0" rx="6"/>
<text x="28.0" y="75.2" class="title">data</text>
<text x="28.0" y="92.2">digits, batch 64</text>
<text x="28.0" y="109.2">all variants</text>
<rect x="211.2" y="56.5" width="153.6" height="63.0" rx="6"/>
<text x="223.2" y="75.2" class="title">train phase 1</text>
<text x="223.2" y="92.2">2 epochs under sgd</text>
<text x="223.2" y="109.2">all variants</text>
<rect x="420.8" y="16.0" width="211.2" height="63.0" rx="6"/>
<text x="432.8" y="34.8" class="title">train phase 2</text>
<text x="432.8" y="51.8">3 steps under sgd</text>
<text x="432.8" y="68.8">sgd</text>
<rect x="688.0" y="16.0" width="103.2" height="63.0" rx="6"/>
<text x="700.0" y="34.8" class="title">evaluate</text>
<text x="700.0" y="51.8">accuracy</text>
<text x="700.0" y="68.8">sgd</text>
<rect x="420.8" y="97.0" width="211.2" height="63.0" rx="6"/>
<text x="432.8" y="115.8" class="title">train phase 2</text>
<text x="432.8" y="132.8">3 steps under sam over sgd</text>
<text x="432.8" y="149.8">sam-rho-0.1</text>
<rect x="688.0" y="97.0" width="103.2" height="63.0" rx="6"/>
<text x="700.0" y="115.8" class="title">evaluate</text>
<text x="700.0" y="132.8">accuracy</text>
<text x="700.0" y="149.8">sam-rho-0.1</text>
<rect x="847.2" y="56.5" width="175.2" height="63.0" rx="6"/>
<text x="859.2" y="75.2" class="title">table</text>
<text x="859.2" y="92.2">mean ± std over seeds</text>
<text x="859.2" y="109.2">all variants</text>
</svg>

"#]]);
}

#[test]
fn json() {
    let graph: serde_json::Value = serde_json::from_str(&output(&graph("json"))).unwrap();
    let kinds: Vec<&str> =
        graph["stages"].as_array().unwrap().iter().map(|stage| stage["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["data", "train", "train", "evaluate", "train", "evaluate", "table"]);
    assert_eq!(graph["stages"][1]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(graph["stages"][1]["key"].as_str().unwrap().len(), 32);
}

#[test]
fn a_file_with_an_error_has_no_graph() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nunder samm\n")]);
    let graph = desk.flatrun(&["graph", "a.flat"]).code(1).stdout_eq("");
    assert!(String::from_utf8_lossy(&graph.get_output().stderr).contains("unknown minimizer `samm`"));
}

#[test]
fn labels_say_curriculum_and_adversary() {
    let program = "edition 2026\ntrain 2 epochs curriculum spl(adm) against at(eps = 0.1) under sam\n";
    let desk = Desk::new(&[("a.flat", program)]);
    let text = output(&desk.flatrun(&["graph", "a.flat", "--format", "text"]).code(0));
    assert!(
        text.contains("train phase 1: 2 epochs under sam over sgd, curriculum spl(adm), against at"),
        "{text}"
    );
}
