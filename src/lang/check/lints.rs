//! Findings that do not stop a file: what the papers would call a slip.

use std::collections::HashMap;

use super::choices::{Choices, MOST_VARIANTS};
use super::findings::Findings;
use super::outline::Outline;
use super::scope::Scope;
use super::{Checker, data};
use crate::diagnostic::{Code, Diagnostic, Span, grouped};
use crate::lang::catalog::{Accumulation, Optimizer};
use crate::lang::edition::EDITION;
use crate::lang::program::{Device, Experiment, Phase, Precision, Select, Validation};
use crate::lang::schedule::Schedule;
use crate::lang::value::Arguments;
use crate::lang::value::mistakes::shown;
use crate::lang::words::counted;
use crate::syntax::ast::{Call, Expr, File};

/// Share of the pixel range from which a distance is hardly meant: 64 grey levels of 256.
const LARGE_PIXEL_DISTANCE: f64 = 0.25;

/// What can be said without reading a value.
pub(super) fn of_file(
    source: &str,
    file: &File,
    scope: &Scope<'_>,
    choices: &Choices<'_>,
    findings: &mut Findings,
) {
    for name in scope.unused(file) {
        let message = format!("`{}` is never used", name.text);
        findings.push(
            Diagnostic::new(Code::UnusedLet, name.span, message, "no statement reads it")
                .help(format!("use it, as in `under {}`, or remove the line", name.text)),
        );
    }
    for (span, alternatives) in choices.sites() {
        lint_alternatives(source, span, alternatives, findings);
    }
}

/// One line is a whole file; anything longer is meant to be kept.
pub(super) fn edition_missing(file: &File, findings: &mut Findings) {
    let pinned = file.statements.iter().flat_map(|statement| &statement.clauses);
    let pinned = pinned.into_iter().any(|clause| clause.keyword.text == "edition");
    let [first, _, ..] = file.statements.as_slice() else { return };
    if pinned {
        return;
    }
    let start = Span::new(first.span.start, first.span.start);
    let keyword = first.clauses.first().map_or(start, |clause| clause.keyword.span);
    let message = "no edition is pinned: a newer program may fill in other defaults";
    findings.push(
        Diagnostic::new(Code::EditionMissing, keyword, message, "the file begins here")
            .help(format!("write `edition {EDITION}` as the first line"))
            .fix(format!("pin edition {EDITION}"), start, format!("edition {EDITION}\n")),
    );
}

fn lint_alternatives(source: &str, span: Span, alternatives: &[Expr], findings: &mut Findings) {
    let text = |expr: &Expr| source.get(expr.span.start..expr.span.end).unwrap_or_default();
    if alternatives.is_empty() {
        findings.push(
            Diagnostic::new(
                Code::EmptyEach,
                span,
                "`each` has no alternative, so nothing would run",
                "empty",
            )
            .help("for example `each [none, sam(rho = 0.05)]`"),
        );
    }
    if let ([only], true) = (alternatives, span.end <= source.len()) {
        let value = text(only);
        findings.push(
            Diagnostic::new(Code::SingleChoice, span, "`each` has one alternative", "nothing to choose from")
                .help(format!("write `{value}` alone, or add an alternative"))
                .fix(format!("write `{value}`"), span, value),
        );
    }
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for alternative in alternatives {
        if let Some(first) =
            seen.insert(text(alternative), alternative.span).filter(|_| !text(alternative).is_empty())
        {
            let message = format!("`{}` stands twice among the alternatives", text(alternative));
            findings.push(
                Diagnostic::new(Code::DuplicateChoice, alternative.span, message, "the same run again")
                    .label(first, "first here")
                    .help("for more runs of one setting, write more seeds: `seeds 0..3`"),
            );
        }
    }
}

/// More variants than anybody would run.
pub(super) fn too_many_variants(sites: &[(Span, &[Expr])]) -> Diagnostic {
    let (first, count) =
        sites.first().map_or((Span::default(), 0), |(span, alternatives)| (*span, alternatives.len()));
    let message = format!("the choices make more than {} variants", grouped(MOST_VARIANTS));
    let finding = Diagnostic::new(Code::TooManyVariants, first, message, format!("{count} alternatives"));
    let label = |finding: Diagnostic, (span, alternatives): &(Span, &[Expr])| {
        finding.label(*span, format!("{} alternatives", alternatives.len()))
    };
    let help =
        "every combination runs; values that belong together share one `let`: `let setting = each [a, b]`";
    sites.iter().skip(1).take(5).fold(finding, label).help(help)
}

impl<'a> Checker<'a> {
    pub(super) fn lint_batch(&mut self, written: &'a Expr, batch: usize, train: usize) {
        if batch <= train {
            return;
        }
        let message = format!("a batch of {batch} is larger than the training split of {train}");
        let span = self.resolve(written).span;
        let finding = Diagnostic::new(Code::BatchExceedsData, span, message, "one batch per epoch")
            .help("every epoch is one step on the whole split; for example `batch 64`");
        self.report(finding);
    }

    /// A micro-batch that is the whole batch.
    pub(super) fn lint_micro(&mut self, written: &'a Expr, micro: usize) {
        let Some(batch) = self.batch.filter(|&batch| micro >= batch) else { return };
        let span = self.resolve(written).span;
        let message = format!("micro-batches of {micro} hold the whole batch of {batch}");
        let finding = Diagnostic::new(Code::UnusedValue, span, message, "not smaller than the batch")
            .help("a micro-batch is a part of a batch: `batch 128 micro 32`");
        self.report(finding);
    }

    /// `validation 10` where ten percent was likely meant.
    pub(super) fn lint_validation(&mut self, written: &'a Expr, validation: &Validation, train: usize) {
        let Validation::Count(count) = *validation else { return };
        let tiny = count <= 50 && count * 20 < train;
        if !tiny {
            return;
        }
        let share = data::held_out(&Validation::Fraction(count as f64 / 100.0), train);
        let span = self.resolve(written).span;
        let message = format!("`validation {count}` holds out {} of {train}", counted(count, "sample"));
        let finding = Diagnostic::new(Code::PercentMeant, span, message, "a number of samples")
            .help(format!("`validation {count}%` holds out {share}"));
        self.report(finding);
    }

    pub(crate) fn lint_pixel_distance(&mut self, arguments: &Arguments<'a>, name: &str, value: f64) {
        let Some(written) = arguments.written(name) else { return };
        if value <= LARGE_PIXEL_DISTANCE {
            return;
        }
        let span = self.resolve(written).span;
        let levels = (value * 255.0).round();
        let message = format!("`{name} = {}` moves a pixel by {levels} of 255 grey levels", shown(value));
        let finding = Diagnostic::new(Code::LargePixelDistance, span, message, "pixels lie in [0, 1]")
            .help("the papers use `8/255`");
        self.report(finding);
    }

    /// `follow(lr, ..)` over a rate that stays where it is.
    pub(crate) fn lint_constant_rate(&mut self, call: &Call) {
        let Some(Schedule::Constant(rate)) = self.optimizer.as_ref().map(Optimizer::lr) else { return };
        let message =
            format!("the learning rate stays at {}, so what follows it stays at `high`", shown(*rate));
        let finding = Diagnostic::new(Code::FollowsConstant, call.name.span, message, "follows a constant")
            .help("write the number alone, or let the rate change: `lr = cosine(0.05 -> 0)`");
        self.report(finding);
    }

    pub(super) fn lint_experiment(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        self.lint_select(outline, experiment);
        self.lint_every(outline, experiment);
        self.lint_attacks(outline, experiment);
        self.lint_precision(outline, experiment);
        self.lint_parts(outline, experiment);
    }

    /// Batch normalisation sees a part of the batch, whatever is done with the gradients afterwards.
    fn lint_parts(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let (data, architecture) = (&experiment.data, &experiment.model.architecture);
        let exact = |phase: &Phase| {
            let parts = phase.minimizer.perturbing().map(|perturbing| perturbing.accumulate);
            parts != Some(Accumulation::PerMicroBatch)
        };
        let Some(micro) = data.micro.filter(|micro| *micro < data.batch) else { return };
        if !architecture.trains_batch_norm() || !experiment.phases.iter().any(exact) {
            return;
        }
        let Some(written) = outline.clause("data", "micro") else { return };
        let message = format!(
            "batch normalisation of `{}` takes the mean of {micro} samples where the batch has {}",
            architecture.name(),
            data.batch
        );
        let span = self.resolve(written).span;
        let finding = Diagnostic::new(Code::NormalizedParts, span, message, "each part is normalised by itself")
            .help("a batch in parts is the same batch for networks without batch normalisation, and with `freeze_bn = true`")
            .help("leave out `micro`, or write the largest part that fits into memory");
        self.report(finding);
    }

    /// bf16 is rounded to on a CPU, and computed with nowhere.
    fn lint_precision(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let (Device::Cpu, Precision::Bf16) = (experiment.device, experiment.precision) else { return };
        let Some(written) = outline.value("precision") else { return };
        let span = self.resolve(written).span;
        let message = "on the CPU, `bf16` takes longer than `f32` and gives rounded numbers";
        let finding = Diagnostic::new(Code::SlowPrecision, span, message, "made for `device cuda(0)`")
            .help("write `precision f32`, unless what the rounding does is the question");
        self.report(finding);
    }

    fn lint_select(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let (Select::Best(_), None) = (&experiment.select, &experiment.data.validation) else { return };
        if experiment.data.source.domains().is_some() {
            // Every domain holds a part out.
            return;
        }
        let Some(written) = outline.value("select") else { return };
        let span = self.resolve(written).span;
        let message = "without a validation split, the best weights are chosen on the test data";
        let finding = Diagnostic::new(Code::SelectsOnTest, span, message, "sees the test data")
            .help("hold samples out: `data .. validation 10%`");
        self.report(finding);
    }

    /// A measurement on the way that training never reaches.
    fn lint_every(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let Some(steps_per_epoch) = self.steps_per_epoch(&experiment.data) else { return };
        let total: u64 = experiment.phases.iter().map(|phase| phase.duration.steps(steps_per_epoch)).sum();
        for ((_, written), measurement) in self.measured(outline).into_iter().zip(&experiment.evaluate) {
            let (Some(written), Some(every)) = (written, measurement.every) else { continue };
            if every.steps(steps_per_epoch) <= total {
                continue;
            }
            let resolved = self.resolve(written);
            let every = self.slice(resolved.span);
            let message = format!("`every {every}` never comes: training is over after {total} steps");
            let finding =
                Diagnostic::new(Code::UnusedValue, resolved.span, message, "longer than the training")
                    .help("every measurement is taken at the end anyway; leave out `every`");
            self.report(finding);
        }
    }
}
