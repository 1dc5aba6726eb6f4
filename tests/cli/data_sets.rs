//! Parts, classes and records of data sets: what is told before anything is trained, and what a record says afterwards.

use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::desk::{Desk, output};
use crate::pictures::{classes, mixed};

const FOLDER: &str = "edition 2026\ndata folder(\"birds\") augment [random_resized_crop(16)] batch 8\nmodel mlp(hidden = [8])\n\
    train 1 epochs under sgd\n";

const IDX: &str = "edition 2026\ndata idx(images = \"a.idx3\", labels = \"a.idx1\", test_images = \"b.idx3\", test_labels = \"b.idx1\") batch 8\n\
    model mlp(hidden = [8])\ntrain 1 epochs under sgd\n";

fn birds(program: &str, names: &[&str]) -> Desk {
    let desk = Desk::new(&[("a.flat", program)]);
    for part in ["train", "val"] {
        classes(&desk.path("birds").join(part), names, 6, mixed);
    }
    desk
}

/// An idx file of bytes.
fn idx(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let sizes = dimensions.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, 8, dimensions.len() as u8].into_iter().chain(sizes).chain(body.iter().copied()).collect()
}

/// `count` images of these dimensions that no other seed has, with labels in turn.
fn arrays(desk: &Desk, name: &str, dimensions: &[u32], seed: u32, labels: &[u8]) {
    let values = dimensions.iter().product::<u32>();
    let body: Vec<u8> = (0..values).map(|at| ((at * 37 + seed * 101 + at / 7) % 251) as u8).collect();
    fs::write(desk.path(&format!("{name}.idx3")), idx(dimensions, &body)).unwrap();
    let labels: Vec<u8> = labels.iter().copied().cycle().take(dimensions[0] as usize).collect();
    fs::write(desk.path(&format!("{name}.idx1")), idx(&dimensions[..1], &labels)).unwrap();
}

fn two_arrays(program: &str, dimensions: &[u32], labels: &[u8]) -> Desk {
    let desk = Desk::new(&[("a.flat", program)]);
    arrays(&desk, "a", dimensions, 1, labels);
    arrays(&desk, "b", dimensions, 2, labels);
    desk
}

/// The findings of a check that ends with `code`, as lines.
fn found(desk: &Desk, code: i32) -> String {
    output(&desk.flatrun(&["check", "--format", "short", "a.flat"]).code(code))
}

fn help(desk: &Desk) -> String {
    output(&desk.flatrun(&["check", "--format", "json", "a.flat"]))
}

fn resolved(desk: &Desk) -> serde_json::Value {
    let path = format!("{}/main/seed-0/resolved.json", desk.run_folder());
    serde_json::from_str(&desk.read(&path)).unwrap()
}

#[test]
fn a_part_that_trains_and_tests_is_told() {
    let desk = birds(&FOLDER.replace("\"birds\"", "\"birds\", test = \"train\""), &["crow", "gull"]);
    let text = found(&desk, 0);
    assert!(text.contains("L0020") && text.contains("`train` is both trained and tested on"), "{text}");
    assert!(text.starts_with("a.flat:2:29"), "{text}");
    let dot = FOLDER.replace("\"birds\"", "\"birds/train\", train = \".\", test = \".\"");
    fs::write(desk.path("a.flat"), dot).unwrap();
    let text = found(&desk, 0);
    assert!(text.contains("L0020") && text.contains("`.` is both trained and tested on"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_link_to_the_part_that_trains_is_told() {
    let desk = birds(FOLDER, &["crow", "gull"]);
    assert!(!found(&desk, 0).contains("L0020"));
    fs::remove_dir_all(desk.path("birds/val/gull")).unwrap();
    std::os::unix::fs::symlink("../train/gull", desk.path("birds/val/gull")).unwrap();
    let text = found(&desk, 0);
    let expected = "6 of 12 test images are training images too: `val/gull/";
    assert!(text.contains(expected) && text.contains("` is `train/gull/"), "{text}");
    fs::remove_dir_all(desk.path("birds/val")).unwrap();
    std::os::unix::fs::symlink("train", desk.path("birds/val")).unwrap();
    let text = found(&desk, 0);
    assert!(text.contains("`train` and `val` are the same folder"), "{text}");
}

#[test]
fn a_file_of_the_test_part_that_trains_is_told() {
    let desk = birds(FOLDER, &["crow", "gull"]);
    fs::copy(desk.path("birds/val/gull/001.png"), desk.path("birds/train/gull/901.png")).unwrap();
    let text = found(&desk, 0);
    let expected = "1 of 12 test images are training images too: `val/gull/001.png` is `train/gull/901.png`";
    assert!(text.contains("L0020") && text.contains(expected), "{text}");
}

#[test]
fn one_array_given_twice_is_told() {
    let desk = two_arrays(IDX, &[40, 6, 6], &[0, 1]);
    desk.flatrun(&["check", "a.flat"]).code(0).stdout_eq("no findings\n");
    fs::write(desk.path("a.flat"), IDX.replace("b.idx", "a.idx")).unwrap();
    let text = found(&desk, 0);
    assert!(text.contains("L0020") && text.contains("all 40 test images are training images too"), "{text}");
    // A copy under another name, in another file.
    fs::write(desk.path("a.flat"), IDX).unwrap();
    for name in ["idx1", "idx3"] {
        fs::copy(desk.path(&format!("a.{name}")), desk.path(&format!("b.{name}"))).unwrap();
    }
    assert!(found(&desk, 0).contains("all 40 test images are training images too"));
}

#[test]
fn classes_that_are_numbers_are_in_their_order_in_every_record() {
    let program = "edition 2026\ndata folder(\"birds\") augment [random_resized_crop(16)] batch 8\nmodel mlp(hidden = [8])\n\
        train 1 epochs under sgd\nexport \"out.safetensors\"\n";
    let desk = birds(program, &["1", "2", "10"]);
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("       classes 0: 1, 1: 2, 2: 10, in the order of their numbers\n"), "{plan}");
    let pixels = "       pixels in [0, 1] minus 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225\n";
    assert!(plan.contains(pixels), "{plan}");
    let plan = output(&desk.flatrun(&["plan", "a.flat", "--format", "json"]).code(0));
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let names = serde_json::json!(["1", "2", "10"]);
    let constants = serde_json::json!({ "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225] });
    assert_eq!(plan["setups"][0]["data"]["class_names"], names);
    assert_eq!(plan["setups"][0]["data"]["class_order"], "in the order of their numbers");
    assert_eq!(plan["setups"][0]["model"]["normalize"], constants);
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
    let resolved = resolved(&desk);
    assert_eq!((&resolved["classes"], &resolved["normalize"]), (&names, &constants));
    let page = desk.read(&format!("{}/report.html", desk.run_folder()));
    assert!(
        page.contains("3 classes, in the order of their numbers") && page.contains("minus 0.485, 0.456"),
        "{page}"
    );
    assert!(page.contains("<tr><th>2</th><td>10</td></tr>"), "{page}");
    let weights = fs::read(desk.path("out.safetensors")).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&weights).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["classes"], r#"["1","2","10"]"#);
    assert_eq!(metadata["normalize"], r#"{"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}"#);
    assert_eq!(metadata["format"], "pt");
}

#[test]
fn a_data_set_without_names_has_the_numbers_of_its_labels() {
    let desk = two_arrays(&IDX.replace("[8]", "[8], normalize = none"), &[40, 6, 6], &[0, 1]);
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
    let resolved = resolved(&desk);
    assert_eq!(resolved["classes"], serde_json::json!(["0", "1"]));
    assert_eq!(resolved["class_order"], "as the files number them");
    assert_eq!(resolved["normalize"], serde_json::Value::Null);
}

const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

#[test]
fn class_names_that_read_the_same_are_refused() {
    let desk = birds(FOLDER, &[COMPOSED, "zoo"]);
    classes(&desk.path("birds/train"), &[DECOMPOSED], 3, mixed);
    let text = found(&desk, 1);
    assert!(
        text.contains("F0412") && text.contains(&format!("two classes are named `{COMPOSED}`")),
        "{text}"
    );
    assert!(text.contains("U+00E9") && text.contains("U+0065 U+0301"), "{text}");
}

#[test]
fn parts_with_other_forms_of_one_name_have_the_same_classes() {
    let desk = birds(FOLDER, &[COMPOSED, "zoo"]);
    fs::rename(desk.path("birds/val").join(COMPOSED), desk.path("birds/val").join(DECOMPOSED)).unwrap();
    desk.flatrun(&["check", "a.flat"]).code(0).stdout_eq("no findings\n");
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
    assert_eq!(resolved(&desk)["classes"], serde_json::json!([COMPOSED, "zoo"]));
}

#[test]
fn domains_are_told_apart_by_their_letters() {
    let program = FOLDER
        .replace("folder(\"birds\")", &format!("domains(\"birds\", test = \"{COMPOSED}\")"))
        .replace("16)]", "16)] test [resize(16, fit = exact)]");
    let desk = Desk::new(&[("a.flat", &program)]);
    for domain in [DECOMPOSED, "photo", "sketch"] {
        classes(&desk.path("birds").join(domain), &["crow", "gull"], 10, mixed);
    }
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains(&format!("tested on `{COMPOSED}`")), "{plan}");
    classes(&desk.path("birds").join(COMPOSED), &["crow", "gull"], 3, mixed);
    let text = found(&desk, 1);
    assert!(text.contains("F0412") && text.contains("two domains are named"), "{text}");
}

#[test]
fn folders_that_systems_make_are_passed_over() {
    let desk = birds(FOLDER, &["crow", "gull"]);
    let plan = |desk: &Desk| {
        let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
        plan.lines().find(|line| line.starts_with("data ")).unwrap().to_owned()
    };
    let before = plan(&desk);
    assert!(before.contains("12 training + 12 test images"), "{before}");
    for place in ["birds", "birds/train", "birds/train/crow", "birds/val/gull/"] {
        for system in
            ["@eaDir", "__MACOSX", "lost+found", "$RECYCLE.BIN", "System Volume Information", ".Trashes"]
        {
            classes(&desk.path(place).join(system), &["000.png"], 2, mixed);
        }
    }
    assert_eq!(plan(&desk), before);
}

#[test]
fn a_validation_split_leaves_an_image_of_every_class() {
    let desk = birds(&FOLDER.replace("batch 8", "batch 4 validation 60%"), &["crow", "gull"]);
    for number in 1..6 {
        let ending = ["jpg", "png", "webp"][number % 3];
        fs::remove_file(desk.path(&format!("birds/train/gull/{number:03}.{ending}"))).unwrap();
    }
    let text = found(&desk, 1);
    let expected = "`validation` takes the only image of the class `gull`: none is left to train on";
    assert!(text.contains("F0403") && text.contains(expected), "{text}");
    let text = output(&desk.flatrun(&["a.flat", "--quiet"]).code(1));
    assert_eq!(text, "");
}

#[test]
fn what_domains_hold_out_leaves_an_image_of_every_class() {
    let data = "domains(\"birds\", train = \"photo\", holdout = 60%)";
    let program =
        FOLDER.replace("folder(\"birds\")", data).replace("16)]", "16)] test [resize(16, fit = exact)]");
    let desk = Desk::new(&[("a.flat", &program)]);
    for domain in ["photo", "sketch"] {
        classes(&desk.path("birds").join(domain), &["crow", "gull"], 6, mixed);
    }
    assert!(!found(&desk, 0).contains("F0403"));
    for number in 1..6 {
        let ending = ["jpg", "png", "webp"][number % 3];
        fs::remove_file(desk.path(&format!("birds/photo/gull/{number:03}.{ending}"))).unwrap();
    }
    let text = found(&desk, 1);
    let expected = "`holdout` takes the only image of the class `gull`: none is left to train on";
    assert!(text.contains("F0403") && text.contains(expected), "{text}");
}

#[test]
fn a_long_tail_leaves_an_image_of_every_class_to_train_on() {
    let data = "data longtail(digits, factor = 143) batch 32 validation 60%";
    let desk = Desk::new(&[("a.flat", &format!("edition 2026\n{data}\n"))]);
    let text = found(&desk, 1);
    assert!(text.contains("F0403") && text.contains("takes the only image of the class `8`"), "{text}");
    fs::write(desk.path("a.flat"), format!("edition 2026\n{}\n", data.replace("60%", "10%"))).unwrap();
    assert!(!found(&desk, 0).contains("F0403"));
}

#[test]
fn a_validation_split_of_no_sample_is_told() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ndata digits validation 1e-5%\n")]);
    let text = found(&desk, 1);
    assert!(
        text.contains("F0427")
            && text.contains("`validation 1e-5%` of a training split of 1437 is no sample"),
        "{text}"
    );
}

#[test]
fn a_single_class_is_refused_and_an_absent_one_told() {
    let text = found(&two_arrays(IDX, &[40, 6, 6], &[0]), 1);
    assert!(text.contains("F0428") && text.contains("a single class"), "{text}");
    let text = found(&birds(FOLDER, &["crow"]), 1);
    assert!(text.contains("F0428") && text.contains("a single class, `crow`"), "{text}");
    let text = found(&two_arrays(IDX, &[40, 6, 6], &[1, 2]), 0);
    assert!(text.contains("L0021") && text.contains("no training image has the class 0"), "{text}");
}

#[test]
fn channels_that_stand_first_are_asked_about() {
    let desk = two_arrays(IDX, &[16, 3, 32, 32], &[0, 1]);
    let text = found(&desk, 1);
    let question = "the images have 3 rows, 32 columns, 32 channels: are the channels first?";
    assert!(text.contains("F0429") && text.contains(question), "{text}");
    assert!(help(&desk).contains("write `layout = nchw` for 3 channels of 32 rows and 32 columns"));
    for (layout, shape) in [("nchw", "32x32x3"), ("nhwc", "3x32x32")] {
        fs::write(desk.path("a.flat"), IDX.replace("\"b.idx1\"", &format!("\"b.idx1\", layout = {layout}")))
            .unwrap();
        let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
        assert!(plan.contains(shape), "{layout}: {plan}");
    }
}

#[test]
fn a_part_under_another_usual_name_is_found() {
    for (parameter, missing, there) in
        [("test", "val", "valid"), ("test", "val", "validation"), ("train", "train", "training")]
    {
        let desk = birds(FOLDER, &["crow", "gull"]);
        fs::rename(desk.path("birds").join(missing), desk.path("birds").join(there)).unwrap();
        let text = help(&desk);
        let expected = format!("`{there}` is there: write `{parameter} = \\\"{there}\\\"`");
        assert!(text.contains("F0402") && text.contains(&expected), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_does_not_suggest_itself() {
    let desk = Desk::new(&[("a.flat", &IDX.replace("a.idx3", "data.idx3"))]);
    std::os::unix::fs::symlink("elsewhere.idx3", desk.path("data.idx3")).unwrap();
    let text = help(&desk);
    assert!(
        text.contains("`data.idx3` is a symbolic link to `elsewhere.idx3`, which is not there"),
        "{text}"
    );
    assert!(!text.contains("the nearest name there is `data.idx3`"), "{text}");
}

#[test]
fn a_check_reads_what_a_run_reads() {
    let program = IDX.replace(".idx3", ".idx3.gz");
    let desk = two_arrays(&program, &[40, 6, 6], &[0, 1]);
    for name in ["a", "b"] {
        let bytes = fs::read(desk.path(&format!("{name}.idx3"))).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut encoder, &bytes).unwrap();
        fs::write(desk.path(&format!("{name}.idx3.gz")), encoder.finish().unwrap()).unwrap();
    }
    desk.flatrun(&["check", "a.flat"]).code(0).stdout_eq("no findings\n");
    let whole = fs::read(desk.path("b.idx3.gz")).unwrap();
    fs::write(desk.path("b.idx3.gz"), &whole[..whole.len() / 2]).unwrap();
    let text = found(&desk, 1);
    assert!(text.contains("F0402") && text.contains("b.idx3.gz: truncated"), "{text}");
}

#[cfg(unix)]
#[test]
fn pipes_and_files_of_the_system_are_refused_at_once() {
    let desk = two_arrays(IDX, &[40, 6, 6], &[0, 1]);
    fs::remove_file(desk.path("b.idx3")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(desk.path("b.idx3")).status().unwrap().success());
    let text = found(&desk, 1);
    assert!(text.contains("b.idx3: expected a file, found a pipe, a socket or a device"), "{text}");
    if Path::new("/proc/self/pagemap").exists() {
        for file in ["/proc/self/pagemap", "/proc/kmsg", "/dev/zero"] {
            fs::write(desk.path("a.flat"), IDX.replace("b.idx3", file)).unwrap();
            assert!(found(&desk, 1).contains("F0402"), "{file}");
        }
    }
    let desk = birds(FOLDER, &["crow", "gull"]);
    assert!(
        std::process::Command::new("mkfifo")
            .arg(desk.path("birds/val/gull/pipe.png"))
            .status()
            .unwrap()
            .success()
    );
    let text = found(&desk, 1);
    assert!(text.contains("F0415") && text.contains("neither a file nor a folder"), "{text}");
}

#[test]
fn twenty_thousand_unreadable_images_are_left_out_quickly() {
    let program = FOLDER.replace("\"birds\"", "\"birds\", on_error = skip");
    let desk = birds(&program, &["crow", "gull"]);
    let folder = desk.path("birds/train/crow");
    for number in 0..20_000 {
        fs::write(folder.join(format!("bad{number}.png")), "no image").unwrap();
    }
    let began = std::time::Instant::now();
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("folder: 12 training + 12 test images"), "{plan}");
    assert!(plan.contains("on_error = skip: 20000 files were left out"), "{plan}");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_class_that_is_left_out_whole_is_told() {
    let desk = birds(&FOLDER.replace("\"birds\"", "\"birds\", on_error = skip"), &["crow", "gull"]);
    for file in fs::read_dir(desk.path("birds/train/gull")).unwrap() {
        fs::write(file.unwrap().path(), "no image").unwrap();
    }
    let run = desk.flatrun(&["a.flat", "--quiet"]).code(2);
    let text = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(text.contains("`on_error = skip` leaves out 6"), "{text}");
}

#[test]
fn what_is_left_out_counts_when_classes_are_looked_at_again() {
    let program = FOLDER
        .replace("\"birds\"", "\"birds\", on_error = skip")
        .replace("batch 8", "batch 4 validation 60%");
    let desk = birds(&program, &["crow", "gull"]);
    for number in 1..6 {
        let ending = ["jpg", "png", "webp"][number % 3];
        fs::write(desk.path(&format!("birds/train/gull/{number:03}.{ending}")), "no image").unwrap();
    }
    // A check decodes nothing.
    assert!(!found(&desk, 0).contains("F0403"));
    let run = desk.flatrun(&["a.flat", "--quiet"]).code(2);
    let text = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(text.contains("`validation` takes the only image of the class `gull`"), "{text}");
    assert!(text.contains("`flatrun explain F0403`"), "{text}");
    // What a run has found out a check knows.
    assert!(found(&desk, 1).contains("F0403"));
}

/// Images that change under a run make results that belong to no data set.
#[test]
fn data_that_change_during_a_run_keep_nothing() {
    let program = FOLDER.replace("1 epochs", "3000 steps");
    let desk = birds(&program, &["crow", "gull"]);
    let mut process = desk.process(&["a.flat", "--quiet"]);
    process.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let run = process.spawn().unwrap();
    let events = loop {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let Ok(runs) = fs::read_dir(desk.path("runs")) else { continue };
        let started = runs.flatten().map(|run| run.path().join("main/seed-0/events.jsonl"));
        let started: Vec<_> = started
            .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("stage_started")))
            .collect();
        if let [events] = started.as_slice() {
            break events.clone();
        }
    };
    fs::copy(desk.path("birds/train/crow/001.png"), desk.path("birds/train/crow/004.png")).unwrap();
    let told = run.wait_with_output().unwrap();
    let text = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(3), "{text}");
    assert!(text.contains("004.png") && text.contains("has changed since the run began"), "{text}");
    assert!(text.contains("`flatrun explain F0430`"), "{text}");
    let checkpoints = events.parent().unwrap().join("checkpoints");
    assert_eq!(fs::read_dir(checkpoints).unwrap().count(), 0);
    fs::write(desk.path("a.flat"), FOLDER).unwrap();
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
}
