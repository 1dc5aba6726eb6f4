//! Runs on images in files, on domains and on long tails, with their protocols.

use std::fs;

use crate::desk::{Desk, output};
use crate::pictures::{classes, mixed};

const BIRDS: &str = "edition 2026\ndata folder(\"birds\") augment [random_resized_crop(16), flip, jitter(brightness = 0.2, hue = 0.05), \
    mixup(0.2), label_smoothing(0.1)] batch 8 validation 25%\nmodel cnn(width = 8)\ntrain 3 epochs under sgd\nevaluate accuracy, loss\n";

fn birds() -> Desk {
    let desk = Desk::new(&[("birds.flat", BIRDS)]);
    classes(&desk.path("birds/train"), &["crow", "finch", "gull"], 12, mixed);
    classes(&desk.path("birds/val"), &["crow", "finch", "gull"], 4, mixed);
    desk
}

fn weights(desk: &Desk) -> Vec<u8> {
    fs::read(desk.path(&format!("{}/main/seed-0/weights.safetensors", desk.run_folder()))).unwrap()
}

#[test]
fn a_folder_is_planned_at_the_size_of_its_view() {
    let plan = output(&birds().flatrun(&["plan", "birds.flat"]).code(0));
    let expected = "data   folder: 27 training + 9 validation + 12 test images\n       16x16x3, 3 classes; 4 batches of 8 per epoch\n       classes 0: crow, 1: finch, 2: gull, in the order of their names\n       \
                    measured on through [resize(18), center_crop(16)]\n";
    assert!(plan.contains(expected), "{plan}");
}

#[test]
fn threads_change_no_byte_of_a_run() {
    let run = |threads: &str| {
        let desk = birds();
        let mut process = desk.process(&["birds.flat", "--quiet"]);
        process.env("RAYON_NUM_THREADS", threads);
        let table = output(&snapbox::cmd::Command::from_std(process).assert().code(0));
        (table, weights(&desk))
    };
    let (table, alone) = run("1");
    assert!(table.contains("accuracy %"), "{table}");
    assert!(alone == run("7").1);
}

#[test]
fn a_changed_file_is_another_data_set() {
    let desk = birds();
    let stage = || {
        desk.flatrun(&["birds.flat", "--quiet"]).code(0);
        let results = desk.read(&format!("{}/main/seed-0/results.json", desk.run_folder()));
        serde_json::from_str::<serde_json::Value>(&results).unwrap()["stage"].to_string()
    };
    let first = stage();
    assert_eq!(first, stage());
    let from = desk.path("birds/train/crow/001.png");
    fs::write(desk.path("birds/train/crow/004.png"), fs::read(from).unwrap()).unwrap();
    let second = stage();
    assert_ne!(first, second);
    fs::remove_file(desk.path("birds/val/gull/003.jpg")).unwrap();
    assert_ne!(second, stage());
}

#[test]
fn images_of_one_size_need_no_resizing() {
    let desk = Desk::new(&[(
        "same.flat",
        "edition 2026\ndata folder(\"same\", color = grey) augment [crop(pad = 2), cutout(4)] batch 8\nmodel mlp\ntrain 1 epochs under sgd\n",
    )]);
    for part in ["train", "test"] {
        classes(&desk.path("same").join(part), &["a", "b"], 6, |_| (12, 10));
    }
    let plan = output(&desk.flatrun(&["plan", "same.flat"]).code(0));
    assert!(plan.contains("10x12x1, 2 classes"), "{plan}");
    desk.flatrun(&["same.flat", "--quiet"]).code(0);
}

#[test]
fn a_long_tail_reports_its_groups_and_its_protocol() {
    let desk = Desk::new(&[(
        "tail.flat",
        "edition 2026\ndata longtail(digits, factor = 20) batch 32\nmodel mlp(hidden = [16])\ntrain 2 epochs under sgd\nseeds 0..2\n",
    )]);
    let line = "longtail: factor 20, exponential: 143 to 7 training images per class, 490 in all; \
                many > 100: 2 classes, medium 20 to 100: 4, few < 20: 4\n";
    let weights = "weights: those of the last step\n";
    let plan = output(&desk.flatrun(&["plan", "tail.flat"]).code(0));
    assert!(plan.contains(&format!("data   longtail: 490 training + 360 test images\n       8x8x1, 10 classes; 16 batches of 32 per epoch\n       classes 0: 0, 1: 1, 2: 2 and 7 more, as published\n       {line}")), "{plan}");
    let run = output(&desk.flatrun(&["tail.flat", "--quiet"]).code(0));
    for name in ["accuracy %", "many.accuracy %", "medium.accuracy %", "few.accuracy %"] {
        assert!(run.contains(name), "{run}");
    }
    assert!(run.ends_with(&format!("{line}{weights}")), "{run}");
    let folder = desk.run_folder();
    assert_eq!(output(&desk.flatrun(&["report", &folder]).code(0)), run);
    assert!(
        desk.read(&format!("{folder}/table.md"))
            .ends_with(&format!("\n- {}- {weights}", line.replace('<', "&lt;")))
    );
    assert!(
        desk.read(&format!("{folder}/main/seed-1/results.json"))
            .contains("\"protocol\": [\n    \"longtail: factor 20")
    );
}

fn pacs(arguments: &str, rest: &str) -> Desk {
    let program = format!(
        "edition 2026\ndata domains(\"PACS\", {arguments}) augment [random_resized_crop(16, scale = [0.7, 1]), flip] \
         test [resize(16, fit = exact)] batch 6\nmodel cnn(width = 8)\ntrain 20 steps under sgd\n{rest}"
    );
    let desk = Desk::new(&[("pacs.flat", &program)]);
    for (number, domain) in ["art_painting", "cartoon", "photo", "sketch"].iter().enumerate() {
        classes(&desk.path("PACS").join(domain), &["dog", "horse"], 10 + 5 * number, mixed);
    }
    fs::write(desk.path("PACS/README.txt"), "what stands beside the domains describes them").unwrap();
    desk
}

#[test]
fn leaving_a_domain_out_prints_the_protocol() {
    let desk = pacs("test = \"sketch\"", "select best(accuracy)\nevaluate accuracy, loss\n");
    let run = output(&desk.flatrun(&["pacs.flat", "--quiet"]).code(0));
    let protocol = "domains: trained on `art_painting`, `cartoon`, `photo`, tested on `sketch`\n\
        split: 20% of each domain held out, stratified by class, trial 0; each batch has as many samples of each training domain\n\
        selection: training_domain, on the out splits of the training domains\n\
        reported: in split of each test domain, mean over test domains\n\
        weights: those of the best epoch by accuracy on the validation samples\n";
    assert!(run.ends_with(protocol), "{run}");
    let results = desk.read(&format!("{}/main/seed-0/results.json", desk.run_folder()));
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let names: Vec<&str> =
        results["values"].as_array().unwrap().iter().map(|v| v[0].as_str().unwrap()).collect();
    assert_eq!(names, ["accuracy", "sketch.accuracy", "selection.accuracy", "oracle.accuracy", "loss"]);
    let plan = output(&desk.flatrun(&["plan", "pacs.flat"]).code(0));
    // In splits of 16, 24 and 32 images: a batch takes 2 of each, and the smallest is seen once in 8 batches.
    let expected = "data   domains: 72 training + 18 validation + 40 test images\n       16x16x3, 2 classes; 8 batches of 6 per epoch\n       classes 0: dog, 1: horse, in the order of their names\n       \
                    measured on through [resize(16, fit = exact)]\n       domains: trained on";
    assert!(plan.contains(expected), "{plan}");
}

#[test]
fn a_single_domain_is_tested_on_all_others() {
    let desk = pacs("train = \"photo\", selection = oracle, report = full", "");
    let run = output(&desk.flatrun(&["pacs.flat", "--quiet"]).code(0));
    for text in [
        "art_painting.accuracy %",
        "cartoon.accuracy %",
        "sketch.accuracy %",
        "oracle.accuracy %",
        "domains: trained on `photo`, tested on `art_painting`, `cartoon`, `sketch`\n",
        "selection: oracle, last weights;",
        "reported: all of each test domain",
        "weights: those of the last step",
    ] {
        assert!(run.contains(text), "{text}: {run}");
    }
}

#[test]
fn a_pair_of_domains_is_left_out() {
    let choice = "test = \"sketch\", selection = leave_one_out, validate = each [\"photo\", \"cartoon\"]";
    let desk = pacs(choice, "select best(accuracy)\n");
    let run = output(&desk.flatrun(&["pacs.flat", "--quiet"]).code(0));
    assert!(run.contains("trained on `art_painting`, `cartoon`, tested on `sketch`"), "{run}");
    assert!(run.contains("accuracy on the in split of `cartoon`, which is not trained on"), "{run}");
}
