//! Statements about the run: edition, title, seeds, device, precision, export.

use std::path::PathBuf;

use super::Checker;
use super::model::path_place;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span, grouped};
use crate::lang::catalog::{Form, Parameter, Range};
use crate::lang::edition;
use crate::lang::program::{Device, Precision};
use crate::lang::value::{Value, mistakes};
use crate::syntax::ast::{Call, Expr, ExprKind};

const SEEDS: Form = Form::of("a range, `0..3`, or a list, `[0, 1, 2]`");
const DEVICE: Form = Form { choices: &["cpu", "cuda"], ..Form::of("`cpu` or `cuda(0)`") };
const PRECISION: Form = Form { choices: &["f32", "bf16"], ..Form::of("`f32` or `bf16`") };

/// The most seeds a file may have.
const MOST_SEEDS: usize = 10_000;

impl<'a> Checker<'a> {
    pub(super) fn edition(&mut self, outline: &Outline<'a>) -> Option<u32> {
        let Some(written) = outline.value("edition") else { return Some(edition::EDITION) };
        self.one_for_all(written, "edition")?;
        let place = Parameter::new("edition", usize::FORM, "");
        let year = usize::read(self, written, &place)?;
        if year == edition::EDITION as usize {
            return Some(edition::EDITION);
        }
        let span = self.resolve(written).span;
        let newest = edition::EDITION;
        let message = format!("there is no edition {year}");
        let finding =
            Diagnostic::new(Code::UnknownEdition, span, message, format!("the only edition is {newest}"))
                .help(format!("write `edition {newest}`"))
                .suggest(format!("write `{newest}`"), span, newest.to_string());
        self.report(finding);
        None
    }

    pub(super) fn title(&mut self, outline: &Outline<'a>) -> Option<Option<String>> {
        let Some(written) = outline.value("title") else { return Some(None) };
        self.one_for_all(written, "title")?;
        String::read(self, written, &Parameter::new("title", String::FORM, "")).map(Some)
    }

    /// Seeds, title and edition hold for every variant.
    fn one_for_all(&mut self, written: &'a Expr, keyword: &str) -> Option<()> {
        let mut found = None;
        super::scope::visit(written, &mut |expr| {
            if let ExprKind::Each(_) = expr.kind {
                found = Some(expr.span);
            }
        });
        let Some(span) = found else { return Some(()) };
        let finding = Diagnostic::new(
            Code::MisplacedEach,
            span,
            format!("`{keyword}` holds for every variant; `each` cannot stand there"),
            "one value for all",
        );
        self.report(match keyword {
            "seeds" => finding.help("a list runs every variant under each seed: `seeds [0, 1, 2]`"),
            _ => finding.help(format!("keep one value of `{keyword}`")),
        });
        None
    }

    pub(super) fn seeds(&mut self, outline: &Outline<'a>) -> Option<Vec<u64>> {
        let written = outline.value("seeds").unwrap_or(self.default(edition::SEEDS));
        self.one_for_all(written, "seeds")?;
        self.at("seeds", |checker| checker.record_written(written));
        let resolved = self.resolve(written);
        let seeds = match &resolved.kind {
            ExprKind::Range(start, end, None) => {
                let start = self.seed(start);
                let end = self.seed(end)?;
                self.bounded(resolved, start?, end)?
            }
            ExprKind::List(items, None) => self.seed_list(items)?,
            ExprKind::Range(_, _, Some(unit)) | ExprKind::List(_, Some(unit)) => {
                return mistakes::unfitting_list_unit(self, &Parameter::new("seeds", SEEDS, ""), unit);
            }
            ExprKind::Number(count) => return self.bare_seed(resolved, *count),
            _ => return mistakes::wrong_type(self, written, &Parameter::new("seeds", SEEDS, "")),
        };
        if seeds.is_empty() { self.no_seeds(resolved.span) } else { Some(seeds) }
    }

    fn bare_seed<T>(&mut self, seed: &Expr, count: f64) -> Option<T> {
        let count = mistakes::shown(count);
        let message = format!("`seeds {count}` could be one seed or {count} of them");
        let finding = Diagnostic::new(Code::WrongType, seed.span, message, "neither a range nor a list")
            .help(format!("write `seeds 0..{count}` for that many seeds, or `seeds [{count}]` for this one"));
        self.report(finding);
        None
    }

    fn seed(&mut self, expr: &'a Expr) -> Option<u64> {
        let place = Parameter::new("seeds", usize::FORM, "").range(Range::NOT_NEGATIVE);
        usize::read(self, expr, &place).map(|seed| seed as u64)
    }

    fn bounded(&mut self, range: &Expr, start: u64, end: u64) -> Option<Vec<u64>> {
        if end.saturating_sub(start) <= MOST_SEEDS as u64 {
            return Some((start..end).collect());
        }
        let message = format!(
            "`seeds` names {} runs per variant; at most {} are allowed",
            end - start,
            grouped(MOST_SEEDS)
        );
        self.report(
            Diagnostic::new(Code::TooManyVariants, range.span, message, "too many seeds")
                .help("for example `seeds 0..3`"),
        );
        None
    }

    fn seed_list(&mut self, items: &'a [Expr]) -> Option<Vec<u64>> {
        let mut first: std::collections::HashMap<u64, Span> = std::collections::HashMap::new();
        let mut seeds = Some(Vec::new());
        for item in items {
            let Some(seed) = self.seed(item) else {
                seeds = None;
                continue;
            };
            match first.insert(seed, item.span) {
                Some(earlier) => {
                    self.report(duplicate_seed(seed, earlier, item.span));
                    seeds = None;
                }
                None => seeds.iter_mut().for_each(|seeds| seeds.push(seed)),
            }
        }
        seeds
    }

    fn no_seeds(&mut self, span: Span) -> Option<Vec<u64>> {
        let finding =
            Diagnostic::new(Code::NoSeeds, span, "`seeds` names no seed, so nothing would run", "empty")
                .help("in a range the last number is left out: `seeds 0..3` is 0, 1 and 2");
        self.report(finding);
        None
    }

    pub(super) fn device(&mut self, outline: &Outline<'a>) -> Option<Device> {
        let expr = outline.value("device").unwrap_or(self.default(edition::DEVICE));
        self.at("device", |checker| checker.record_written(expr));
        let place = Parameter::new("device", DEVICE, "");
        let ExprKind::Call(call) = &self.resolve(expr).kind else {
            return mistakes::wrong_type(self, expr, &place);
        };
        match call.name.text.as_str() {
            "cpu" if call.arguments.is_some() => mistakes::word_with_arguments(self, call),
            "cpu" => Some(Device::Cpu),
            "cuda" => {
                let device = self.cuda(call);
                self.card_is_there(device, call);
                device
            }
            "gpu" | "GPU" => self.gpu(call),
            _ => mistakes::unknown_value(self, call, &place),
        }
    }

    fn gpu<T>(&mut self, call: &Call) -> Option<T> {
        let span = call.name.span;
        let finding = Diagnostic::new(
            Code::UnknownValue,
            span,
            "`device` has no value `gpu`",
            "cards are called `cuda`",
        )
        .help("the first card is `cuda(0)`")
        .fix("write `cuda(0)`", span, "cuda(0)");
        self.report(finding);
        None
    }

    /// `cuda` alone is the first card.
    fn cuda(&mut self, call: &'a Call) -> Option<Device> {
        match call.arguments.as_deref() {
            None => Some(Device::Cuda(0)),
            Some([argument]) if argument.name.is_none() => {
                let place = Parameter::new("cuda", usize::FORM, "").range(Range::NOT_NEGATIVE);
                usize::read(self, &argument.value, &place).map(Device::Cuda)
            }
            Some(_) => {
                let message = "`cuda` takes the number of one card";
                let finding = Diagnostic::new(Code::ExtraArgument, call.name.span, message, "one number")
                    .help("write `device cuda(0)`");
                self.report(finding);
                None
            }
        }
    }

    /// Whether the program can open the card.
    fn card_is_there(&mut self, device: Option<Device>, call: &Call) {
        let Some(Device::Cuda(index)) = device else { return };
        let Err(error) = self.world.card(index) else { return };
        let finding = Diagnostic::new(error.code, call.name.span, error.message, "cannot be opened");
        let finding = error.help.into_iter().fold(finding, Diagnostic::help);
        self.report(finding.help("write `device cpu`, or run the file with `--device cpu`"));
    }

    pub(super) fn precision(&mut self, outline: &Outline<'a>) -> Option<Precision> {
        let expr = outline.value("precision").unwrap_or(self.default(edition::PRECISION));
        self.at("precision", |checker| checker.record_written(expr));
        match crate::lang::value::read_choice(self, expr, &Parameter::new("precision", PRECISION, ""))? {
            "f32" => Some(Precision::F32),
            _ => Some(Precision::Bf16),
        }
    }

    pub(super) fn export(&mut self, outline: &Outline<'a>) -> Option<Option<PathBuf>> {
        let Some(written) = outline.value("export") else { return Some(None) };
        self.at("export", |checker| checker.record_written(written));
        PathBuf::read(self, written, &path_place("export")).map(Some)
    }
}

fn duplicate_seed(seed: u64, first: Span, again: Span) -> Diagnostic {
    Diagnostic::new(
        Code::DuplicateSeed,
        again,
        format!("seed {seed} is given twice; both runs would be the same"),
        "given again here",
    )
    .label(first, "first given here")
    .help("give every seed once")
}
