//! Every stage of every file on one batch of few made-up samples.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::generated::{Size, World};
use crate::{pipelines, program, short};

/// What is changed in files whose data or networks cost too much for every variant: recipes, attacks and measurements are run,
/// on a smaller network and, where many data sets are alike, on one of them. The networks themselves are built and passed
/// through where plans are tested.
const CHANGES: [(&str, &[&str]); 9] = [
    ("adm/classification", &[r#"data=cifar10(root = "data/cifar10")"#, SMALL]),
    ("adm/domain_generalization", &[PACS, "data.batch=12", SMALL_VIT, SMALL_VIT_WEIGHTS]),
    ("adm/fine_grained", &[r#"data=folder("data/cub")"#, "model=mlp(hidden = [8])"]),
    ("lesam/figure5", &[]),
    ("lesam/sdg_pacs", &[r#"data.train="photo""#, SMALL_VIT, SMALL_VIT_WEIGHTS]),
    ("lesam/sdg_vlcs", &[r#"data.train="SUN09""#, "model=mlp(hidden = [8])"]),
    ("lesam/table2", &["data.micro=5", "model=mlp(hidden = [8])"]),
    ("lesam/table3", &["data.micro=5", SMALL_VIT, SMALL_VIT_WEIGHTS]),
    ("sat/table3_imagenette", &["model=mlp(hidden = [], normalize = none)"]),
];

const PACS: &str = r#"data=domains("data/PACS", test = "photo")"#;
const SMALL_VIT: &str = "model=vit(patch = 32, width = 24, depth = 1, head = new)";
const SMALL_VIT_WEIGHTS: &str = r#"model.from="weights/small_vit.pth""#;

/// Networks for 32x32 pixels, and what stands in for them.
const LARGE: [&str; 4] = ["resnet18", "preact_resnet18", "wrn", "pyramidnet110"];
const SMALL: &str = "model=cnn(width = 4)";

/// What a smoke run sets: batches of ten samples, and what its file's line says, or else a small network for a large one.
fn changes(file: &Path, text: &str) -> Vec<&'static str> {
    let name = short(file);
    let mut set = vec!["data.batch=10"];
    let model = text.lines().find_map(|line| line.strip_prefix("model")).unwrap_or_default().trim_start();
    match CHANGES.iter().find(|(start, _)| name.starts_with(start)) {
        Some((_, own)) => set.extend(*own),
        None if LARGE.iter().any(|network| model.starts_with(network)) => set.push(SMALL),
        None => {}
    }
    set
}

fn smoke(world: &World, file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let set = changes(file, &text);
    let mut arguments = vec!["run", file.to_str().unwrap(), "--smoke"];
    set.iter().for_each(|change| arguments.extend(["--set", change]));
    // One thread for each program: files run side by side, and their networks are small.
    let run = program(world.path(), &arguments).env("RAYON_NUM_THREADS", "1").output().unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {errors}", short(file));
    assert!(!errors.contains("warning"), "{}: {errors}", short(file));
}

#[test]
fn every_file_runs() {
    let (world, files, next) = (World::new(Size::Small), pipelines(), AtomicUsize::new(0));
    let take = || files.get(next.fetch_add(1, Ordering::Relaxed));
    let work = || std::iter::from_fn(take).for_each(|file| timed(&world, file));
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
}

fn timed(world: &World, file: &Path) {
    let began = std::time::Instant::now();
    smoke(world, file);
    println!("{:6.1} s  {}", began.elapsed().as_secs_f64(), short(file));
}
