//! `data`: the source, what is drawn from it, and whether its files are there.

use std::path::Path;

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Augmentation, FRACTION, Form, Parameter, Range, Source};
use crate::lang::edition;
use crate::lang::program::{Data, Validation};
use crate::lang::value::mistakes::shown;
use crate::lang::value::{Value, mistakes};
use crate::lang::world::{DatasetInfo, WorldError};
use crate::syntax::ast::{Expr, ExprKind};

/// Data sets that were asked about already.
pub(super) type Datasets = Vec<(Source, Result<DatasetInfo, WorldError>)>;

const VALIDATION: Form = Form::of("a percentage or a number of samples");

impl<'a> Checker<'a> {
    pub(super) fn data(&mut self, outline: &Outline<'a>) -> Option<Data> {
        let written = outline.value("data").unwrap_or(self.default(edition::SOURCE));
        let source = Source::read(self, written, &Parameter::new("data", Source::FORM, ""));
        let info = source.as_ref().and_then(|source| self.dataset(source, written));
        self.info = info;
        let augment = self.augment(outline);
        let batch = self.batch(outline, source.as_ref(), info);
        let micro = self.micro(outline);
        let validation = self.validation(outline, info);
        let shuffle = self.shuffle(outline)?;
        let (batch, micro, validation) = (batch?, micro?, validation?);
        Some(Data { source: source?, augment: augment?, batch, micro, validation, shuffle })
    }

    fn augment(&mut self, outline: &Outline<'a>) -> Option<Vec<Augmentation>> {
        let Some(written) = outline.clause("data", "augment") else { return Some(Vec::new()) };
        let resolved = self.resolve(written);
        let items = match &resolved.kind {
            ExprKind::List(items, None) => items.as_slice(),
            ExprKind::Call(_) => std::slice::from_ref(resolved),
            _ => {
                let place = Parameter::new(
                    "augment",
                    Form::of("a list of augmentations, `[crop(pad = 4), flip]`"),
                    "",
                );
                return mistakes::wrong_type(self, written, &place);
            }
        };
        let place = Parameter::new("augment", Augmentation::FORM, "");
        let read: Vec<Option<Augmentation>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.at(&format!("augment.{index}"), |checker| Augmentation::read(checker, item, &place))
            })
            .collect();
        read.into_iter().collect()
    }

    fn batch(
        &mut self,
        outline: &Outline<'a>,
        source: Option<&Source>,
        info: Option<DatasetInfo>,
    ) -> Option<usize> {
        let place = Parameter::new("batch", usize::FORM, "").range(Range::AT_LEAST_ONE);
        self.batch = None;
        let written = outline.clause("data", "batch");
        let expr = match (written, source) {
            (Some(written), _) => written,
            (None, source) => self.default(edition::batch(source?)),
        };
        self.at("batch", |checker| checker.record_written(expr));
        let batch = usize::read(self, expr, &place)?;
        self.batch = Some(batch);
        if let (Some(info), Some(written)) = (info, written) {
            self.lint_batch(written, batch, info.train);
        }
        Some(batch)
    }

    fn micro(&mut self, outline: &Outline<'a>) -> Option<Option<usize>> {
        self.micro = None;
        let Some(written) = outline.clause("data", "micro") else { return Some(None) };
        self.at("micro", |checker| checker.record_written(written));
        let place = Parameter::new("micro", usize::FORM, "").range(Range::AT_LEAST_ONE);
        let micro = usize::read(self, written, &place)?;
        self.micro = Some(micro);
        self.lint_micro(written, micro);
        Some(Some(micro))
    }

    fn validation(&mut self, outline: &Outline<'a>, info: Option<DatasetInfo>) -> Option<Option<Validation>> {
        let Some(written) = outline.clause("data", "validation") else { return Some(None) };
        self.at("validation", |checker| checker.record_written(written));
        let place = Parameter::new("validation", VALIDATION, "").unit(FRACTION);
        let validation = match self.resolve(written).kind {
            ExprKind::Percent(_) | ExprKind::Ratio(..) => {
                Validation::Fraction(f64::read(self, written, &place.clone().range(Range::INSIDE_UNIT))?)
            }
            ExprKind::Number(share) if share > 0.0 && share < 1.0 => {
                self.share_without_unit(written, share);
                return None;
            }
            _ => Validation::Count(usize::read(self, written, &place.range(Range::AT_LEAST_ONE))?),
        };
        let Some(info) = info else { return Some(Some(validation)) };
        self.lint_validation(written, &validation, info.train);
        let held = held_out(&validation, info.train);
        if held >= info.train {
            self.takes_everything(written, held, info.train);
            return None;
        }
        Some(Some(validation))
    }

    /// `validation 0.1`: a bare number counts samples.
    fn share_without_unit(&mut self, written: &'a Expr, share: f64) {
        let span = self.resolve(written).span;
        let meant = format!("{}%", shown((share * 1e6).round() / 1e4));
        let message =
            format!("`validation` takes a percentage or a number of samples, found {}", shown(share));
        let finding = Diagnostic::new(Code::MissingUnit, span, message, "less than one sample")
            .help(format!("write `validation {meant}`"))
            .fix(format!("write `{meant}`"), span, meant);
        self.report(finding);
    }

    fn takes_everything(&mut self, written: &'a Expr, held: usize, train: usize) {
        let span = self.resolve(written).span;
        let finding = Diagnostic::new(
            Code::ValidationTakesAll,
            span,
            format!(
                "`validation` takes {held} samples of a training split of {train}: none is left to train on"
            ),
            format!("{held} of {train}"),
        )
        .help("write a share, for example `validation 10%`");
        self.report(finding);
    }

    fn shuffle(&mut self, outline: &Outline<'a>) -> Option<bool> {
        let expr = outline.clause("data", "shuffle").unwrap_or(self.default(edition::SHUFFLE));
        self.at("shuffle", |checker| checker.record_written(expr));
        bool::read(self, expr, &Parameter::new("shuffle", bool::FORM, ""))
    }

    /// Size and shape of a source; what is wrong with its files is reported where the source is written.
    pub(super) fn dataset(&mut self, source: &Source, written: &'a Expr) -> Option<DatasetInfo> {
        let answer = self.ask(source);
        match answer {
            Ok(info) => Some(info),
            Err(error) => {
                let resolved = self.resolve(written);
                let span = self.path_span(resolved);
                let absent = error.path.as_deref().filter(|path| !self.world.exists(path));
                let finding = match absent {
                    Some(path) => missing_data(source, path, span),
                    None => unusable_data(source, &error, span),
                };
                self.report(finding);
                None
            }
        }
    }

    fn ask(&mut self, source: &Source) -> Result<DatasetInfo, WorldError> {
        if let Some((_, answer)) = self.datasets.iter().find(|(asked, _)| asked == source) {
            return answer.clone();
        }
        let answer = self.world.dataset(source);
        self.datasets.push((source.clone(), answer.clone()));
        answer
    }

    /// The only written argument of a source, or its name.
    fn path_span(&self, source: &'a Expr) -> Span {
        match &source.kind {
            ExprKind::Call(call) => match call.arguments.as_deref() {
                Some([argument]) => self.resolve(&argument.value).span,
                _ => call.name.span,
            },
            _ => source.span,
        }
    }

    pub(super) fn steps_per_epoch(&self, data: &Data) -> Option<u64> {
        let info = self.info?;
        let held = data.validation.map_or(0, |validation| held_out(&validation, info.train));
        Some((info.train - held.min(info.train)).div_ceil(data.batch) as u64)
    }
}

/// Samples taken from a training split of `train`.
pub(super) fn held_out(validation: &Validation, train: usize) -> usize {
    match *validation {
        Validation::Fraction(share) => (share * train as f64).round() as usize,
        Validation::Count(count) => count,
    }
}

fn missing_data(source: &Source, path: &Path, span: Span) -> Diagnostic {
    let (name, path) = (source.name(), path.display());
    let message = format!("`{name}` needs `{path}`, which is not there");
    let finding = Diagnostic::new(Code::MissingFile, span, message, format!("`{path}` is not there"));
    let finding = match source {
        Source::Idx(_) => finding,
        _ => finding.help(format!("`data {name}(root = \"..\")` names another folder")),
    };
    finding
        .help("paths start at the working directory")
        .help("`data digits` is part of the program and needs no file")
}

fn unusable_data(source: &Source, error: &WorldError, span: Span) -> Diagnostic {
    let message = format!("`{}` cannot be used: {error}", source.name());
    Diagnostic::new(Code::UnusableData, span, message, "this data set")
}
