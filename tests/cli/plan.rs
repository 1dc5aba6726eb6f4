use snapbox::str;

use crate::desk::{Desk, output};

const PROGRAM: &str = "edition 2026\ntitle \"two phases\"\ndata digits batch 128 validation 10%\nmodel mlp(hidden = [16])\n\
    train 2 epochs curriculum spl(adm) under sgd\n then 10 steps under each [sgd, lesam]\nseeds 0..2\n";

#[test]
fn values_are_those_that_were_checked_and_not_the_source() {
    let program = "edition 2026\ntrain 2   epochs\noptimize sgd(lr = warmup(1 # n\n epochs) then cosine(0.05 -> 0), \
        weight_decay = 8 / # k\n 255)\n";
    let desk = Desk::new(&[("a.flat", program)]);
    let plan: serde_json::Value =
        serde_json::from_str(&output(&desk.flatrun(&["plan", "a.flat", "--format", "json"]).code(0)))
            .unwrap();
    let settings = plan["variants"][0]["settings"].as_array().unwrap();
    let value =
        |path: &str| settings.iter().find(|setting| setting["path"] == path).unwrap()["value"].clone();
    assert_eq!(value("train.0.duration"), "2 epochs");
    assert_eq!(value("optimize.lr"), "warmup(1 epochs) then cosine(0.05 -> 0)");
    assert_eq!(value("optimize.weight_decay"), "8/255");
}

#[test]
fn every_stage_says_what_it_does_and_costs() {
    let desk = Desk::new(&[("a.flat", PROGRAM)]);
    desk.flatrun(&["plan", "a.flat"]).code(0).stderr_eq("").stdout_eq(str![[r#"
a: two phases
2 variants, 2 seeds, on cpu, in runs/a-[..]

data   digits: 1293 training + 144 validation + 360 test images
       8x8x1, 10 classes; 11 batches of 128 per epoch
       classes 0: 0, 1: 1, 2: 2 and 7 more, as published
model  mlp: 1,210 parameters, 1.2 k multiply-adds per image
       pixels in [0, 1] minus 0.3054, divided by 0.3755
       activations 13.0 KiB per batch, in all at least 144 KiB

 1  data: digits, batch 128
    sgd seed 0, sgd seed 1, lesam seed 0 and 1 more
 2  train phase 1: 2 epochs under sgd, curriculum spl(adm)
    sgd seed 0, lesam seed 0
    22 steps of 2 forward + 1 backward + 1 backward to the input = 5 units
    not run yet, [..]
 3  train phase 2: 10 steps under sgd
    sgd seed 0
    10 steps of 1 forward + 1 backward = 3 units
    not run yet, [..]
 4  evaluate: accuracy
    sgd seed 0
    360 forward passes of an image
    not run yet, [..]
 5  train phase 2: 10 steps under lesam over sgd
    lesam seed 0
    10 steps of 2 forward + 2 backward = 6 units
    not run yet, [..]
 6  evaluate: accuracy
    lesam seed 0
    360 forward passes of an image
    not run yet, [..]
 7  train phase 1: 2 epochs under sgd, curriculum spl(adm)
    sgd seed 1, lesam seed 1
    22 steps of 2 forward + 1 backward + 1 backward to the input = 5 units
    not run yet, [..]
 8  train phase 2: 10 steps under sgd
    sgd seed 1
    10 steps of 1 forward + 1 backward = 3 units
    not run yet, [..]
 9  evaluate: accuracy
    sgd seed 1
    360 forward passes of an image
    not run yet, [..]
10  train phase 2: 10 steps under lesam over sgd
    lesam seed 1
    10 steps of 2 forward + 2 backward = 6 units
    not run yet, [..]
11  evaluate: accuracy
    lesam seed 1
    360 forward passes of an image
    not run yet, [..]
12  table: mean ± std over seeds

4 runs, 12 stages
84 steps to train, 400 units, [..]
a unit is a forward pass of a batch; a backward pass is two,
to the input alone one
time is an estimate from one timed forward pass
of [..] image[..]; measurements count in full

"#]]);
}

#[test]
fn json_has_the_same_facts() {
    let desk = Desk::new(&[("a.flat", PROGRAM)]);
    let plan = output(&desk.flatrun(&["plan", "a.flat", "--format", "json"]).code(0));
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["totals"]["runs"], 4);
    assert_eq!(plan["totals"]["steps"], 2 * (22 + 10 + 10));
    assert_eq!(plan["totals"]["units"], 2 * (22 * 5 + 10 * 3 + 10 * 6));
    assert_eq!(plan["setups"][0]["model"]["parameters"], 64 * 16 + 16 + 16 * 10 + 10);
    assert_eq!(plan["setups"][0]["model"]["multiply_adds_per_image"], 64 * 16 + 16 * 10);
    assert_eq!(plan["setups"][0]["memory"]["activations"], 128 * 4 * (16 + 10));
    assert_eq!(plan["stages"][1]["status"]["state"], "not_run");
    let budget = plan["variants"][1]["settings"].as_array().unwrap();
    let budget = budget.iter().find(|setting| setting["path"] == "train.1.under.budget").unwrap();
    assert_eq!((&budget["value"], &budget["origin"]), (&"0.4".into(), &"default".into()));
}

#[test]
fn bf16_halves_the_activations_and_copies_the_weights() {
    let program = PROGRAM.replace("seeds 0..2", "precision each [f32, bf16]");
    let desk = Desk::new(&[("a.flat", &program)]);
    let plan = output(&desk.flatrun(&["plan", "a.flat", "--format", "json"]).code(0));
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let memory = |setup: usize, of: &str| plan["setups"][setup]["memory"][of].as_u64().unwrap();
    assert_eq!(memory(0, "activations"), 2 * memory(1, "activations"));
    assert_eq!(memory(1, "weights") - memory(0, "weights"), 2 * 1210);
    assert_eq!(plan["totals"]["cached"], 0);
}

#[test]
fn what_was_run_is_cached() {
    let program = "edition 2026\nmodel mlp(hidden = [8])\ntrain 3 steps under sgd\n";
    let desk = Desk::new(&[("a.flat", program)]);
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
    desk.flatrun(&["plan", "a.flat"]).code(0).stdout_eq(str![[r#"
a
1 variant, 1 seed, on cpu, in runs/a-[..]

data   digits: 1437 training + 360 test images
       8x8x1, 10 classes; 23 batches of 64 per epoch
       classes 0: 0, 1: 1, 2: 2 and 7 more, as published
model  mlp: 610 parameters, 592 multiply-adds per image
       pixels in [0, 1] minus 0.3054, divided by 0.3755
       activations 4.5 KiB per batch, in all at least 124 KiB

1  data: digits, batch 64
2  train phase 1: 3 steps under sgd
   3 steps of 1 forward + 1 backward = 3 units
   cached in runs/a-[..]/main/seed-0/checkpoints/phase-1.safetensors
3  evaluate: accuracy
   360 forward passes of an image
   cached in runs/a-[..]/main/seed-0/results.json
4  table: mean ± std over seeds

1 run, 4 stages, 2 cached
0 steps to train, 0 units
a unit is a forward pass of a batch; a backward pass is two,
to the input alone one

"#]]);
    std::fs::remove_dir_all(desk.path(&desk.run_folder())).unwrap();
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("cached result is gone from "), "{plan}");
}

/// Which stem `auto` takes depends on the images.
#[test]
fn the_stem_of_a_resnet_is_named() {
    let program = "edition 2026\ndata digits\nmodel each [resnet18, resnet18(stem = imagenet)]\ntrain 1 steps under sgd\n";
    let desk = Desk::new(&[("a.flat", program)]);
    let plan = output(&desk.flatrun(&["plan", "a.flat"]).code(0));
    assert!(plan.contains("\n       stem cifar: 3x3, stride 1, no pooling\n"), "{plan}");
    assert!(plan.contains("\n       stem imagenet: 7x7, stride 2, max-pool 3x3, stride 2\n"), "{plan}");
}

#[test]
fn a_missing_data_set_is_said() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ndata cifar10\nunder sgd\n")]);
    let plan = desk.flatrun(&["plan", "a.flat"]).code(1).stdout_eq("");
    assert!(String::from_utf8_lossy(&plan.get_output().stderr).contains("F0401 missing-file"));
}
