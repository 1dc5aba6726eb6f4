//! The catalogue: its pages, its examples, its data.

use super::*;

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
