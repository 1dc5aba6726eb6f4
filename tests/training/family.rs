//! The SAM family: which members coincide where, and what none of them touches.

use flatrun::train::passes::passes;

use crate::support::host;
use crate::{MEMBERS, after, clock, in_parts, learner, model, phase, samples, snapshot, weights};

#[test]
fn no_radius_is_the_base_optimizer_bit_for_bit() {
    let base = after("under sgd", 4);
    let rho = "rho = linear(0.05 -> 0, 0..1 steps)";
    for member in ["sam", "asam", "fsam", "eigensam", "fishersam", "ssam", "msam", "s2sam"] {
        assert!(after(&format!("under {member}({rho})"), 4) == base, "{member}");
    }
    assert!(after(&format!("under esam({rho}, beta = 1, gamma = 1)"), 4) == base);
    assert!(after("under lesam(budget = linear(0.4 -> 0, 0..1 steps))", 4) == base);
}

#[test]
fn members_that_are_sam_are_sam_bit_for_bit() {
    let sam = after("under sam(rho = 0.05)", 4);
    let others = [
        "lesam(budget = 1e12, clip = 0.05)",
        "esam(rho = 0.05, beta = 1, gamma = 1)",
        "looksam(rho = 0.05, k = 1)",
        "eigensam(rho = 0.05, refresh = 6 steps)",
        "sam(rho = 0.05, combiner = weighted(factor = 1))",
        "sam(rho = 0.05, every = 1 step, from = epoch 0, norm = all)",
    ];
    for other in others {
        assert!(after(&format!("under {other}"), 4) == sam, "{other}");
    }
}

#[test]
fn members_that_are_sam_but_for_rounding() {
    let bits = |recipe: &str| after(&format!("under {recipe}"), 4);
    let values = |bits: Vec<u64>| bits.into_iter().map(f64::from_bits).collect::<Vec<f64>>();
    let sam = values(bits("sam(rho = 0.05)"));
    let others = [
        "wsam(rho = 0.05, gamma = 0.5, decoupled = false)",
        "fsam(rho = 0.05, sigma = 0)",
        "gsam(rho = 0.05, alpha = 0)",
        "eigensam(rho = 0.05, alpha = 0, refresh = 2 steps)",
    ];
    for other in others {
        crate::support::assert_close(other, &values(bits(other)), &sam, 1e-5);
    }
    let lesam = values(bits("lesam(budget = 0.3, clip = 0.35)"));
    let plus = values(bits("lesam_plus(budget = 0.3, clip = 0.35, lambda = 0)"));
    crate::support::assert_close("lesam_plus", &plus, &lesam, 1e-5);
}

#[test]
fn the_first_step_of_s2sam_is_the_base_optimizers() {
    assert!(after("under s2sam", 1) == after("under sgd", 1));
    assert!(after("under s2sam", 2) != after("under sgd", 2));
}

#[test]
fn before_it_begins_and_between_its_beats_a_member_is_the_base_optimizer() {
    let base = after("under sgd", 4);
    for member in ["sam", "fsam", "gsam", "lesam", "esam"] {
        assert!(after(&format!("under {member}(from = epoch 3)"), 4) == base, "{member}");
        assert!(after(&format!("under {member}(every = 5 steps)"), 4) == base, "{member}");
        assert!(after(&format!("under {member}(from = epoch 2)"), 4) != base, "{member}");
    }
}

#[test]
fn one_micro_batch_is_the_batch_bit_for_bit() {
    let model = model();
    for member in MEMBERS {
        let run = |micro| {
            let mut learner = in_parts(&model, &format!("curriculum ssp(loss) under {member}"), micro);
            (0..4).for_each(|step| drop(learner.step(&samples(step), &clock(step))));
            snapshot(&learner)
        };
        assert!(run(Some(8)) == run(None), "{member}");
    }
}

#[test]
fn micro_batches_go_with_every_member_and_curriculum() {
    let model = model();
    for member in MEMBERS {
        for curriculum in ["erm", "spl(adm, fraction = 0.5)", "ssp(gdm)"] {
            let recipe = format!("curriculum {curriculum} under {member}");
            let mut learner = in_parts(&model, &recipe, Some(3));
            let before = weights(&learner);
            for step in 0..4 {
                let values = host(&learner.step(&samples(step), &clock(step)).values);
                assert_eq!((values[0], values[9]), (8.0, 0.0), "{recipe}: {values:?}");
            }
            assert!(weights(&learner) != before, "{recipe}");
            assert_eq!(learner.state.batches, 4 * 3, "three parts a step");
        }
    }
}

#[test]
fn running_statistics_move_as_in_one_plain_forward() {
    let statistics = |recipe: &str| {
        let model = model();
        let mut learner = learner(&model, recipe);
        learner.step(&samples(0), &clock(0));
        learner.state.statistics.running.iter().flatten().flat_map(host).collect::<Vec<f64>>()
    };
    let plain = statistics("under sgd");
    for member in MEMBERS {
        assert_eq!(statistics(&format!("under {member}")), plain, "{member}");
        assert_eq!(
            statistics(&format!("curriculum ssp(adm(mode = fresh)) under {member}")),
            plain,
            "{member}"
        );
    }
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let model = model();
    for member in MEMBERS {
        let mut learner = learner(&model, &format!("curriculum ssp(adm) under {member}"));
        // Memories are filled first.
        (0..3).for_each(|step| drop(learner.step(&samples(step), &clock(step))));
        let mut batch = samples(3);
        batch.x = batch.x * f64::NAN;
        let before = snapshot(&learner);
        let record = learner.step(&batch, &clock(3));
        assert!(snapshot(&learner) == before, "{member}");
        assert_eq!(host(&record.values)[9], 1.0, "the step is counted as skipped");
    }
}

#[test]
fn a_second_pass_that_is_not_finite_changes_nothing() {
    let model = model();
    let huge =
        ["sam", "fsam", "eigensam", "gsam", "ssam", "sagm", "wsam", "looksam", "asam", "fishersam", "esam"];
    for member in huge {
        let mut learner = learner(&model, &format!("curriculum ssp(adm) under {member}(rho = 1e37)"));
        let before = snapshot(&learner);
        let record = learner.step(&samples(0), &clock(0));
        assert!(snapshot(&learner) == before, "{member}");
        assert_eq!(host(&record.values)[9], 1.0, "{member} is counted as skipped");
    }
}

#[test]
fn every_member_takes_every_choice_of_weights() {
    let model = model();
    for member in MEMBERS {
        let (name, own) = member.split_once('(').unwrap_or((member, ")"));
        let norms: &[&str] = if ["msam", "s2sam"].contains(&name) { &[""] } else { &["", "norm = all, "] };
        for perturb in ["norms", "no_norms"] {
            for norm in norms {
                let recipe = format!("curriculum ssp(loss) under {name}({norm}perturb = {perturb}, {own}");
                let recipe = recipe.replace(", )", ")");
                let mut learner = learner(&model, &recipe);
                let whole = weights(&learner);
                for step in 0..4 {
                    let values = host(&learner.step(&samples(step), &clock(step)).values);
                    assert_eq!(values[9], 0.0, "{recipe}: {values:?}");
                }
                assert!(weights(&learner) != whole, "{recipe}");
            }
        }
    }
}

/// The radius is the length of what is perturbed, whatever part that is.
#[test]
fn a_part_of_the_weights_is_perturbed_by_the_whole_radius() {
    let model = model();
    for member in ["sam", "fsam", "gsam", "fsam(order = before, sigma = 0.5)"] {
        let (name, own) = member.split_once('(').unwrap_or((member, ")"));
        let recipe = format!("under {name}(rho = 0.07, perturb = norms, {own}").replace(", )", ")");
        let mut learner = learner(&model, &recipe);
        for step in 0..3 {
            let radius = host(&learner.step(&samples(step), &clock(step)).values)[4];
            assert!((radius - 0.07).abs() < 1e-6, "{recipe}: {radius}");
        }
    }
}

#[test]
fn esam_descends_on_samples_that_count() {
    let model = model();
    let mut learner = learner(
        &model,
        "curriculum spl(loss, fraction = 0.25) under esam(beta = 1, gamma = 0.25, rho = 0.5)",
    );
    let before = weights(&learner);
    for step in 0..4 {
        assert_eq!(host(&learner.step(&samples(step), &clock(step)).values)[10], 0.0);
    }
    assert!(weights(&learner) != before);
}

/// What `plan` says and what steps do, over a phase of eight steps.
#[test]
fn passes_are_those_of_the_plan() {
    let model = model();
    let more = [
        "esam(gamma = 1)",
        "sam(every = 2 steps, from = step 3)",
        "looksam(k = 3, from = step 2)",
        "eigensam(refresh = 2 steps, every = 3 steps)",
        "eigensam(refresh = 3 steps, every = 2 steps, from = step 1)",
        "eigensam(refresh = 2 steps, from = step 5)",
    ];
    for member in MEMBERS.into_iter().chain(more) {
        let recipe = format!("under {member}");
        let mut learner = learner(&model, &recipe);
        let taken: f64 = (0..8).map(|step| learner.step(&samples(step), &clock(step)).passes.cost()).sum();
        let planned = passes(&phase(&recipe), &clock(0)).cost() * 8.0;
        assert!((taken - planned).abs() < 1e-9, "{member}: {taken} taken, {planned} planned");
    }
}
