//! `data`: the source, what is drawn from it, and whether its files are there.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Augmentation, FRACTION, Form, Parameter, Range, Selection, Source};
use crate::lang::edition;
use crate::lang::program::{Data, Experiment, Select, Validation};
use crate::lang::value::Value;
use crate::lang::value::mistakes::shown;
use crate::lang::words::counted;
use crate::lang::world::{DatasetInfo, SourceInfo, WorldError};
use crate::syntax::ast::{Expr, ExprKind};

/// Data sets that were asked about already.
pub(super) type Datasets = Vec<(Source, Result<SourceInfo, WorldError>)>;

const VALIDATION: Form = Form::of("a percentage or a number of samples");

impl<'a> Checker<'a> {
    pub(super) fn data(&mut self, outline: &Outline<'a>) -> Option<Data> {
        let written = outline.value("data").unwrap_or(self.default(edition::SOURCE));
        let source = Source::read(self, written, &Parameter::new("data", Source::FORM, ""));
        let known = source.as_ref().and_then(|source| self.dataset(source, written));
        (self.data_source, self.source_info) = (source.clone(), known);
        let augment = self.augment(outline);
        let view = self.view(outline, augment.as_deref());
        let info = self.seen(outline, source.as_ref(), augment.as_deref().zip(view.as_deref()));
        self.info = info;
        let batch = self.batch(outline, source.as_ref(), info);
        let micro = self.micro(outline);
        let validation = self.validation(outline, info);
        if let (Some(source), Some(info)) = (&source, known) {
            self.parts(outline, source, written, validation.flatten());
            self.ask_layout(source, &info, written);
        }
        let shuffle = self.shuffle(outline)?;
        let (batch, micro, validation) = (batch?, micro?, validation?);
        let (augment, view) = (augment?, view?);
        Some(Data { source: source?, augment, view, batch, micro, validation, shuffle })
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
        if held == 0 {
            self.takes_nothing(written, info.train);
            return None;
        }
        if held >= info.train {
            self.takes_everything(written, held, info.train);
            return None;
        }
        Some(Some(validation))
    }

    fn takes_nothing(&mut self, written: &'a Expr, train: usize) {
        let span = self.resolve(written).span;
        let message =
            format!("`validation {}` of a training split of {train} is no sample", self.slice(span));
        let finding = Diagnostic::new(Code::EmptyValidation, span, message, "less than half a sample")
            .help("write a larger share, for example `validation 10%`, or a number of samples");
        self.report(finding);
    }

    /// `validation 0.1`: a bare number counts samples.
    fn share_without_unit(&mut self, written: &'a Expr, share: f64) {
        let span = self.resolve(written).span;
        let meant = format!("{}%", shown((share * 1e6).round() / 1e4));
        let message =
            format!("`validation` takes a percentage or a number of samples, found {}", shown(share));
        let finding = Diagnostic::new(Code::MissingUnit, span, message, "less than one sample")
            .help(format!("write `validation {meant}`"))
            .suggest(format!("write `{meant}`"), span, meant);
        self.report(finding);
    }

    fn takes_everything(&mut self, written: &'a Expr, held: usize, train: usize) {
        let span = self.resolve(written).span;
        let finding = Diagnostic::new(
            Code::ValidationTakesAll,
            span,
            format!(
                "`validation` takes {} of a training split of {train}: none is left to train on",
                counted(held, "sample")
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

    /// What a source holds; what is wrong with its files is reported where the source is written.
    pub(super) fn dataset(&mut self, source: &Source, written: &'a Expr) -> Option<SourceInfo> {
        match self.ask(source) {
            Ok(info) => Some(info),
            Err(error) => {
                let finding = self.unusable(source, &error, written);
                self.report(finding);
                None
            }
        }
    }

    fn ask(&mut self, source: &Source) -> Result<SourceInfo, WorldError> {
        if let Some((_, answer)) = self.datasets.iter().find(|(asked, _)| asked == source) {
            return answer.clone();
        }
        let answer = self.world.dataset(source);
        self.datasets.push((source.clone(), answer.clone()));
        answer
    }

    /// The data set as the network sees it.
    fn seen(
        &mut self,
        outline: &Outline<'a>,
        source: Option<&Source>,
        lists: Option<(&[Augmentation], &[Augmentation])>,
    ) -> Option<DatasetInfo> {
        let (source, info, lists) = (source?, self.source_info?, lists?);
        let size = self.image_size(outline, source, &info, lists)?;
        Some(info.seen_at(size))
    }

    pub(super) fn steps_per_epoch(&self, data: &Data) -> Option<u64> {
        let (info, source) = (self.info?, self.source_info?);
        if let Some(seen) = source.per_epoch {
            return Some((seen / data.batch).max(1) as u64);
        }
        let held = data.validation.map_or(0, |validation| held_out(&validation, info.train));
        Some((info.train - held.min(info.train)).div_ceil(data.batch) as u64)
    }

    /// Domains share a batch, and hold out what validates.
    pub(super) fn domains_fit(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let (Some(source), Some(info)) = (experiment.data.source.domains(), self.source_info) else {
            return;
        };
        let data = outline.value("data").map_or(Span::default(), |data| self.resolve(data).span);
        let clause = |name| outline.clause("data", name).map_or(data, |written| self.resolve(written).span);
        let (batch, domains) = (experiment.data.batch, info.domains);
        let mut findings = Vec::new();
        if !batch.is_multiple_of(domains) {
            findings.push(uneven_batch(clause("batch"), batch, domains));
        }
        if experiment.data.validation.is_some() {
            let message = "`domains` holds out a part of each domain itself: `validation` has no place";
            let finding =
                Diagnostic::new(Code::ExclusiveParameters, clause("validation"), message, "a second split");
            findings.push(finding.help("leave it out; `holdout` is the share that is held out"));
        }
        if !experiment.data.shuffle {
            let message = "`domains` draws its batches anew each epoch: `shuffle false` has no place";
            let finding =
                Diagnostic::new(Code::ExclusiveParameters, clause("shuffle"), message, "batches are drawn");
            findings.push(finding.help("leave it out"));
        }
        if let (Selection::Oracle, Select::Best(_)) = (source.selection, &experiment.select) {
            let span = outline.value("select").map_or(data, |written| self.resolve(written).span);
            let message = "`selection = oracle` keeps the last weights: `select best` has no place";
            let finding =
                Diagnostic::new(Code::ExclusiveParameters, span, message, "the oracle chooses among runs");
            findings.push(finding.help("leave out `select`, or write `selection = training_domain`"));
        }
        findings.into_iter().for_each(|finding| self.report(finding));
    }
}

fn uneven_batch(span: Span, batch: usize, domains: usize) -> Diagnostic {
    let nearest = ((batch + domains / 2) / domains).max(1) * domains;
    let message = format!("a batch of {batch} cannot be shared evenly among {domains} training domains");
    Diagnostic::new(Code::UnevenDomains, span, message, format!("not a multiple of {domains}"))
        .help(format!("write `batch {nearest}`: {} of each domain", counted(nearest / domains, "sample")))
}

/// Samples taken from a training split of `train`.
pub(super) fn held_out(validation: &Validation, train: usize) -> usize {
    match *validation {
        Validation::Fraction(share) => (share * train as f64).round() as usize,
        Validation::Count(count) => count,
    }
}
