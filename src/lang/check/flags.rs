//! `--set PATH=VALUE`, `--seeds` and `--device`: written into the tree before it is checked.

use super::Settings;
use super::descend::Unknown;
use super::findings::Findings;
use super::patch::Patch;
use super::place::{FLAGS, origin, shift};
use crate::diagnostic::{Code, Diagnostic, Label, Span};
use crate::lang::catalog;
use crate::lang::program::Origin;
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
        let value = match self.expression(&quoted(path, value)) {
            Ok(value) => value,
            Err(finding) => return findings.push(in_flag(&flag, *finding)),
        };
        let start = value.span.start - FLAGS;
        match Patch::new(file).set(path, value) {
            Ok(replaced) => self.anchors.push(Anchor { start, flag, replaced }),
            Err(unknown) => findings.push(unknown_setting(&flag, path, &unknown)),
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

fn in_flag(flag: &str, finding: Diagnostic) -> Diagnostic {
    let message = format!("`{flag}`: {}", finding.message);
    let invalid = Diagnostic::new(Code::InvalidSetting, Span::default(), message, "the value of a flag");
    finding.help.into_iter().fold(invalid, Diagnostic::help)
}

fn unknown_setting(flag: &str, path: &str, unknown: &Unknown) -> Diagnostic {
    let message = format!("`{flag}`: the file has no setting `{path}`");
    let finding = Diagnostic::new(Code::UnknownSetting, Span::default(), message, "in this file");
    let finding = match unknown.nearest(path) {
        Some(near) => finding.help(format!("the nearest path is `{near}`")),
        None => finding,
    };
    finding.help(unknown.legal())
}
