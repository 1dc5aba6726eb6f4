//! `--set PATH=VALUE`, `--seeds` and `--device`: written into the tree before it is checked.

use super::Settings;
use super::descend::Unknown;
use super::findings::Findings;
use super::patch::Patch;
use super::place::{FLAGS, origin, shift};
use crate::diagnostic::{Code, Diagnostic, Label, Span};
use crate::lang::catalog;
use crate::lang::program::Origin;
use crate::lang::value::mistakes::listed;
use crate::syntax;
use crate::syntax::ast::{Expr, File};

const LINE: &str = "let value = ";

/// The flags of a run as text, and what each of them replaced.
#[derive(Default)]
pub(super) struct Flags {
    pub text: String,
    anchors: Vec<Anchor>,
}

struct Anchor {
    /// Where the value begins in `text`.
    start: usize,
    flag: String,
    replaced: Span,
}

impl Flags {
    /// Applies every flag to the tree; those that cannot be are reported.
    pub fn apply(file: &mut File, settings: &Settings, findings: &mut Findings) -> Self {
        let mut flags = Self::default();
        for (path, value) in &settings.set {
            flags.set(file, path, value, format!("--set {path}={value}"), findings);
        }
        if let Some(seeds) = &settings.seeds {
            flags.set(file, "seeds", &seed_list(seeds), format!("--seeds {seeds}"), findings);
        }
        if let Some(device) = &settings.device {
            flags.set(file, "device", device, format!("--device {device}"), findings);
        }
        flags
    }

    fn set(&mut self, file: &mut File, path: &str, value: &str, flag: String, findings: &mut Findings) {
        let text = value;
        let value = match self.expression(&quoted(path, text)) {
            Ok(value) => value,
            Err(finding) => return findings.push(in_flag(&flag, path, text, *finding)),
        };
        let start = value.span.start - FLAGS;
        match Patch::new(file).set(path, value.clone()) {
            Ok(replaced) => self.anchors.push(Anchor { start, flag, replaced }),
            Err(unknown) => {
                let meant = meant_paths(file, path, &unknown, &value);
                findings.push(unknown_setting(&flag, (path, text), &unknown, &meant));
            }
        }
    }

    /// The value of a flag, its spans moved beyond the file.
    fn expression(&mut self, value: &str) -> Result<Expr, Box<Diagnostic>> {
        let (parsed, findings) = syntax::parse(&format!("{LINE}{value}\n"));
        if let Some(finding) = findings.into_iter().next() {
            return Err(Box::new(finding));
        }
        let statement = parsed.statements.into_iter().next();
        let clause = statement.and_then(|statement| statement.clauses.into_iter().next());
        let Some(mut expr) = clause.and_then(|clause| clause.values.into_iter().next()) else {
            let message = "no value is given";
            return Err(Box::new(Diagnostic::new(
                Code::InvalidSetting,
                Span::default(),
                message,
                "no value",
            )));
        };
        shift(&mut expr, FLAGS + self.text.len());
        self.text.push_str(LINE);
        self.text.push_str(value);
        self.text.push('\n');
        Ok(expr)
    }

    /// Moves findings about flags to the places in the file that the flags replaced.
    pub fn anchor(&self, findings: Findings) -> Findings {
        let mut anchored = Findings::default();
        for finding in findings.into_list() {
            anchored.push(self.anchor_one(finding));
        }
        anchored
    }

    fn anchor_one(&self, mut finding: Diagnostic) -> Diagnostic {
        if let Some(anchor) = self.anchor_of(finding.span()) {
            finding.message = format!("`{}`: {}", anchor.flag, finding.message);
            finding.fix = None;
        }
        finding.labels.retain(|label| origin(label.span) != Origin::Default);
        for Label { span, text } in &mut finding.labels {
            if let Some(anchor) = self.anchor_of(*span) {
                *span = anchor.replaced;
                *text = format!("{text} (set by a flag)");
            }
        }
        finding
    }

    fn anchor_of(&self, span: Span) -> Option<&Anchor> {
        if origin(span) != Origin::Flag {
            return None;
        }
        self.anchors.iter().rev().find(|anchor| anchor.start <= span.start - FLAGS)
    }
}

/// A path or a text needs no quotes in a flag: a shell takes them away.
fn quoted(path: &str, value: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    let parameters = catalog::entries().iter().filter_map(|entry| entry.parameter(last));
    let text = ["from", "export", "title"].contains(&last)
        || parameters.into_iter().any(|parameter| parameter.form.noun.ends_with("in quotes"));
    if !text || value.starts_with('"') || value.starts_with("each") {
        return value.to_string();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `0,1,2` and `3` as lists.
fn seed_list(seeds: &str) -> String {
    let plain = seeds.chars().all(|letter| letter.is_ascii_digit() || letter == ',' || letter == ' ');
    if plain { format!("[{seeds}]") } else { seeds.to_string() }
}

fn in_flag(flag: &str, path: &str, value: &str, finding: Diagnostic) -> Diagnostic {
    let message = format!("`{flag}`: {}", finding.message);
    let invalid = Diagnostic::new(Code::InvalidSetting, Span::default(), message, "the value of a flag");
    match several_settings(path, value) {
        Some(help) => invalid.help(help),
        None => finding.help.into_iter().fold(invalid, Diagnostic::help),
    }
}

/// `--set model=cnn,width=3`: one flag for each path.
fn several_settings(path: &str, value: &str) -> Option<String> {
    let (first, second) = value.split_once(',')?;
    let (name, number) = second.trim().split_once('=')?;
    let is_name =
        |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter));
    if !is_name(first) || !is_name(name) || name.is_empty() {
        return None;
    }
    let below = if name.contains('.') { name.to_owned() } else { format!("{path}.{name}") };
    Some(format!("every flag sets one path: `--set {path}={first} --set {below}={number}`"))
}

/// Paths of the file that end with the name of `path`, or that it is called by elsewhere.
fn meant_paths(file: &File, path: &str, unknown: &Unknown, value: &Expr) -> Vec<String> {
    let name = path.rsplit('.').next().unwrap_or_default();
    let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    let known = |path: &String| Patch::new(&mut file.clone()).set(path, value.clone()).is_ok();
    let below = path.split_once('.').map(|(_, below)| below);
    let corrected = unknown.nearest(path).zip(below).map(|(near, below)| format!("{near}.{below}"));
    let elsewhere = ELSEWHERE.iter().filter(|(words, _)| words.contains(&plain.as_str()));
    let elsewhere: Vec<String> = elsewhere.map(|(_, here)| (*here).to_owned()).collect();
    let phases = (0..PHASES).flat_map(|phase| {
        ["curriculum", "against", "under", "over"].map(|slot| format!("train.{phase}.{slot}"))
    });
    let single = [
        "data",
        "data.source",
        "model",
        "optimize",
        "curriculum",
        "curriculum.difficulty",
        "against",
        "under",
        "over",
    ];
    let anywhere =
        single.map(str::to_owned).into_iter().chain(phases).map(|prefix| format!("{prefix}.{name}"));
    let mut meant: Vec<String> =
        corrected.into_iter().chain(elsewhere).chain(anywhere).filter(known).collect();
    meant.dedup();
    // `under.rho` is `train.0.under.rho` where there is one phase.
    if meant.iter().any(|path| !path.starts_with("train.")) {
        meant.retain(|path| !path.starts_with("train.") || path.ends_with("duration"));
    }
    meant.truncate(4);
    meant
}

/// So many phases are looked through for a parameter.
const PHASES: usize = 4;

/// Names of settings elsewhere, in small letters without `_`, and their paths.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["epochs", "epoch", "duration", "steps", "maxepochs", "nepochs"], "train.0.duration"),
    (&["batchsize", "bs", "batch"], "data.batch"),
    (&["lr", "learningrate"], "optimize.lr"),
    (&["wd", "weightdecay"], "optimize.weight_decay"),
    (&["momentum"], "optimize.momentum"),
    (&["seed", "randomseed"], "seeds"),
    (&["gpu", "cuda"], "device"),
    (&["dataset"], "data"),
    (&["network", "arch", "net"], "model"),
    (&["optimizer", "optimiser", "optim"], "optimize"),
    (&["minimizer", "minimiser"], "under"),
    (&["epsilon", "radius"], "against.eps"),
    (&["weights", "pretrained", "checkpoint"], "model.from"),
    (&["output", "save"], "export"),
];

fn unknown_setting(
    flag: &str,
    (path, value): (&str, &str),
    unknown: &Unknown,
    meant: &[String],
) -> Diagnostic {
    let message = format!("`{flag}`: the file has no setting `{path}`");
    let finding = Diagnostic::new(Code::UnknownSetting, Span::default(), message, "in this file");
    if !meant.is_empty() {
        let flags: Vec<String> = meant.iter().map(|path| written(path, value)).collect();
        return finding.help(format!("write {}", listed(flags.iter().map(String::as_str), "or")));
    }
    let finding = match unknown.nearest(path) {
        Some(near) => finding.help(format!("the nearest path is `{near}`")),
        None => finding,
    };
    finding.help(unknown.legal())
}

/// A flag as it is typed; a bare number is no duration.
fn written(path: &str, value: &str) -> String {
    let bare = value.parse::<f64>().is_ok();
    match path.ends_with("duration") && bare {
        true => format!("--set '{path}={value} epochs'"),
        false => format!("--set {path}={value}"),
    }
}
