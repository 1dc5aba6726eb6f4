use snapbox::str;

use crate::desk::{Desk, output};

const BAD: &str = "curriculum sspl(amd) under lesma(budgt=-1)\n";
const GOOD: &str = "curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)\n";

#[test]
fn one_line_is_a_program() {
    let desk = Desk::new(&[("one.flat", GOOD)]);
    desk.flatrun(&["check", "one.flat"])
        .code(0)
        .stdout_eq(str![[r#"
no findings

"#]])
        .stderr_eq("");
}

#[test]
fn every_mistake_of_a_line_is_named() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    desk.flatrun(&["check", "bad.flat"]).code(1).stderr_eq("").stdout_eq(str![[r#"
F0201 unknown-component

  × unknown difficulty `amd`
   ╭─[bad.flat:1:17]
 1 │ curriculum sspl(amd) under lesma(budgt=-1)
   ·                 ─┬─
   ·                  ╰── not a difficulty
   ╰────
  help: the nearest difficulty is `adm`

F0201 unknown-component

  × unknown minimizer `lesma`
   ╭─[bad.flat:1:28]
 1 │ curriculum sspl(amd) under lesma(budgt=-1)
   ·                            ──┬──
   ·                              ╰── not a minimizer
   ╰────
  help: the nearest minimizer is `lesam`

F0202 unknown-parameter

  × `lesam` has no parameter `budgt`
   ╭─[bad.flat:1:34]
 1 │ curriculum sspl(amd) under lesma(budgt=-1)
   ·                                  ──┬──
   ·                                    ╰── unknown parameter of `lesam`
   ╰────
  help: the nearest parameter is `budget`

F0302 out-of-range

  × `budget` must be > 0, found -1
   ╭─[bad.flat:1:40]
 1 │ curriculum sspl(amd) under lesma(budgt=-1)
   ·                                        ─┬
   ·                                         ╰── not > 0
   ╰────
  help: the default is `budget = 0.4`

found 4 errors

"#]]);
}

#[test]
fn lint_is_another_name() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    desk.flatrun(&["lint", "bad.flat", "--format", "short"]).code(1).stdout_eq(str![[r#"
bad.flat:1:17: error F0201: unknown difficulty `amd`
bad.flat:1:28: error F0201: unknown minimizer `lesma`
bad.flat:1:34: error F0202: `lesam` has no parameter `budgt`
bad.flat:1:40: error F0302: `budget` must be > 0, found -1

"#]]);
}

#[test]
fn github_annotations() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    desk.flatrun(&["check", "bad.flat", "--format", "github"]).code(1).stdout_eq(str![[r#"
::error file=bad.flat,line=1,endLine=1,col=17,endColumn=20,title=F0201 unknown-component::unknown difficulty `amd`
::error file=bad.flat,line=1,endLine=1,col=28,endColumn=33,title=F0201 unknown-component::unknown minimizer `lesma`
::error file=bad.flat,line=1,endLine=1,col=34,endColumn=39,title=F0202 unknown-parameter::`lesam` has no parameter `budgt`
::error file=bad.flat,line=1,endLine=1,col=40,endColumn=42,title=F0302 out-of-range::`budget` must be > 0, found -1

"#]]);
}

#[test]
fn json_has_place_and_fix() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nunder LeSAM  # é\n")]);
    desk.flatrun(&["check", "a.flat", "--format", "json"]).code(1).stdout_eq(str![[r#"
[
  {
    "file": "a.flat",
    "line": 2,
    "column": 7,
    "end": {
      "line": 2,
      "column": 12
    },
    "bytes": {
      "start": 19,
      "end": 24
    },
    "code": "F0201",
    "slug": "unknown-component",
    "level": "error",
    "message": "unknown minimizer `LeSAM`",
    "labels": [
      {
        "line": 2,
        "column": 7,
        "end": {
          "line": 2,
          "column": 12
        },
        "bytes": {
          "start": 19,
          "end": 24
        },
        "text": "not a minimizer"
      }
    ],
    "help": [
      "the nearest minimizer is `lesam`"
    ],
    "fix": {
      "title": "replace by `lesam`",
      "safe": true,
      "edits": [
        {
          "line": 2,
          "column": 7,
          "end": {
            "line": 2,
            "column": 12
          },
          "bytes": {
            "start": 19,
            "end": 24
          },
          "replacement": "lesam"
        }
      ]
    }
  }
]

"#]]);
}

#[test]
fn sarif_is_a_whole_log() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    let log = output(&desk.flatrun(&["check", "bad.flat", "--format", "sarif"]).code(1));
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let codes: Vec<_> =
        log["runs"][0]["results"].as_array().unwrap().iter().map(|result| &result["ruleId"]).collect();
    assert_eq!(codes, ["F0201", "F0201", "F0202", "F0302"]);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| !rule["help"]["text"].as_str().unwrap().is_empty()));
}

#[test]
fn sixty_columns_are_enough() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    let narrow = desk.command(&["check", "bad.flat"]).env("COLUMNS", "60");
    let text = output(&narrow.assert().code(1));
    // A label stands where its place is, however far to the right.
    let filled = text.lines().filter(|line| !line.contains('·'));
    assert!(filled.clone().count() > 20 && filled.clone().all(|line| line.chars().count() <= 60), "{text}");
}

#[test]
fn a_label_may_stand_at_the_end_of_the_file() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nunder sam(rho =\n")]);
    desk.flatrun(&["check", "a.flat"]).code(1).stdout_eq(str![[r#"
F0108 unbalanced-bracket

  × `(` is never closed
   ╭─[a.flat:2:10]
 2 │ under sam(rho =
   ·          ┬
   ·          ╰── opened here
   ╰────
  help: write `)` where it ends

found 1 error

"#]]);
}

#[test]
fn an_empty_file() {
    let desk = Desk::new(&[("a.flat", "")]);
    desk.flatrun(&["check", "a.flat"]).code(1).stdout_eq(str![[r#"
F0128 empty-file

  × the file holds no statement
  help: one line is a whole file: `curriculum ssp(adm) under lesam(budget =
        0.4, clip = 0.35)`
   in a.flat

found 1 error

"#]]);
}

#[test]
fn a_file_that_is_not_text() {
    let desk = Desk::new(&[]);
    std::fs::write(desk.path("a.flat"), b"edition 2026\ntitle \"\xe9\"\n").unwrap();
    desk.flatrun(&["check", "a.flat"]).code(1).stdout_eq(str![[r#"
F0127 not-utf8

  × the file is not UTF-8: byte 0xe9 at offset 20, line 2
   ╭─[a.flat:2:8]
 2 │ title "�"
   ·        ┬
   ·        ╰── not a character
   ╰────
  help: save the file as UTF-8

found 1 error

"#]]);
    desk.flatrun(&["check", "a.flat", "--format", "short"]).code(1).stdout_eq(str![[r#"
a.flat:2:8: error F0127: the file is not UTF-8: byte 0xe9 at offset 20, line 2

"#]]);
}

#[test]
fn a_warning_alone_ends_well() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nlet a = sam\nunder sgd\n")]);
    desk.flatrun(&["check", "a.flat"]).code(0).stdout_eq(str![[r#"
L0002 unused-let

  ⚠ `a` is never used
   ╭─[a.flat:2:5]
 2 │ let a = sam
   ·     ┬
   ·     ╰── no statement reads it
   ╰────
  help: use it, as in `under a`, or remove the line

found 1 warning

"#]]);
}

#[test]
fn files_that_cannot_be_read_do_not_hide_the_others() {
    let desk = Desk::new(&[("bad.flat", BAD), ("quickstart.flat", GOOD)]);
    desk.flatrun(&["check", "quickstrat.flat", "none", "bad.flat", "--format", "short"])
        .code(2)
        .stdout_eq(str![[r#"
bad.flat:1:17: error F0201: unknown difficulty `amd`
bad.flat:1:28: error F0201: unknown minimizer `lesma`
bad.flat:1:34: error F0202: `lesam` has no parameter `budgt`
bad.flat:1:40: error F0302: `budget` must be > 0, found -1

"#]])
        .stderr_eq(str![[r#"
error: there is no file `quickstrat.flat`
  help: the nearest file is `quickstart.flat`
error: there is no file `none`

"#]]);
}

#[test]
fn standard_input() {
    let desk = Desk::new(&[]);
    desk.with_input(&["check", "-", "--format", "short"], BAD).code(1).stdout_eq(str![[r#"
stdin:1:17: error F0201: unknown difficulty `amd`
stdin:1:28: error F0201: unknown minimizer `lesma`
stdin:1:34: error F0202: `lesam` has no parameter `budgt`
stdin:1:40: error F0302: `budget` must be > 0, found -1

"#]]);
}

#[test]
fn json_of_nothing_is_still_json() {
    let desk = Desk::new(&[]);
    desk.flatrun(&["check", "none.flat", "--format", "json"]).code(2).stdout_eq("[]\n");
}

#[test]
fn fixes_are_applied_until_nothing_is_left_to_fix_and_each_is_listed() {
    let desk = Desk::new(&[("a.flat", "Curriculum SSPL(ADM) under lesam(bugdet: 0.3)\n")]);
    desk.flatrun(&["check", "a.flat", "--fix"])
        .code(0)
        .stdout_eq(str![[r#"
no findings

"#]])
        .stderr_eq(str![[r#"
a.flat:1:1: `Curriculum` -> `curriculum`
a.flat:1:12: `SSPL` -> `sspl`
a.flat:1:17: `ADM` -> `adm`
a.flat:1:34: `bugdet` -> `budget`
a.flat:1:40: `:` -> `=`
applied 5 fixes to a.flat

"#]]);
    assert_eq!(desk.read("a.flat"), "curriculum sspl(adm) under lesam(budget = 0.3)\n");
}

#[test]
fn what_is_not_certain_stays() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    desk.flatrun(&["check", "bad.flat", "--fix", "--format", "short"]).code(1).stderr_eq("");
    assert_eq!(desk.read("bad.flat"), BAD);
}

#[test]
fn known_things_that_are_not_built_stay() {
    let text = "edition 2026\n\
                model resnet152\n\
                optimize nadam(lr = 0.1)\n\
                train 2 epochs against at(eps = 0.5, step = 0.1, norm = l1)\n\
                evaluate accuracy, pgd(eps = 0.1, loss = cw)\n";
    let desk = Desk::new(&[("case.flat", text)]);
    desk.flatrun(&["check", "case.flat", "--fix", "--format", "short"]).code(1).stderr_eq("").stdout_eq(str![[r#"
case.flat:2:7: error F0201: `resnet152` is not built; models are `mlp`, `cnn`, `sat_cnn`, `resnet18`, `resnet34`, `resnet50`, `resnet101`, `preact_resnet18`, `preact_resnet20`, `wrn`, `pyramidnet110`, `vit_b16`, `vit`
case.flat:3:10: error F0201: `nadam` is not built; optimizers are `sgd`, `adam`, `adamw`
case.flat:4:57: error F0203: `l1` is not built; `norm` takes `linf` or `l2`
case.flat:5:42: error F0203: `cw` is not built; `loss` takes `ce`, `margin` or `dlr`

"#]]);
    assert_eq!(desk.read("case.flat"), text);
}

#[test]
fn a_fix_that_brings_an_error_is_left_out_and_told() {
    let text = "edition 2026\nUnder sgd\ntrain 5 epochs under sam\n";
    let desk = Desk::new(&[("a.flat", text)]);
    let checked = desk.flatrun(&["check", "a.flat", "--fix"]).code(1);
    let told = String::from_utf8_lossy(&checked.get_output().stderr).into_owned();
    assert!(told.starts_with("a.flat:2:1: `Under` -> `under`: left out, it would bring F0502"), "{told}");
    assert_eq!(desk.read("a.flat"), text);
}

#[test]
fn standard_input_is_fixed_to_standard_output() {
    let desk = Desk::new(&[]);
    desk.with_input(&["check", "-", "--fix"], "under LESAM # keep\n")
        .code(0)
        .stdout_eq("under lesam # keep\n");
}

#[test]
fn a_folder_is_all_its_files() {
    let file = |name| (name, "under lesma\n");
    let desk = Desk::new(
        &["b.flat", "a.flat", "deep/er/c.flat", "runs/x/d.flat", ".hidden/e.flat", "f.txt"].map(file),
    );
    desk.flatrun(&["check", ".", "--format", "short"]).code(1).stderr_eq("").stdout_eq(str![[r#"
a.flat:1:7: error F0201: unknown minimizer `lesma`
b.flat:1:7: error F0201: unknown minimizer `lesma`
deep/er/c.flat:1:7: error F0201: unknown minimizer `lesma`

"#]]);
    desk.flatrun(&["check", "deep", "--format", "short"]).code(1).stdout_eq(str![[r#"
deep/er/c.flat:1:7: error F0201: unknown minimizer `lesma`

"#]]);
    desk.flatrun(&["fmt", "--check", "."]).code(0).stderr_eq("");
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.flatrun(&["check", "empty"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no file `*.flat` below `empty`

"#]]);
}

#[test]
fn a_missing_data_set_is_a_finding() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ndata mnist\nunder sgd\n")]);
    desk.flatrun(&["check", "a.flat", "--format", "short"]).code(1).stdout_eq(str![[r#"
a.flat:2:6: error F0401: `mnist` needs `data/mnist`, which is not there

"#]]);
}

#[test]
fn color_is_asked_for() {
    let desk = Desk::new(&[("bad.flat", BAD)]);
    assert!(!output(&desk.flatrun(&["check", "bad.flat"])).contains('\x1b'));
    assert!(output(&desk.flatrun(&["check", "bad.flat", "--color", "always"])).contains('\x1b'));
}

#[test]
fn flags_that_change_a_file_are_checked_with_it() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ntrain 2 epochs under sam(rho = 0.05)\n")]);
    desk.flatrun(&[
        "check",
        "--format",
        "short",
        "a.flat",
        "--set",
        "train.0.under.rho=0.1",
        "--seeds",
        "0..3",
    ])
    .code(0)
    .stdout_eq("");
    let checked =
        desk.flatrun(&["check", "--format", "short", "a.flat", "--set", "train.0.under.rho=-1"]).code(1);
    let text = crate::desk::output(&checked);
    assert!(text.contains("F0302") && text.contains("--set train.0.under.rho=-1"), "{text}");
    let read = desk.read("a.flat");
    desk.flatrun(&["check", "--fix", "a.flat", "--set", "train.0.under.rho=0.1"]).code(0);
    assert_eq!(desk.read("a.flat"), read, "flags stay out of the file");
}
