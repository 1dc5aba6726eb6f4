//! What a checked file means: variants, defaults, flags, and how long checking takes.

mod world;

use std::time::{Duration, Instant};

use flatrun::diagnostic::{Code, Level};
use flatrun::lang::catalog::{
    self, Anneal, AutoattackEvaluator, Evaluator, Minimizer, Norm, Optimizer, Pacing, Profile,
};
use flatrun::lang::program::{Device, Origin, Program, Select, Validation, Variant};
use flatrun::lang::schedule::{Schedule, Unit, Window};
use flatrun::lang::{self, Checked, Settings};
use world::{Files, TestWorld};

fn check_with(source: &str, settings: &Settings) -> Checked {
    lang::check(source, settings, &TestWorld(Files::There))
}

fn check(source: &str) -> Checked {
    check_with(source, &Settings::default())
}

fn program(source: &str) -> Program {
    let checked = check(source);
    checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

fn set(pairs: &[(&str, &str)]) -> Settings {
    let set = pairs.iter().map(|(path, value)| (path.to_string(), value.to_string())).collect();
    Settings { set, ..Settings::default() }
}

fn codes(checked: &Checked) -> Vec<Code> {
    checked.diagnostics.iter().map(|finding| finding.code).collect()
}

fn setting<'v>(variant: &'v Variant, path: &str) -> (&'v str, Origin) {
    let found = variant.settings.iter().find(|setting| setting.path == path);
    let found = found.unwrap_or_else(|| panic!("no setting `{path}` in {:#?}", variant.settings));
    (&found.value, found.origin)
}

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
    assert_eq!(first.minimizer, Minimizer::Base);
    assert_eq!(first.optimizer.lr(), &Schedule::Constant(0.2));
    assert!(matches!(&second.minimizer, Minimizer::Sam(sam) if sam.rho == Schedule::Constant(0.05)));
    assert!(matches!(second.optimizer, Optimizer::Adam(_)));
}

#[test]
fn an_optimizer_named_again_keeps_what_optimize_says() {
    let source = "edition 2026\noptimize sgd(lr = 0.3, momentum = 0)\n\
                  train 1 epochs under each [sgd, sgd(lr = 0.1), adam, sam]\n";
    let program = program(source);
    let optimizers: Vec<&Optimizer> =
        program.variants.iter().map(|variant| &variant.experiment.phases[0].optimizer).collect();
    let [Optimizer::Sgd(same), Optimizer::Sgd(slower), Optimizer::Adam(adam), Optimizer::Sgd(base)] =
        optimizers[..]
    else {
        panic!("{optimizers:?}")
    };
    assert_eq!(same, base);
    assert_eq!((&slower.lr, slower.momentum), (&Schedule::Constant(0.1), 0.0));
    assert_eq!(adam.lr, Schedule::Constant(1e-3));
    assert_eq!(setting(&program.variants[1], "train.0.under.momentum"), ("0", Origin::File));
}

#[test]
fn a_recipe_without_under_follows_the_plain_gradient() {
    let program = program("curriculum ssp(adm)\n");
    assert_eq!(program.variants[0].experiment.phases[0].minimizer, Minimizer::Base);
    assert_eq!(setting(&program.variants[0], "train.0.under"), ("base", Origin::Default));
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

#[test]
fn flags_change_the_file() {
    let source = "curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)\n";
    let flags = Settings {
        seeds: Some("0,1,2".into()),
        device: Some("cuda(1)".into()),
        ..set(&[
            ("data.batch", "32"),
            ("data.validation", "10%"),
            ("model.width", "16"),
            ("optimize.lr", "0.1"),
            ("under.budget", "0.2"),
            ("train.0.duration", "2 epochs"),
            ("curriculum.difficulty.alpha", "4/255"),
            ("evaluate", "loss"),
        ])
    };
    let checked = check_with(source, &flags);
    assert_eq!(checked.diagnostics, []);
    let program = checked.program.expect("a program");
    assert_eq!(program.seeds, [0, 1, 2]);
    let variant = &program.variants[0];
    assert_eq!((variant.experiment.data.batch, variant.experiment.device), (32, Device::Cuda(1)));
    assert_eq!(variant.experiment.phases[0].duration.count, 2.0);
    for (path, value) in [
        ("data.batch", "32"),
        ("data.validation", "10%"),
        ("model.width", "16"),
        ("optimize.lr", "0.1"),
        ("train.0.under.budget", "0.2"),
        ("train.0.duration", "2 epochs"),
        ("train.0.curriculum.difficulty.alpha", "4/255"),
        ("evaluate.0", "loss"),
        ("seeds", "[0, 1, 2]"),
        ("device", "cuda(1)"),
    ] {
        assert_eq!(setting(variant, path), (value, Origin::Flag), "{path}");
    }
    assert_eq!(setting(variant, "train.0.under.clip"), ("0.35", Origin::File));
    assert_eq!(setting(variant, "model"), ("cnn", Origin::Default));
}

#[test]
fn a_path_in_a_flag_needs_no_quotes() {
    for value in ["elsewhere/mnist", "\"elsewhere/mnist\""] {
        let flags = set(&[("data.root", value), ("export", "out dir/w.safetensors")]);
        let program = check_with("data mnist\n", &flags).program.expect("a program");
        let variant = &program.variants[0];
        assert_eq!(setting(variant, "data.root"), ("\"elsewhere/mnist\"", Origin::Flag));
        assert_eq!(variant.experiment.export.as_deref(), Some(std::path::Path::new("out dir/w.safetensors")));
    }
}

#[test]
fn a_flag_reaches_through_let_and_each() {
    let source = "edition 2026\nlet flat = each [sgd, sam(rho = 0.05), lesam]\ntrain 4 epochs under flat then 2 epochs under flat\n";
    let checked = check_with(source, &set(&[("train.1.under.rho", "0.3")]));
    let program = checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    assert_eq!(program.variants.len(), 3);
    let rho = |phase: usize| match &program.variants[1].experiment.phases[phase].minimizer {
        Minimizer::Sam(sam) => sam.rho.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((rho(0), rho(1)), (Schedule::Constant(0.05), Schedule::Constant(0.3)));
}

#[test]
fn a_wrong_flag_is_named() {
    let source = "under sam\n";
    for (path, value, code, help) in [
        ("under.rh", "0.1", Code::UnknownSetting, "the nearest path is `under.rho`"),
        ("modle", "mlp", Code::UnknownSetting, "the nearest path is `model`"),
        ("data.bach", "8", Code::UnknownSetting, "the nearest path is `data.batch`"),
        ("train.3.under", "sgd", Code::UnknownSetting, "there is `train.0`"),
        ("under.rho", "-1", Code::OutOfRange, "the default is `rho = 0.05`"),
        ("seeds", "[0, 0]", Code::DuplicateSeed, "give every seed once"),
    ] {
        let checked = check_with(source, &set(&[(path, value)]));
        let [finding] = &checked.diagnostics[..] else { panic!("{path}: {:#?}", checked.diagnostics) };
        assert_eq!(finding.code, code, "{path}");
        assert!(finding.message.starts_with(&format!("`--set {path}={value}`: ")), "{}", finding.message);
        assert!(finding.help.iter().any(|line| line == help), "{path}: {:?}", finding.help);
        assert!(finding.labels.iter().all(|label| label.span.end <= source.len()));
    }
}

#[test]
fn one_mistake_is_reported_once_over_all_variants() {
    let checked = check("edition 2026\noptimize sgd(lr = each [0.1, 0.2, 0.3])\nunder sam(rho = -1)\n");
    assert_eq!(codes(&checked), [Code::OutOfRange]);
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let source = "edition 2025\n\
                  data cifra10 batch 0 validation 120%\n\
                  model cnn(widht = 8)\n\
                  optimize sgd(lr = cosine(0.1 -> -1), momentum = 2)\n\
                  train 20 curriculum erm(1) under adm\n\
                  seeds [1, 1]\n\
                  device tpu\n";
    let checked = check(source);
    let errors = checked.diagnostics.iter().filter(|finding| finding.level() == Level::Error);
    let codes: Vec<&str> = errors.map(|finding| finding.code.info().slug).collect();
    let expected = [
        "unknown-edition",
        "unknown-component",
        "out-of-range",
        "out-of-range",
        "unknown-parameter",
        "schedule-leaves-range",
        "out-of-range",
        "missing-unit",
        "extra-argument",
        "wrong-kind",
        "duplicate-seed",
        "unknown-value",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn ten_thousand_variants_are_checked_in_seconds() {
    let ten =
        |from: usize| (from..from + 10).map(|value| format!("0.0{value}")).collect::<Vec<_>>().join(", ");
    let source = format!(
        "edition 2026\n\
         optimize sgd(lr = each [{}], momentum = each [{}], weight_decay = each [{}])\n\
         curriculum ssp(adm) under lesam(budget = each [{}])\n",
        ten(1),
        ten(11),
        ten(21),
        ten(31)
    );
    let start = Instant::now();
    let checked = check(&source);
    let elapsed = start.elapsed();
    assert_eq!(checked.program.map(|program| program.variants.len()), Some(10_000));
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    let doubled = source.replace("ssp(adm)", "ssp(each [adm, gdm])");
    assert_eq!(codes(&check(&doubled)), [Code::TooManyVariants]);
}

#[test]
fn a_thousand_lines_are_checked_at_once() {
    let lets: String = (0..990).map(|index| format!("let v{index} = sam(rho = 0.{index:04}1)\n")).collect();
    let names: Vec<String> = (0..990).map(|index| format!("v{index}")).collect();
    let source = format!("edition 2026\n{lets}under each [{}]\n", names.join(", "));
    let start = Instant::now();
    let checked = check(&source);
    let elapsed = start.elapsed();
    assert_eq!(checked.diagnostics, []);
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[test]
fn chains_and_trees_of_let_do_not_exhaust_anything() {
    let chain: String = (0..5000).map(|index| format!("let a{index} = a{}\n", index + 1)).collect();
    let checked = check(&format!("{chain}let a5000 = 0.1\nunder sam(rho = a0)\n"));
    assert!(codes(&checked).contains(&Code::CircularLet));
    let tree: String =
        (0..60).map(|index| format!("let b{index} = [b{0}, b{0}, b{0}]\n", index + 1)).collect();
    let checked = check(&format!("{tree}let b60 = 1\nmodel mlp(b0)\n"));
    assert!(codes(&checked).contains(&Code::WrongType));
}

#[test]
fn the_reference_pages_are_those_of_the_catalogue() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference");
    for (name, text) in catalog::reference() {
        let path = format!("{folder}/{name}");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(folder).expect("a writable folder");
            std::fs::write(&path, &text).expect("a writable page");
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(stored, text, "`{path}` is out of date: UPDATE=1 writes it anew");
    }
}

#[test]
fn every_example_of_the_catalogue_is_legal() {
    for entry in catalog::entries() {
        let example = entry.facts.example;
        let source = match example.split_whitespace().next().unwrap_or_default() {
            "lr" => format!("edition 2026\ntrain 100 epochs\noptimize sgd({example})\n"),
            "rho" => format!("edition 2026\ntrain 100 epochs under sam({example})\n"),
            "fraction" => format!("edition 2026\ntrain 100 epochs curriculum spl(adm, {example})\n"),
            "augment" => format!("data cifar10 {example}\n"),
            "under" => format!("edition 2026\ntrain 100 epochs {example}\n"),
            "model" if entry.name == "vit_b16" => {
                format!("edition 2026\ndata cifar10 augment [resize(224)] test [resize(224)]\n{example}\n")
            }
            "model" => format!("edition 2026\ndata mnist\n{example}\n"),
            _ if entry.name == "perturbation" => {
                format!("edition 2026\ntrain 10 epochs against psat(eps = 8/255) under sgd\n{example}\n")
            }
            _ => format!("{example}\n"),
        };
        assert_eq!(check(&source).diagnostics, [], "{}: {source}", entry.name);
    }
}

#[test]
fn the_catalogue_is_plain_data() {
    let json = serde_json::to_value(catalog::entries()).expect("plain data");
    let entries = json.as_array().expect("a list");
    let lesam = entries.iter().find(|entry| entry["name"] == "lesam").expect("lesam");
    assert_eq!(lesam["kind"], "minimizer");
    assert_eq!(lesam["parameters"][0]["name"], "budget");
    assert_eq!(lesam["parameters"][0]["default"], "0.4");
    assert_eq!(lesam["parameters"][0]["range"], "> 0");
    assert_eq!(lesam["parameters"][0]["type"]["schedule"], true);
}

const WORDS: [&str; 40] = [
    "data",
    "model",
    "train",
    "under",
    "curriculum",
    "then",
    "let",
    "a",
    "=",
    "each",
    "[",
    "]",
    "(",
    ")",
    ",",
    "->",
    "..",
    "last",
    "epochs",
    "steps",
    "0.1",
    "-1",
    "10%",
    "8/255",
    "\"x\"",
    "none",
    "true",
    "sam",
    "sgd",
    "spl",
    "ssp",
    "adm",
    "cosine",
    "warmup",
    "follow",
    "lr",
    "seeds",
    "select",
    "evaluate",
    "\n",
];

proptest::proptest! {
    #[test]
    fn any_text_is_answered_with_findings_inside_it(picks in proptest::collection::vec(0_usize..WORDS.len(), 0..40)) {
        let words: Vec<&str> = picks.into_iter().map(|pick| WORDS[pick]).collect();
        let source = words.join(" ");
        let checked = check_with(&source, &set(&[("under.rho", "0.1"), ("train.0.duration", "2 epochs")]));
        let errors = checked.diagnostics.iter().filter(|finding| finding.level() == Level::Error).count();
        proptest::prop_assert_eq!(checked.program.is_some(), errors == 0);
        for finding in &checked.diagnostics {
            for label in &finding.labels {
                proptest::prop_assert!(source.get(label.span.start..label.span.end).is_some(), "{:?}", finding);
            }
        }
    }
}

/// What stands behind the papers' tables and figures of flatness, difficulty and perturbations.
const MEASURED: [&str; 9] = [
    // ADM: table of flatness, loss landscapes, figure 1.
    "hessian(top = 1)",
    "landscape(span = 1, points = 51, dimensions = 2)",
    "difficulty(samples = 1024) every 1 epochs",
    // SAT: figure 1, figure 4 a to c, section 6.2.3, figure 6.
    "landscape(points = 51, dimensions = 2, loss = pgd(eps = 8/255, steps = 10))",
    "hessian(top = 1, loss = pgd(eps = 8/255, steps = 10)), gradient(loss = pgd(eps = 8/255, steps = 10)) every 1 epochs",
    "gap(loss = pgd(eps = 8/255, steps = 10), samples = 10000, last = 20) every 1 epochs",
    "perturbation every 1 epochs",
    // LE-SAM: figure 3 a and b, figure 4.
    "hessian(top = 50, iterations = 400), spectrum(steps = 100)",
    "lpf(sigma = 0.01, draws = 100) every 10 epochs",
];

#[test]
fn every_measurement_behind_a_figure_is_a_line() {
    for line in MEASURED {
        let source = format!(
            "edition 2026\ndata digits\ntrain 20 epochs against psat(eps = 8/255) under sgd\nevaluate {line}\n"
        );
        assert_eq!(check(&source).diagnostics, [], "{line}");
    }
}
