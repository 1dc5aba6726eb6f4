use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flatrun::files::Sealed;
use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};
use snapbox::str;

use crate::desk::{Desk, output};

const STUDY: &str = "edition 2026\ntitle \"Two <minimizers> & \\\"one\\\" curriculum\"\n\
    data digits batch 256 validation 10%\nmodel mlp(hidden = [8])\n\
    train 3 epochs curriculum spl(loss, fraction = linear(0.5 -> 1)) under each [sgd, sam(rho = 0.05)]\n\
    evaluate accuracy, loss, difficulty(samples = 64) every 1 epochs\nseeds 0..2\n";
const DIVERGES: &str = "edition 2026\nmodel mlp(hidden = [8])\n\
    train 60 steps under each [sgd(lr = 1e30), sgd(lr = 0.1)]\n";

fn study() -> (Desk, String) {
    let desk = Desk::new(&[("study.flat", STUDY)]);
    desk.flatrun(&["study.flat", "--quiet"]).code(0);
    let folder = desk.run_folder();
    (desk, folder)
}

fn seeds(desk: &Desk, folder: &str) -> Vec<PathBuf> {
    ["sgd", "sam-rho-0.05"]
        .iter()
        .flat_map(|variant| [0, 1].map(|seed| desk.path(folder).join(variant).join(format!("seed-{seed}"))))
        .collect()
}

fn parsed(text: &str) -> Document<'_> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap()
}

fn figures(desk: &Desk, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(desk.path(folder).join("report")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The page and its figures are well-formed, need nothing else, and belong together.
fn assert_whole(desk: &Desk, folder: &str) -> String {
    let text = desk.read(&format!("{folder}/report.html"));
    let page = parsed(&text);
    for outside in ["<link", " src=", "@import", "url(", "https://"] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert_eq!(text.matches("http://").count(), text.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    let mut linked: Vec<String> = page
        .descendants()
        .filter(|node| node.attribute("class") == Some("file"))
        .map(|node| node.attribute("href").unwrap().strip_prefix("report/").unwrap().to_owned())
        .collect();
    linked.sort();
    assert_eq!(linked, figures(desk, folder));
    for name in &linked {
        let svg = desk.read(&format!("{folder}/report/{name}"));
        let root = parsed(&svg).root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg"));
        assert!(root && !svg.contains("var(") && !svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
    for figure in page.descendants().filter(|node| node.has_tag_name("figure")) {
        let caption = figure.children().find(|node| node.has_tag_name("figcaption")).unwrap();
        let words: String = caption.descendants().filter_map(|node| node.text()).collect();
        assert!(words.starts_with("Figure ") && words.len() > 20, "{words}");
    }
    text
}

#[test]
fn a_run_leaves_a_page_that_needs_nothing_beside_it() {
    let (desk, folder) = study();
    let text = assert_whole(&desk, &folder);
    assert!(text.contains("Two &lt;minimizers&gt; &amp; &quot;one&quot; curriculum"), "the title");
    assert!(text.contains("train.0.under.rho") && text.contains("evaluate accuracy, loss, difficulty"));
    let names = figures(&desk, &folder);
    for wanted in [
        "train-loss",
        "validation-accuracy",
        "learning-rate",
        "radius",
        "kept",
        "difficulty-training",
        "difficulty-adm",
        "separability-loss",
        "variation-gdm",
        "kept-sgd",
        "result-accuracy",
    ] {
        assert!(names.contains(&format!("{wanted}.svg")), "{wanted} is not among {names:?}");
    }
    let report = desk.flatrun(&["report", &folder]).code(0).stderr_eq("runs/study-[..]/report.html\n");
    assert!(output(&report).starts_with("sgd (2 seeds)\n") || output(&report).starts_with("variant"));
    assert_eq!(desk.read(&format!("{folder}/report.html")), text, "the same run gives the same page");
}

/// What curvature and landscapes record, with a number that is not finite.
fn fields() -> Value {
    let line: Vec<f64> = (0..101).map(|k| f64::from(k) / 5.0 - 2.0).collect();
    let axis: Vec<f64> = (0..11).map(|k| f64::from(k) / 5.0 - 1.0).collect();
    let bowl =
        |x: f64, y: f64| if x > 0.9 && y > 0.9 { Value::Null } else { json!(0.01 + 2.0 * x * x + y * y) };
    let surface: Vec<Value> = axis.iter().flat_map(|&y| axis.iter().map(move |&x| bowl(x, y))).collect();
    let field = |name: &str, axes: Value, columns: Value| json!({ "name": name, "label": format!("{name}(a < b)"), "axes": axes, "columns": columns });
    let density: Vec<f64> = line.iter().map(|x| (-x * x * 4.0).exp()).collect();
    json!({ "schema": 1, "phase": 1, "step": 15, "fields": [
        field("spectrum", json!([{ "name": "eigenvalue", "values": line }]), json!([{ "name": "density", "values": density }])),
        field("hessian", json!([{ "name": "rank", "values": [1, 2, 3] }]), json!([{ "name": "eigenvalue", "values": [9.5, 0.5, null] }, { "name": "residual", "values": [1e-4, 2e-3, null] }])),
        field("estimates", json!([{ "name": "sample", "values": [0, 5, 10] }]), json!(["exact", "lower", "symmetric", "upper", "literal"]
            .map(|column| json!({ "name": column, "values": [3, 1, 2] })))),
        field("hessian.layers", json!([{ "name": "layer", "values": [0, 1], "labels": ["a.weight", "b.weight"] }]),
            json!([{ "name": "eigenvalue", "values": [1, 2] }, { "name": "trace", "values": [3, -4] }])),
        field("landscape", json!([{ "name": "x", "values": axis }]), json!([{ "name": "loss", "values": axis }])),
        { "name": "landscape", "label": "landscape(2)", "axes": [{ "name": "y", "values": axis }, { "name": "x", "values": axis }],
          "columns": [{ "name": "loss", "values": surface }, { "name": "accuracy", "values": vec![0.5; 121] }] },
    ] })
}

#[test]
fn fields_become_spectra_eigenvalues_contours_and_surfaces() {
    let (desk, folder) = study();
    for seed in seeds(&desk, &folder) {
        let records = Sealed::new(&seed);
        records.write("fields/phase-1-step-5.json", fields().to_string().as_bytes()).unwrap();
        records.write("fields/final.json", fields().to_string().as_bytes()).unwrap();
    }
    desk.flatrun(&["report", &folder]).code(0);
    let text = assert_whole(&desk, &folder);
    for told in ["The latest of 2 measurements of a run.", "seed 0 alone, the first of 2."] {
        assert!(text.contains(told), "{told}");
    }
    let names = figures(&desk, &folder);
    for wanted in [
        "spectrum-spectrum-a-b",
        "eigenvalues-hessian-a-b",
        "residuals-hessian-a-b",
        "estimates-lower-estimates-a-b",
        "estimates-literal-estimates-a-b",
        "layers-trace-hessian-layers-a-b",
        "landscape-loss-landscape-a-b",
        "landscape-loss-contours-sgd-landscape-2",
        "landscape-loss-surface-sam-rho-0-05-landscape-2",
        "landscape-accuracy-contours-sgd-landscape-2",
    ] {
        assert!(names.contains(&format!("{wanted}.svg")), "{wanted} is not among {names:?}");
    }
    let contours = desk.read(&format!("{folder}/report/landscape-loss-contours-sgd-landscape-2.svg"));
    let document = parsed(&contours);
    let of_class =
        |class: &str| document.descendants().filter(|node| node.attribute("class") == Some(class)).count();
    assert!(of_class("halo") >= 4, "labels of levels");
    assert_eq!(of_class("hole"), 1);
}

#[test]
fn what_is_unfinished_failed_or_damaged_is_shown_as_such() {
    let (desk, folder) = study();
    let all = seeds(&desk, &folder);
    fs::remove_file(all[0].join("results.json")).unwrap();
    fs::write(all[1].join("results.json"), "{\"stage\":").unwrap();
    let metrics = fs::read_to_string(all[2].join("metrics.csv")).unwrap();
    fs::write(all[2].join("metrics.csv"), metrics + "1,2,x\n").unwrap();
    fs::write(all[3].join("resolved.json"), "").unwrap();
    desk.flatrun(&["report", &folder]).code(0).stderr_eq(str![[r#"
warning: `runs/study-[..]/sam-rho-0.05/seed-1/resolved.json` is damaged: its content is not what was written
warning: `runs/study-[..]/sgd/seed-1/results.json` is damaged: its content is not what was written
warning: `runs/study-[..]/sam-rho-0.05/seed-0/metrics.csv` is damaged: its content is not what was written
warning: sgd, seed 0 is not finished: step 18 of phase 1
runs/study-[..]/report.html

"#]]);
    let text = assert_whole(&desk, &folder);
    for told in [
        "2 of 4 unfinished",
        "its results cannot be read",
        "is not finished: step 18 of phase 1",
        "its content is not what was written",
    ] {
        assert!(text.contains(told), "{told}");
    }
    let table = output(&desk.flatrun(&["report", &folder, "--format", "csv"]).code(0));
    assert!(table.contains("\nsgd,0,0,2,") && table.contains("\nsam-rho-0.05,2,0,0,0."), "{table}");
}

/// What casts doubt on numbers stands wherever the numbers do.
#[test]
fn warnings_of_measurements_are_printed_with_the_table() {
    let (desk, folder) = study();
    for seed in seeds(&desk, &folder).iter().take(2) {
        let path = seed.join("results.json");
        let mut results: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        results["warnings"] = json!(["gradients may be masked"]);
        Sealed::new(seed).write("results.json", results.to_string().as_bytes()).unwrap();
    }
    let notes = "\nNotes\n\n- sgd, seeds 0, 1: gradients may be masked\n";
    for format in ["text", "markdown"] {
        let text = output(&desk.flatrun(&["report", &folder, "--format", format]).code(0));
        assert!(text.ends_with(notes), "{text}");
    }
    let csv = output(&desk.flatrun(&["report", &folder, "--format", "csv"]).code(0));
    assert!(!csv.contains("masked"), "numbers alone");
    let page = assert_whole(&desk, &folder);
    assert!(page.contains("sgd: gradients may be masked") && page.contains("(seeds 0, 1)"));
}

#[test]
fn a_failed_variant_is_in_the_page() {
    let desk = Desk::new(&[("a.flat", DIVERGES)]);
    desk.flatrun(&["a.flat", "--quiet"]).code(3);
    let text = assert_whole(&desk, &desk.run_folder());
    assert!(
        text.contains("1 of 2 failed")
            && text.contains("sgd-lr-1e30 failed: loss or gradient was not finite")
    );
}

#[test]
fn runs_are_found_by_name_and_joined() {
    let (desk, folder) = study();
    let name = folder.strip_prefix("runs/").unwrap();
    let one = output(&desk.flatrun(&["report", name]).code(0).stderr_eq("runs/study-[..]/report.html\n"));
    assert_eq!(output(&desk.flatrun(&["report", name, &folder]).code(0)), one, "a run counts once");
    assert_eq!(output(&desk.flatrun(&["report", "stu"]).code(0)), one, "no other name begins so");
    desk.flatrun(&["report", "stduy"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no run in `stduy`
  help: the nearest name is `study-[..]`

"#]]);
    desk.flatrun(&["study.flat", "--quiet", "--seeds", "0,1,2"]).code(0);
    let mut names: Vec<String> = fs::read_dir(desk.path("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    desk.flatrun(&["report", &names[0], &names[1], "--out", "both"]).code(0).stderr_eq("both/report.html\n");
    let text = assert_whole(&desk, "both");
    assert!(names.iter().all(|name| text.contains(&format!("{name}/sam-rho-0.05"))));
}

#[test]
fn a_page_goes_nowhere_it_does_not_belong() {
    let (desk, folder) = study();
    fs::write(desk.path("file"), "").unwrap();
    desk.flatrun(&["report", &folder, "--out", "file/x"]).code(2).stderr_eq(str![[r#"
error: nothing is written to `file/x/report.html`: `file` in its path is no folder
  help: write elsewhere with `--out DIR`

"#]]);
    fs::write(desk.path("report.html"), "<p>mine</p>").unwrap();
    desk.flatrun(&["report", &folder, "--out", "."]).code(2).stderr_eq(str![[r#"
error: nothing is written to `./report.html`: it was not written by this program
  help: write elsewhere with `--out DIR`

"#]]);
    assert_eq!(desk.read("report.html"), "<p>mine</p>");
    fs::write(desk.path(&folder).join("report/old.svg"), "<!-- flatrun report -->").unwrap();
    fs::write(desk.path(&folder).join("report/mine.svg"), "<svg/>").unwrap();
    desk.flatrun(&["report", &folder]).code(0);
    let names = figures(&desk, &folder);
    assert!(!names.contains(&"old.svg".into()) && names.contains(&"mine.svg".into()));
}

/// Copies a seed of a run as another one.
fn copy(from: &Path, seed: u64) {
    let to = from.with_file_name(format!("seed-{seed}"));
    fs::create_dir_all(&to).unwrap();
    for name in ["metrics.csv", "measurements.csv", "events.jsonl", "results.json", "pipeline.flat"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let resolved = fs::read_to_string(from.join("resolved.json")).unwrap();
    fs::write(to.join("resolved.json"), resolved.replace("\"seed\": 0", &format!("\"seed\": {seed}")))
        .unwrap();
}

#[test]
fn a_hundred_seeds_are_no_trouble() {
    let (desk, folder) = study();
    for seed in 2..100 {
        copy(&desk.path(&folder).join("sgd/seed-0"), seed);
    }
    let began = Instant::now();
    let report = desk.flatrun(&["report", &folder, "--format", "csv", "--out", "all"]).code(0);
    assert!(output(&report).contains("\nsgd,100,0,0,"));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert!(assert_whole(&desk, "all").contains("n = 2 to 100 seeds"));
}

const READ: &str = "
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]).Reload()
print(json.dumps({tag: [[e.wall_time, e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()['scalars']}))
";

#[test]
fn tensorboard_reads_the_event_files() {
    let (desk, folder) = study();
    desk.flatrun(&["report", &folder, "--tensorboard", "board"]).code(0);
    let name = folder.strip_prefix("runs/").unwrap();
    let place = desk.path("board").join(name).join("sgd/seed-1");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    let probe = Command::new("python3").args(["-c", "import tensorboard"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        println!("skipped: python3 with tensorboard is not installed");
        return;
    }
    let read = Command::new("python3").args(["-c", READ]).arg(&place).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let scalars: Value = serde_json::from_slice(&read.stdout).unwrap();
    let losses = scalars["metrics/train_loss"].as_array().unwrap();
    let steps: Vec<u64> = losses.iter().map(|entry| entry[1].as_u64().unwrap()).collect();
    assert_eq!((steps.len(), steps[2], steps[0] * 3), (3, steps[0] * 3, steps[2]));
    let metrics = desk.read(&format!("{folder}/sgd/seed-1/metrics.csv"));
    let column = metrics.lines().next().unwrap().split(',').position(|name| name == "train_loss").unwrap();
    let first: f32 = metrics.lines().nth(1).unwrap().split(',').nth(column).unwrap().parse().unwrap();
    assert_eq!(losses[0][2].as_f64().unwrap() as f32, first);
    let events = desk.read(&format!("{folder}/sgd/seed-1/events.jsonl"));
    let epoch = events.lines().find(|line| line.contains("\"type\":\"epoch\"")).unwrap();
    let time = serde_json::from_str::<Value>(epoch).unwrap()["time"].as_f64().unwrap();
    assert_eq!(losses[0][0].as_f64().unwrap(), time);
    assert_eq!(scalars["result/accuracy"].as_array().unwrap().len(), 1);
    let labelled = |name: &str| name.starts_with("measured/difficulty") && name.ends_with(".loss.p50");
    let medians = scalars.as_object().unwrap().iter().find(|(name, _)| labelled(name)).unwrap().1;
    assert_eq!(medians.as_array().unwrap().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_page_is_left_alone() {
    let (desk, folder) = study();
    fs::create_dir(desk.path("out")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(desk.path("out/report.html")).status().unwrap().success()
    );
    desk.flatrun(&["report", &folder, "--out", "out"]).code(2).stderr_eq(str![[r#"
error: nothing is written to `out/report.html`: it is a pipe
  help: write elsewhere with `--out DIR`

"#]]);
    assert!(!desk.path("out/report").exists());
}
