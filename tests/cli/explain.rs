use std::collections::BTreeSet;

use snapbox::str;

use crate::desk::{Desk, output};

#[test]
fn a_component() {
    Desk::new(&[]).flatrun(&["explain", "sam"]).code(0).stdout_eq(str![[r#"
sam: a minimizer

Sharpness-aware minimization: the gradient at the worst point of a ball of
fixed radius.

Usage
  sam(rho = 0.05)

Rule
  g   = grad L(w)
  e   = rho g / ||g||
  g_p = grad L(w + e), on the same batch
  the base optimizer moves w by g_p; a zero gradient gives e = 0

Parameters
  rho: a number or a schedule; > 0; may stand first without its name
      radius of the perturbation: its L2 norm over the perturbed weights
      default: 0.05 (Foret et al. 2021, and every published port)

Options, as of other minimizers
  metric: a metric or `none`
      how far each weight may move; `none` is the Euclidean ball
      default: none (the ball of the paper)
  combiner: a combiner or `none`
      what the base optimizer follows; `none` is g_p
      default: none (the gradient at the perturbed weights)
  every: a duration, `10 epochs` or `5000 steps`
      one step in so many is perturbed, the others are the base optimizer's
      default: 1 step (every step is perturbed)
  from: a point in time, `epoch 160`, `step 5000` or `none`
      when perturbation begins: `epoch 160`; before it the base optimizer
      moves alone
      default: none (from the first step)
  perturb: a choice of weights; all, norms, no_norms
      which weights are perturbed
      default: all (Foret et al. 2021)
  norm: a choice of weights; perturbed, all
      weights over which the norm of the gradient is taken
      default: perturbed (the authors of SAM-ON: the radius is that of what is
      perturbed)
  decay: a place for weight decay; outside, inside
      whether weight decay enters the perturbation
      default: outside (the PyTorch convention; the authors' JAX code of SAM
      has it inside the loss)
  accumulate: a way to accumulate; exact, per_micro_batch
      what a batch in micro-batches is perturbed by
      default: exact (a batch in parts is then the same batch, but for batch
      normalisation, which sees its part alone; SAM on several devices is
      `per_micro_batch`)
  masks: a choice of masks; same, fresh
      which values dropout leaves out in the second pass
      default: same (the authors' JAX code of SAM; the PyTorch ports draw
      others)

Passes per step
  2 forward, 2 backward

State
  none

Source
  Foret et al., ICLR 2021, equation 2 and algorithm 1

Notes
  Running statistics of batch normalisation move in the first pass alone, in
  every member of this family. The authors' JAX code has weight decay inside
  the loss (`decay = inside`).

Example
  under sam(rho = 0.05)

"#]]);
}

#[test]
fn an_alias_and_a_name_of_two_kinds() {
    let desk = Desk::new(&[]);
    assert!(output(&desk.flatrun(&["explain", "sspl"])).starts_with("ssp: a pacing, also called sspl\n"));
    let loss = output(&desk.flatrun(&["explain", "loss"]));
    assert!(loss.contains("loss: a difficulty\n") && loss.contains("\nloss: an evaluator\n"), "{loss}");
}

#[test]
fn a_finding_by_code_and_by_name() {
    let desk = Desk::new(&[]);
    desk.flatrun(&["explain", "F0303"]).code(0).stdout_eq(str![[r#"
# F0303 missing-unit: a number that does not say what it counts

Durations, windows and times are counted in epochs or in steps. 200 could be
either, so the unit is always written.

Wrong:

```flat wrong
train 200 under sam
```

Right:

```flat right
edition 2026
train 200 epochs under sam
```

"#]]);
    let by_name = output(&desk.flatrun(&["explain", "missing-unit"]));
    assert_eq!(by_name, output(&desk.flatrun(&["explain", "f0303"])));
}

#[test]
fn a_statement() {
    Desk::new(&[]).flatrun(&["explain", "seeds"]).code(0).stdout_eq(str![[r#"
seeds: a statement

one run per seed

Usage
  seeds A..B (B excluded) or seeds [a, b]

When absent
  `seeds [0]`

"#]]);
}

#[test]
fn a_clause() {
    Desk::new(&[]).flatrun(&["explain", "augment"]).code(0).stdout_eq(str![[r#"
augment: a clause of `data`

changes of the training images, in order; none when absent

Usage
  augment [A, ..]

"#]]);
}

#[test]
fn an_unknown_name_has_a_neighbour() {
    let desk = Desk::new(&[]);
    desk.flatrun(&["explain", "lsam"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: nothing is named `lsam`: expected a finding, a component, a parameter, a statement or a clause
  help: the nearest name is `lesam`

"#]]);
    desk.flatrun(&["explain", "F9999x"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: nothing is named `F9999x`: expected a finding, a component, a parameter, a statement or a clause
  help: `flatrun catalog` lists all components

"#]]);
}

#[test]
fn the_catalog_as_json_says_what_a_file_may_hold() {
    let desk = Desk::new(&[]);
    let text = output(&desk.flatrun(&["catalog", "--format", "json"]).code(0));
    let catalog: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = catalog["components"].as_array().unwrap();
    let kinds: BTreeSet<&str> =
        components.iter().map(|component| component["kind"].as_str().unwrap()).collect();
    for kind in
        ["pacing", "difficulty", "minimizer", "optimizer", "source", "augmentation", "model", "evaluator"]
    {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    let lesam = components.iter().find(|component| component["name"] == "lesam").unwrap();
    let clip =
        lesam["parameters"].as_array().unwrap().iter().find(|parameter| parameter["name"] == "clip").unwrap();
    assert_eq!((&clip["default"], &clip["range"]), (&"0.35".into(), &"> 0".into()));
    assert!(
        catalog["statements"].as_array().unwrap().iter().any(|statement| statement["keyword"] == "train")
    );
}

#[test]
fn the_catalog_of_a_kind() {
    let desk = Desk::new(&[]);
    desk.flatrun(&["catalog", "--kind", "minimizer"]).code(0).stdout_eq(str![[r#"
minimizers, after `under`: `under sam(rho = 0.05)`
  none        No perturbation: the base optimizer alone, the one that `optimize`
              or `over` names.
  sam         Sharpness-aware minimization: the gradient at the worst point of a
              ball of fixed radius.
  asam        Adaptive SAM: a ball in units of each weight's own size, so that
              rescaling a layer changes nothing.
  esam        Efficient SAM: perturbs a random part of the weights, and descends
              on the samples whose loss rose most.
  fsam        Friendly SAM: perturbs along what is noise in the gradient of the
              batch.
  eigensam    Eigen-SAM: leans the perturbation toward the top eigenvector of
              the Hessian.
  fishersam   Fisher-SAM: a ball in the metric of the Fisher information, with
              its diagonal estimated by the squared gradient.
  gsam        Surrogate gap guided SAM: descends on the perturbed loss and on
              its gap to the loss.
  ssam        Stable SAM: SAM's direction with the length of the plain gradient.
  msam        Momentum SAM: the gradient where the momentum leads; no second
              pass.
  s2sam       Single-step SAM: perturbs along the gradient of the step before;
              no second pass.
  sagm        Sharpness-aware gradient matching: follows the loss and the loss
              ahead of a descent step.
  wsam        Weighted SAM: sharpness as a regularisation term with a weight of
              its own.
  looksam     LookSAM: a SAM step every k, whose sharpness-aware part is used
              again in between.
  lesam       Loss-equated SAM: the smallest perturbation that is expected to
              raise the loss by a fixed budget.
  lesam_plus  LE-SAM with the curvature term amplified: what the perturbation
              changes in the gradient counts more than once.

"#]]);
    desk.flatrun(&["catalog", "--kind", "minimiser"]).code(2).stderr_eq(str![[r#"
error: invalid value 'minimiser' for '--kind <KIND>': there is no kind `minimiser`; the nearest is `minimizer`

For more information, try '--help'.

"#]]);
}

#[test]
fn completions_know_the_commands() {
    let desk = Desk::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(output(&desk.flatrun(&["completions", shell]).code(0)).contains("catalog"), "{shell}");
    }
}

#[test]
fn other_words_are_explained_and_codes_suggested() {
    let desk = Desk::new(&[]);
    desk.flatrun(&["explain", "each"]).code(0).stdout_eq(str![[r#"
each: a word of the language

a choice, in place of any value or component: the file then means every
combination of its choices

Usage
  each [A, B, ..]

Notes
  A variant is called by its choices,[..]
...
Example
  under each [none, sam(rho = 0.05)]

"#]]);
    let none = output(&desk.flatrun(&["explain", "none"]).code(0));
    assert!(
        none.starts_with("none: a minimizer\n") && none.contains("none: a word of the language"),
        "{none}"
    );
    assert!(output(&desk.flatrun(&["explain", "last"]).code(0)).contains("last 40 epochs"));
    desk.flatrun(&["explain", "F302"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: nothing is named `F302`: expected a finding, a component, a parameter, a statement or a clause
  help: the nearest name is `F0302`

"#]]);
}

#[test]
fn parameters_capitals_and_what_people_look_for() {
    let desk = Desk::new(&[]);
    let page = |words: &[&str]| output(&desk.flatrun(&[&["explain"], words].concat()).code(0));
    let rho = page(&["rho"]);
    assert!(rho.starts_with("rho: a parameter of ") && rho.contains("asam (0.5)"), "{rho}");
    assert!(rho.lines().all(|line| line.chars().count() <= 80), "{rho}");
    assert_eq!(page(&["SAM"]), page(&["sam"]));
    for words in [
        &["early stopping"][..],
        &["early", "stopping"],
        &["learning", "rate"],
        &["gpu"],
        &["continue"],
        &["checkpoint"],
        &["resume"],
        &["epochs"],
        &["train"],
        &["then"],
    ] {
        assert!(page(words).lines().count() > 3, "{words:?}");
    }
    desk.flatrun(&["explain", "nadam"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: nothing is named `nadam`: expected a finding, a component, a parameter, a statement or a clause
  help: it is an optimizer and not built; optimizers are `sgd`, `adam`, `adamw`

"#]]);
}
