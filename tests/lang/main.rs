//! What a checked file means: variants, defaults, flags, and how long checking takes.

mod catalogue;
mod flags;
mod meaning;
mod mistakes;
#[path = "../world/mod.rs"]
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
