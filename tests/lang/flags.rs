//! Settings from the command line.

use super::*;

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
