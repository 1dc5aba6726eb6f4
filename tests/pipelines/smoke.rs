//! Every stage of every file on one batch of few made-up samples.

use std::path::Path;

use crate::generated::{Size, World};
use crate::{flatrun, pipelines, short};

/// What is changed in files whose data or networks cost too much for every variant: recipes, attacks and measurements are run,
/// on a smaller network and, where many data sets are alike, on one of them. The networks themselves are built and passed
/// through where plans are tested.
const CHANGES: [(&str, &[&str]); 2] =
    [("adm/classification", &[r#"data=cifar10(root = "data/cifar10")"#, SMALL]), ("lesam/figure5", &[])];

/// Networks for 32x32 pixels, and what stands in for them.
const LARGE: [&str; 1] = ["resnet18"];
const SMALL: &str = "model=preact_resnet20";

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
    let run = flatrun(world.path(), &arguments);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {errors}", short(file));
    assert!(!errors.contains("warning"), "{}: {errors}", short(file));
}

#[test]
fn every_file_runs() {
    let world = World::new(Size::Small);
    for file in pipelines() {
        let began = std::time::Instant::now();
        smoke(&world, &file);
        println!("{:6.1} s  {}", began.elapsed().as_secs_f64(), short(&file));
    }
}
