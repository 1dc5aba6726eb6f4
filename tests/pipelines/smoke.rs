//! Every stage of every file on one batch of few made-up samples.

use std::path::Path;

use crate::generated::{Size, World};
use crate::{flatrun, pipelines, short};

/// Networks that are too large for every variant of a file to be run in a test, and what stands in for them. They are built
/// and passed through once where plans are tested.
const LARGE: [(&str, &str); 0] = [];

/// What a smoke run changes: batches of four samples, and another network for the largest ones.
fn changes(text: &str) -> Vec<String> {
    let mut set = vec!["data.batch=4".to_owned()];
    for (network, substitute) in LARGE {
        if text.contains(network) {
            set.push(format!("model={substitute}"));
        }
    }
    set
}

fn smoke(world: &World, file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let set = changes(&text);
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
