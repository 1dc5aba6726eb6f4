//! What statements, defaults and variants mean.

use super::*;

#[test]
fn one_line_is_a_whole_file_without_a_warning() {
    let checked = check("curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)\n");
    assert_eq!(checked.diagnostics, []);
    let program = checked.program.expect("a program");
    assert_eq!((program.edition, &program.seeds[..]), (2026, &[0][..]));
    let [variant] = &program.variants[..] else { panic!("one variant") };
    assert_eq!((variant.slug.as_str(), &variant.choices[..]), ("main", &[][..]));
    let experiment = &variant.experiment;
    assert_eq!((experiment.data.batch, experiment.data.shuffle), (64, true));
    assert_eq!(experiment.model.architecture.name(), "cnn");
    let [phase] = &experiment.phases[..] else { panic!("one phase") };
    assert_eq!((phase.duration.count, phase.duration.unit), (30.0, Unit::Epochs));
    let Minimizer::Lesam(lesam) = &phase.minimizer else { panic!("{:?}", phase.minimizer) };
    let clip = Some(Schedule::Constant(0.35));
    assert_eq!((&lesam.budget, &lesam.clip, &lesam.anneal), (&Schedule::Constant(0.4), &clip, &None));
    assert_eq!((&experiment.select, experiment.device), (&Select::Last, Device::Cpu));
}

#[test]
fn the_whole_file_of_the_language_page_means_what_it_says() {
    let program = program(
        "edition 2026\n\
         title \"Table 1\"\n\
         data cifar10(root = \"data/cifar10\") augment [crop(pad = 4), flip] batch 128 validation 10%\n\
         model resnet18\n\
         optimize sgd(lr = cosine(0.05 -> 0), momentum = 0.9, weight_decay = 5e-4)\n\
         train 200 epochs\n  curriculum ssp(adm(alpha = 8/255))\n\
         \x20 under lesam(budget = 0.4, clip = 0.35, anneal = last 40 epochs)\n\
         evaluate accuracy, difficulty(samples = 256) every 10 epochs\n\
         seeds 0..3\n",
    );
    assert_eq!((program.title.as_deref(), &program.seeds[..]), (Some("Table 1"), &[0, 1, 2][..]));
    let variant = &program.variants[0];
    let experiment = &variant.experiment;
    assert_eq!(experiment.data.validation, Some(Validation::Fraction(0.1)));
    assert_eq!((experiment.data.augment.len(), experiment.evaluate.len()), (2, 2));
    assert!(experiment.evaluate.iter().all(|measurement| measurement.every.is_some()));
    let Minimizer::Lesam(lesam) = &experiment.phases[0].minimizer else { panic!("lesam") };
    let window = Window::Last { count: 40.0, unit: Unit::Epochs };
    assert_eq!(lesam.anneal, Some(Anneal::Window(window)));
    assert_eq!(setting(variant, "train.0.curriculum.difficulty.alpha"), ("8/255", Origin::File));
    assert_eq!(setting(variant, "train.0.curriculum.difficulty.delta"), ("1e-8", Origin::Default));
    assert_eq!(setting(variant, "optimize.lr"), ("cosine(0.05 -> 0)", Origin::File));
    assert_eq!(setting(variant, "optimize.nesterov"), ("false", Origin::Default));
}

#[test]
fn variants_come_in_source_order_with_the_last_choice_fastest() {
    let source = "edition 2026\n\
                  let flat = lesam\n\
                  let order = each [erm, ssp(adm)]\n\
                  train 2 epochs curriculum order under each [sgd, sam(rho = each [0.05, 0.1]), flat]\n";
    let program = program(source);
    let choices: Vec<String> = program.variants.iter().map(|variant| variant.choices.join(" ")).collect();
    let expected = [
        "erm sgd",
        "erm sam(rho = 0.05)",
        "erm sam(rho = 0.1)",
        "erm flat",
        "ssp(adm) sgd",
        "ssp(adm) sam(rho = 0.05)",
        "ssp(adm) sam(rho = 0.1)",
        "ssp(adm) flat",
    ];
    assert_eq!(choices, expected);
    assert_eq!(program.variants[2].slug, "erm_sam-rho-0.1");
}

#[test]
fn a_let_used_twice_varies_together() {
    let source = "edition 2026\nlet radius = each [0.05, 0.1]\n\
                  train 2 epochs under sam(rho = radius) then 2 epochs under sam(rho = radius)\n";
    let program = program(source);
    assert_eq!(program.variants.len(), 2);
    for variant in &program.variants {
        let [first, second] = &variant.experiment.phases[..] else { panic!("two phases") };
        assert_eq!(first.minimizer, second.minimizer);
    }
}

#[test]
fn slugs_are_short_and_unique() {
    let long: Vec<String> = (0..300)
        .map(|index| {
            format!(
                "sam(rho = cosine(0.{index}1 -> 0.000000000000000000000000000000000000000000000000000000001))"
            )
        })
        .collect();
    let program = program(&format!("under each [{}, sam(rho = 0.5), sam(rho = 0.50)]\n", long.join(", ")));
    let slugs: std::collections::HashSet<&str> =
        program.variants.iter().map(|variant| variant.slug.as_str()).collect();
    assert_eq!(slugs.len(), program.variants.len());
    let legal =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter);
    assert!(slugs.iter().all(|slug| slug.len() <= 80 && slug.chars().all(legal)), "{slugs:?}");
}

#[test]
fn an_optimizer_after_under_is_the_base_alone() {
    let program =
        program("edition 2026\ntrain 1 epochs under sgd(lr = 0.2) then 1 epochs under sam over adam(1e-4)\n");
    let [first, second] = &program.variants[0].experiment.phases[..] else { panic!("two phases") };
    assert!(matches!(first.minimizer, Minimizer::Base(_)));
    assert_eq!(first.optimizer.lr(), &Schedule::Constant(0.2));
    assert!(matches!(&second.minimizer, Minimizer::Sam(sam) if sam.rho == Schedule::Constant(0.05)));
    assert!(matches!(second.optimizer, Optimizer::Adam(_)));
}

#[test]
fn an_optimizer_named_again_keeps_what_optimize_says() {
    let source = "edition 2026\noptimize sgd(lr = 0.3, momentum = 0)\n\
                  train 1 epochs under each [sgd, sgd(lr = 0.1), sam]\n";
    let program = program(source);
    let optimizers: Vec<&Optimizer> =
        program.variants.iter().map(|variant| &variant.experiment.phases[0].optimizer).collect();
    let [Optimizer::Sgd(same), Optimizer::Sgd(slower), Optimizer::Sgd(base)] = optimizers[..] else {
        panic!("{optimizers:?}")
    };
    assert_eq!(same, base);
    assert_eq!((&slower.lr, slower.momentum), (&Schedule::Constant(0.1), 0.0));
    assert_eq!(setting(&program.variants[1], "train.0.under.momentum"), ("0", Origin::File));
}

#[test]
fn a_recipe_without_under_follows_the_plain_gradient() {
    let program = program("curriculum ssp(adm)\n");
    assert!(matches!(program.variants[0].experiment.phases[0].minimizer, Minimizer::Base(_)));
    assert_eq!(setting(&program.variants[0], "train.0.under"), ("none", Origin::Default));
}

/// Without `under`, under `none`, and under the optimizer's own name a phase is the same, and has one key.
#[test]
fn none_is_the_optimizer_alone() {
    let optimizers = "edition 2026\noptimize each [sgd(lr = 0.1), adam(lr = 1e-3)]\n";
    let alone = program(&format!("{optimizers}train 2 epochs\n"));
    let none = program(&format!("{optimizers}train 2 epochs under none\n"));
    for (variant, other) in alone.variants.iter().zip(&none.variants) {
        assert_eq!(variant.experiment, other.experiment);
        assert_eq!(variant.slug, other.slug);
    }
    assert!(matches!(none.variants[1].experiment.phases[0].optimizer, Optimizer::Adam(_)));
    let key = |program: &flatrun::lang::Program| {
        let phase = &program.variants[0].experiment.phases[0];
        (serde_json::to_string(phase).expect("plain data"), flatrun::graph::program_key(program))
    };
    let named = program("edition 2026\noptimize sgd(lr = 0.1)\ntrain 2 epochs under sgd\n");
    let none = program("edition 2026\noptimize sgd(lr = 0.1)\ntrain 2 epochs under none\n");
    assert_eq!(key(&named), key(&none));
    // As in the records of earlier versions.
    assert!(key(&none).0.contains("\"minimizer\":{\"name\":\"base\"}"), "{}", key(&none).0);
    let over = program("edition 2026\noptimize sgd\ntrain 2 epochs under none over adam(lr = 1e-3)\n");
    assert!(matches!(over.variants[0].experiment.phases[0].optimizer, Optimizer::Adam(_)));
    assert_eq!(setting(&over.variants[0], "train.0.under"), ("none", Origin::File));
}

/// What a file says once is not undone in silence.
#[test]
fn an_optimizer_after_under_agrees_with_optimize() {
    let found = |source: &str| -> Vec<Code> {
        check(&format!("edition 2026\n{source}\n")).diagnostics.iter().map(|finding| finding.code).collect()
    };
    for wrong in [
        "optimize each [sgd(lr = 0.1), adam(lr = 1e-3)]\ntrain 2 epochs under sgd",
        "optimize adam\ntrain 2 epochs under each [sgd, sam]",
        "optimize adam\nlet plain = sgd\ntrain 2 epochs under each [plain, sam]",
        "optimize adam\ntrain 2 epochs under sgd(lr = 0.1)",
        "optimize adam\ntrain 2 epochs then 2 epochs under sgd",
    ] {
        assert_eq!(found(wrong), [Code::OtherOptimizer], "{wrong}");
    }
    for right in [
        "optimize each [sgd(lr = 0.1), adam(lr = 1e-3)]\ntrain 2 epochs under each [none, sam]",
        "optimize adam\ntrain 2 epochs under adam",
        "optimize adam\ntrain 2 epochs under adam(lr = 1e-4)  then 2 epochs",
        "train 2 epochs under each [sgd, adam]",
        "optimize sgd(lr = 0.1)\ntrain 2 epochs under sam then 2 epochs under none over adam",
    ] {
        assert_eq!(found(right), [], "{right}");
    }
    assert_eq!(found("optimize adam\ntrain 2 epochs under sgd over adam"), [Code::TwoOptimizers]);
}

#[test]
fn names_of_variants_say_what_varies() {
    for (source, names) in [
        ("optimize sgd(lr = each [0.1, 1e-2])", "lr-0.1 lr-1e-2"),
        ("optimize sgd(each [0.1, cosine(0.1 -> 0)])", "lr-0.1 lr-cosine-0.1-to-0"),
        ("optimize sgd(lr = steps(0.1, factor = each [0.1, 0.2], at = [1] epochs))", "factor-0.1 factor-0.2"),
        ("optimize each [sgd(lr = 0.1), adam]", "sgd-lr-0.1 adam"),
        (
            "train 9 epochs under each [none, sam, sam(rho = 0.1), sam(0.2)]",
            "under-none sam sam-rho-0.1 sam-0.2",
        ),
        ("train 9 epochs under lesam(clip = each [none, 0.3])", "clip-none clip-0.3"),
        ("train 9 epochs under sam(metric = each [none, adaptive])", "metric-none adaptive"),
        (
            "train 9 epochs under lesam(anneal = each [last 4 epochs, none])",
            "anneal-last-4-epochs anneal-none",
        ),
        ("train 9 epochs curriculum ssp(each [adm, adm(alpha = 8/255)])", "adm adm-alpha-8_255"),
        (
            "train 9 epochs curriculum spl(adm, fraction = each [10%, linear(0.1 -> 1, 2..4 epochs)])",
            "fraction-10pct fraction-linear-0.1-to-1-2..4-epochs",
        ),
        (
            "train 9 epochs against psat(lambda = each [linear(-0.3 -> 1), 1])",
            "lambda-linear--0.3-to-1 lambda-1",
        ),
        ("train 9 epochs against at(eps = each [8/255, 0.1])", "eps-8_255 eps-0.1"),
        ("train each [9 epochs, 90 steps]", "train-9-epochs train-90-steps"),
        ("train 9 epochs then each [2 epochs, 1 epochs] under sam", "then-2-epochs then-1-epochs"),
        ("data digits batch each [32, 64]", "batch-32 batch-64"),
        ("data digits validation each [10%, 20%]", "validation-10pct validation-20pct"),
        ("data digits shuffle each [true, false]", "shuffle-true shuffle-false"),
        ("data each [digits, mnist(root = \"a/mnist\")]", "digits mnist-root-mnist"),
        ("data mnist(root = each [\"a/mnist\", \"b/mnist\"])", "root-a-mnist root-b-mnist"),
        (
            "data cifar10 augment each [[flip], [crop(pad = 4), flip], []]",
            "augment-flip augment-crop-pad-4-flip augment-none",
        ),
        ("data cifar10 augment [each [flip, cutout(8)]]", "flip cutout-8"),
        ("model each [mlp(hidden = [64, 32]), cnn(width = 8)]", "mlp-hidden-64-32 cnn-width-8"),
        ("model mlp(hidden = each [[64, 64], [128]])", "hidden-64-64 hidden-128"),
        (
            "model cnn from each [\"old/a.safetensors\", \"old/b.safetensors\"]",
            "from-a.safetensors from-b.safetensors",
        ),
        ("precision each [f32, f32]", "precision-f32 precision-f32-2"),
        ("let rate = each [0.1, 0.2]\noptimize sgd(lr = rate)", "rate-0.1 rate-0.2"),
        (
            "let low = 0.1\nlet flat = sam(rho = 0.1)\noptimize sgd(lr = each [low, 0.2])\ntrain 9 epochs under each [none, flat]",
            "lr-low_under-none lr-low_flat lr-0.2_under-none lr-0.2_flat",
        ),
        ("train 9 epochs under each [sgd, sam(rho = each [0.05, 0.1])]", "sgd sam-rho-0.05 sam-rho-0.1"),
        (
            "train 9 epochs under sam(rho = each [0.1, 0.2]) then 9 epochs under sam(rho = 0.3)",
            "rho-0.1 rho-0.2",
        ),
        (
            "train 9 epochs under sam(rho = each [0.1]) then 9 epochs under sam(rho = each [0.3])",
            "phase-1-sam-rho-0.1_phase-2-sam-rho-0.3",
        ),
        ("train 9 epochs then 9 epochs under each [none, sam]", "under-none sam"),
    ] {
        let program = program(&format!("edition 2026\n{source}\n"));
        let slugs: Vec<&str> = program.variants.iter().map(|variant| variant.slug.as_str()).collect();
        assert_eq!(slugs.join(" "), names, "{source}");
    }
}

#[test]
fn an_attack_named_alone_selects_as_the_file_measures() {
    let best = |lines: &str| {
        let program = program(&format!("edition 2026\ndata digits validation 10%\n{lines}\n"));
        let Select::Best(evaluator) = program.variants[0].experiment.select.clone() else {
            panic!("{lines}")
        };
        evaluator
    };
    let autoattack =
        |eps, profile| Evaluator::Autoattack(AutoattackEvaluator { eps, norm: Norm::Linf, profile });
    let own = "evaluate pgd(eps = 0.1), autoattack(eps = 0.2, profile = quick)";
    for word in ["autoattack", "autoattack.accuracy"] {
        let select = format!("select best({word})");
        assert_eq!(best(&format!("{own}\n{select}")), autoattack(0.2, Profile::Quick));
        assert_eq!(best(&select), autoattack(8.0 / 255.0, Profile::Standard));
    }
    let Evaluator::Pgd(pgd) = best(&format!("{own}\nselect best(pgd.accuracy)")) else { panic!("pgd") };
    assert_eq!(pgd.eps, 0.1);
}

/// What counts is whether any phase trains against a full attack.

#[test]
fn a_curriculum_over_attacks_is_judged_by_all_phases() {
    let unfinished = |phases: &str| {
        let found = check(&format!("edition 2026\ntrain {phases}\n"));
        found.diagnostics.iter().filter(|finding| finding.code == Code::UnfinishedCurriculum).count()
    };
    let half = "10 epochs against psat(lambda = linear(0 -> 0.5))";
    let whole = "10 epochs against psat(lambda = linear(0 -> 1, 0..5 epochs))";
    let late = "10 epochs against hsat(lambda = linear(0.5 -> 1))";
    for (phases, expected) in [
        (half.to_owned(), 1),
        (format!("{half}\n then 10 epochs against at"), 0),
        (format!("{half}\n then {whole}"), 0),
        (format!("{whole}\n then {half}"), 0),
        (format!("{half}\n then {half}"), 1),
        (format!("{half}\n then {late}"), 1),
        (format!("{half}\n then 10 epochs under sgd"), 1),
        (late.to_owned(), 1),
    ] {
        assert_eq!(unfinished(&phases), expected, "{phases}");
    }
}

#[test]
fn spl_has_a_fraction_unless_lambda_is_given() {
    let pacing = |source: &str| program(source).variants[0].experiment.phases[0].curriculum.clone();
    let Pacing::Spl(spl) = pacing("curriculum spl(adm)\n") else { panic!("spl") };
    assert_eq!(spl.fraction, Some(Schedule::Linear { from: 0.1, to: 1.0, window: None }));
    let Pacing::Spl(spl) = pacing("curriculum spl(adm, lambda = 2)\n") else { panic!("spl") };
    assert_eq!((spl.fraction, spl.lambda), (None, Some(Schedule::Constant(2.0))));
    let variant = &program("curriculum spl(adm, lambda = 2)\n").variants[0];
    assert_eq!(setting(variant, "train.0.curriculum.fraction"), ("none", Origin::Default));
}
