//! Sources made of others or of parts, and what is wrong with their files.

use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization;

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, Span, is_slip};
use crate::lang::catalog::{Domains, Folder, Longtail, Selection, Source};
use crate::lang::value::Arguments;
use crate::lang::world::WorldError;
use crate::syntax::ast::{Argument, Expr, ExprKind};

impl<'a> Checker<'a> {
    /// The finding of a data set that cannot be used.
    pub(super) fn unusable(&mut self, source: &Source, error: &WorldError, written: &'a Expr) -> Diagnostic {
        let resolved = self.resolve(written);
        let span = self.path_span(resolved);
        let plain = error.code == Code::UnusableData;
        let absent = error.path.as_deref().filter(|path| plain && !self.world.exists(path));
        match absent {
            Some(path) => self.missing_data(source, path, span),
            None => {
                let culprit = self.culprit(resolved, error);
                let (span, label) = culprit.as_ref().map_or((span, "this data set"), Culprit::place);
                let finding = unusable_data(source, error, span, label);
                match culprit {
                    Some(Culprit::Name { span, text }) => self.suggest_name(finding, error, span, text),
                    _ => finding,
                }
            }
        }
    }

    /// The part of a source's arguments that an error is about.
    fn culprit(&self, source: &'a Expr, error: &WorldError) -> Option<Culprit<'a>> {
        let ExprKind::Call(call) = &source.kind else { return None };
        let arguments = call.arguments.as_deref().unwrap_or_default();
        if call.name.text == "longtail" && error.code == Code::EmptyClass {
            let factor =
                |argument: &&Argument| argument.name.as_ref().is_some_and(|name| name.text == "factor");
            let factor = arguments.iter().find(factor)?;
            return Some(Culprit::Factor(self.resolve(&factor.value).span));
        }
        let mut named: Vec<(Span, &'a str, Span)> = Vec::new();
        for argument in arguments {
            let value = self.resolve(&argument.value);
            super::scope::visit(value, &mut |expr| {
                if let ExprKind::Text(text) = &expr.kind
                    && error.message.contains(&format!("`{text}`"))
                {
                    named.push((expr.span, text, value.span));
                }
            });
        }
        let (span, text, _) = *named.last()?;
        match named.iter().find(|(_, other, _)| *other != text) {
            // An error about several names is about the list that they stand in.
            Some((.., list)) => Some(Culprit::List(*list)),
            None => Some(Culprit::Name { span, text }),
        }
    }

    /// The name beside a part or a domain that is not there which was most likely meant.
    fn suggest_name(&self, finding: Diagnostic, error: &WorldError, span: Span, text: &str) -> Diagnostic {
        let Some(root) = &error.path else { return finding };
        let wanted = root.join(text);
        if self.world.exists(&wanted) {
            return finding;
        }
        let near = self.world.nearest_sibling(&wanted);
        let Some(near) = near.as_deref().and_then(|near| near.file_name()?.to_str()) else { return finding };
        let finding = match error.help.is_empty() {
            true => finding.help(format!("the nearest name there is `{near}`")),
            false => finding,
        };
        match is_slip(text, near) {
            true => finding.fix(format!("replace by `\"{near}\"`"), span, format!("\"{near}\"")),
            false => finding,
        }
    }

    /// The path among a source's arguments, or its name.
    pub(super) fn path_span(&self, source: &'a Expr) -> Span {
        let ExprKind::Call(call) = &source.kind else { return source.span };
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let value = |index: usize| self.resolve(&arguments[index].value);
        let root = |index: &usize| arguments[*index].name.as_ref().is_some_and(|name| name.text == "root");
        match (0..arguments.len()).find(root) {
            Some(index) => value(index).span,
            None => match arguments {
                [first, ..] if first.name.is_none() => match &value(0).kind {
                    ExprKind::Text(_) => value(0).span,
                    _ => self.path_span(value(0)),
                },
                [_] => value(0).span,
                _ => call.name.span,
            },
        }
    }

    fn missing_data(&self, source: &Source, path: &Path, span: Span) -> Diagnostic {
        let (name, shown) = (source.name(), path.display());
        let message = format!("`{name}` needs `{shown}`, which is not there");
        let mut finding =
            Diagnostic::new(Code::MissingFile, span, message, format!("`{shown}` is not there"));
        if let Some(target) = self.world.link(path) {
            let target = target.display();
            finding = finding.help(format!("`{shown}` is a symbolic link to `{target}`, which is not there"));
        }
        if let Some(near) = self.world.nearest_sibling(path) {
            let form = if reads_as(&near, path) { ", written with other code points" } else { "" };
            finding = finding.help(format!("the nearest name there is `{}`{form}", near.display()));
        }
        let finding = match source {
            Source::Idx(_) | Source::Longtail(_) => finding,
            _ => finding.help(format!("`data {name}(root = \"..\")` names another folder")),
        };
        finding
            .help("paths start at the working directory")
            .help("`data digits` is part of the program and needs no file")
    }
}

/// Whether two paths read the same.
fn reads_as(one: &Path, other: &Path) -> bool {
    let letters = |path: &Path| path.to_string_lossy().nfc().collect::<String>();
    letters(one) == letters(other)
}

/// What of a source an error is about.
enum Culprit<'a> {
    /// A part or a domain.
    Name { span: Span, text: &'a str },
    /// Several of them.
    List(Span),
    /// How much `longtail` takes away.
    Factor(Span),
}

impl Culprit<'_> {
    fn place(&self) -> (Span, &'static str) {
        match self {
            Culprit::Name { span, .. } => (*span, "this part of the data set"),
            Culprit::List(span) => (*span, "these parts of the data set"),
            Culprit::Factor(span) => (*span, "too much is taken away"),
        }
    }
}

fn unusable_data(source: &Source, error: &WorldError, span: Span, label: &str) -> Diagnostic {
    let message = format!("`{}` cannot be used: {error}", source.name());
    let finding = Diagnostic::new(error.code, span, message, label);
    error.help.iter().fold(finding, |finding, help| finding.help(help.as_str()))
}

/// Parts that lie below the root.
pub(crate) fn check_folder<'a>(
    folder: Folder,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Folder> {
    let parts = [("train", Some(&folder.train)), ("test", folder.test.as_ref())];
    let leaves = |part: &str| {
        !Path::new(part).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    for (name, part) in parts {
        let Some(part) = part.filter(|part| leaves(part)) else { continue };
        let span = arguments.written(name).map_or(arguments.span, |expr| checker.resolve(expr).span);
        let message = format!("`{name} = \"{part}\"` is not below `root`");
        let finding = Diagnostic::new(Code::LinkLeavesRoot, span, message, "leaves the data set");
        checker.report(finding.help("let `root` be a folder that both parts lie in, and name them below it"));
        return None;
    }
    Some(folder)
}

/// Domains that are told apart, and a selection rule that has what it needs.
pub(crate) fn check_domains<'a>(
    domains: Domains,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Domains> {
    let place =
        |name: &str| arguments.written(name).map_or(arguments.span, |expr| checker.resolve(expr).span);
    let finding = match (&domains.test, &domains.train) {
        (None, None) => Some(
            Diagnostic::new(
                Code::MissingParameter,
                arguments.span,
                "`domains` needs the domain to test on, or the one to train on",
                "which domain is unseen in training?",
            )
            .help("write `test = \"NAME\"` to leave one out, or `train = \"NAME\"` to train on one alone"),
        ),
        (Some(test), Some(train)) => test.0.iter().find(|name| train.0.contains(name)).map(|both| {
            let message = format!("`{both}` is both trained and tested on");
            Diagnostic::new(Code::ExclusiveParameters, place("test"), message, "tested on")
                .label(place("train"), "trained on")
                .help("a domain to test on is unseen in training: name it in one of them")
        }),
        _ => None,
    };
    let finding = finding.or_else(|| selection_mismatch(&domains, place("selection"), place("validate")));
    match finding {
        None => Some(domains),
        Some(finding) => {
            checker.report(finding);
            None
        }
    }
}

fn selection_mismatch(domains: &Domains, selection: Span, validate: Span) -> Option<Diagnostic> {
    match (domains.selection, &domains.validate) {
        (Selection::LeaveOneOut, None) => Some(
            Diagnostic::new(
                Code::MissingParameter,
                selection,
                "`selection = leave_one_out` needs `validate`, the training domain that is kept for validation",
                "which domain validates?",
            )
            .help("write `validate = \"NAME\"`, or `validate = each [..]` for a run per training domain"),
        ),
        (Selection::TrainingDomain | Selection::Oracle, Some(name)) => Some(
            Diagnostic::new(
                Code::ExclusiveParameters,
                validate,
                format!("`validate = \"{name}\"` belongs to `selection = leave_one_out`"),
                "another selection rule is written",
            )
            .help("write `selection = leave_one_out`, or leave out `validate`"),
        ),
        _ => None,
    }
}

/// A source whose classes can be thinned out.
pub(crate) fn check_longtail<'a>(
    tail: Longtail,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Longtail> {
    let name = match *tail.source {
        Source::Longtail(_) | Source::Domains(_) => tail.source.name(),
        _ => return Some(tail),
    };
    let span = arguments.written("source").map_or(arguments.span, |expr| checker.resolve(expr).span);
    let message = format!("`longtail` takes a balanced data set, found `{name}`");
    let finding = Diagnostic::new(Code::WrongKind, span, message, "its classes are not thinned out");
    checker.report(finding.help("for example `longtail(cifar100, factor = 100)`"));
    None
}
