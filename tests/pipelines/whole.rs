//! At full size, with data sets as large as the published ones.

use serde_json::Value;

use crate::generated::{Size, World};
use crate::{ROOT, flatrun, pipelines, short};

#[test]
fn every_file_is_formatted_and_without_a_finding() {
    let world = World::new(Size::Published);
    for file in pipelines() {
        let path = file.to_str().unwrap();
        let formatted = flatrun(world.path(), &["fmt", "--check", path]);
        assert!(formatted.status.success(), "{path} is not formatted: {formatted:?}");
        let checked = flatrun(world.path(), &["check", "--format", "short", path]);
        let findings = String::from_utf8_lossy(&checked.stdout).into_owned();
        let expected = match file.ends_with(IN_PARTS) {
            true => findings.lines().count() == 1 && findings.contains(" L0023: "),
            false => findings.is_empty(),
        };
        assert!(checked.status.success() && expected, "{findings}");
    }
}

/// Its comment says so: the numbers are of parts of 64.
const IN_PARTS: &str = "lesam/table2.flat";

/// Where the data are not there, that is all there is to say.
#[test]
fn without_data_files_lack_data_alone() {
    let empty = tempfile::tempdir().unwrap();
    for file in pipelines() {
        let path = file.to_str().unwrap();
        let checked = flatrun(empty.path(), &["check", "--format", "short", path]);
        let findings = String::from_utf8_lossy(&checked.stdout).into_owned();
        let known = |line: &str| file.ends_with(IN_PARTS) && line.contains(" L0023: ");
        assert!(findings.lines().all(|line| line.contains(" F0401: ") || known(line)), "{findings}");
        let needs_data = !std::fs::read_to_string(&file).unwrap().contains("digits");
        assert_eq!(checked.status.success(), !needs_data, "{path}");
    }
}

/// The network is built as it would be trained, and one forward pass of at least one image is timed.
#[test]
fn every_file_is_planned_with_its_own_network() {
    let world = World::new(Size::Published);
    for file in pipelines() {
        let name = short(&file);
        let plan = flatrun(world.path(), &["plan", "--format", "json", file.to_str().unwrap()]);
        assert!(plan.status.success(), "{name}: {}", String::from_utf8_lossy(&plan.stderr));
        let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
        let count = |of: &str| plan[of].as_array().unwrap().len() as u64;
        assert_eq!(plan["totals"]["runs"], count("variants") * count("seeds"), "{name}");
        assert!(plan["totals"]["steps"].as_u64().unwrap() > 0, "{name}");
        assert!(plan["totals"]["forward"].as_u64() >= plan["totals"]["steps"].as_u64(), "{name}");
        assert!(plan["totals"]["seconds"].as_f64().unwrap() > 0.0, "{name}");
        for setup in plan["setups"].as_array().unwrap() {
            assert!(setup["model"]["parameters"].as_u64().unwrap() > 0, "{name}");
            assert!(setup["memory"]["activations"].as_u64().unwrap() > 0, "{name}");
            assert!(setup["forward"]["measured"]["images"].as_u64().unwrap() >= 1, "{name}");
        }
    }
}

/// Steps of a table, counted by hand: 50,000 images in batches of 128 are 391 steps.
#[test]
fn a_plan_counts_what_a_table_trains() {
    let world = World::new(Size::Published);
    let file = format!("{ROOT}/pipelines/papers/lesam/table1_cifar100_resnet18.flat");
    let plan = flatrun(world.path(), &["plan", "--format", "json", &file]);
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["setups"][0]["model"]["parameters"], 11_220_132);
    assert_eq!(plan["totals"]["runs"], 7 * 3);
    assert_eq!(plan["totals"]["steps"], 7 * 3 * 200 * 391);
}
