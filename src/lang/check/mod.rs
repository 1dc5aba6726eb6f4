//! From a syntax tree to a checked program, with every finding of the file.

pub(crate) mod adversary;
mod attacks;
mod augmented;
mod ball;
mod choices;
pub(crate) mod corruption;
pub(crate) mod curvature;
mod data;
pub(crate) mod defaults;
mod descend;
mod experiment;
mod findings;
mod flags;
pub(crate) mod images;
mod lints;
pub(crate) mod measure;
pub(crate) mod minimizer;
pub(crate) mod model;
mod normalized;
pub(crate) mod optimizer;
mod outline;
mod outputs;
pub(crate) mod pacing;
mod parts;
mod patch;
mod phase;
mod place;
mod print;
mod ramp;
mod recipe;
mod run;
mod scope;
mod sites;
mod slug;
pub(crate) mod sources;

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::catalog::{Optimizer, Source};
use crate::lang::program::{Model, Origin, Program, Setting, Validation, Variant};
use crate::lang::world::{DatasetInfo, Parts, SourceInfo, World, WorldError};
use crate::syntax;
use crate::syntax::ast::{Expr, ExprKind};

use choices::{Choice, Choices};
use findings::Findings;
use flags::Flags;
use outline::Outline;
use phase::PhaseTime;
use scope::{Scope, visit};
use sites::Site;

/// What flags say about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `--set PATH=VALUE`, in order.
    pub set: Vec<(String, String)>,
    /// `--seeds`, as in a file: `0..3`, `[0, 1]`, or `0,1`.
    pub seeds: Option<String>,
    /// `--device`, as in a file.
    pub device: Option<String>,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// There is one exactly when no finding is an error.
    pub program: Option<Program>,
    /// In order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a file under the settings of the command line.
pub fn check(source: &str, settings: &Settings, world: &dyn World) -> Checked {
    let (mut file, syntax_findings) = syntax::parse(source);
    let mut findings = Findings::default();
    syntax_findings.into_iter().for_each(|finding| findings.push(finding));
    lints::edition_missing(&file, &mut findings);
    let flags = Flags::apply(&mut file, settings, &mut findings);
    let scope = Scope::collect(&file, &mut findings);
    let outline = Outline::of(&file, &mut findings);
    let choices = Choices::of(&file, &scope);
    lints::of_file(source, &file, &scope, &choices, &mut findings);
    let combinations = choices.combinations();
    if combinations.is_none() {
        findings.push(lints::too_many_variants(&choices.sites()));
    }
    let mut checker = Checker::new(source, &flags.text, &scope, world, findings);
    let experiments = combinations.unwrap_or_else(|| vec![Choice::new()]);
    let program = checker.program(&outline, experiments);
    let findings = flags.anchor(checker.findings);
    let program = program.filter(|_| !findings.has_errors());
    let mut diagnostics = findings.into_list();
    diagnostics.sort_by_key(|finding| (finding.span(), finding.code));
    Checked { program, diagnostics }
}

/// Reads one variant at a time; findings are kept over all of them.
pub struct Checker<'a> {
    source: &'a str,
    flags: &'a str,
    scope: &'a Scope<'a>,
    world: &'a dyn World,
    datasets: data::Datasets,
    /// What was asked about their parts.
    parts: Vec<(Source, Option<Validation>, Parts)>,
    choice: Choice,
    path: String,
    settings: Vec<Setting>,
    phase: Option<PhaseTime>,
    /// Size and shape of the current variant's data.
    info: Option<DatasetInfo>,
    /// Its source, and what that holds.
    data_source: Option<Source>,
    source_info: Option<SourceInfo>,
    /// Networks that were asked for, and the world's answers.
    networks: Vec<(Model, DatasetInfo, Result<(), WorldError>)>,
    /// Samples per batch of the current variant.
    batch: Option<usize>,
    /// Samples per micro-batch, where the file has them.
    micro: Option<usize>,
    /// Whether the current phase's curriculum sums the losses of a batch.
    sums_losses: bool,
    /// What the curriculum over attacks of the current phase lacks.
    unfinished: Option<Diagnostic>,
    /// Base optimizer of the current phase, for what depends on it.
    optimizer: Option<Optimizer>,
    /// Whether any phase of any variant takes something from `optimize`, or a finding says why not.
    base_used: bool,
    findings: Findings,
}

impl<'a> Checker<'a> {
    fn new(
        source: &'a str,
        flags: &'a str,
        scope: &'a Scope<'a>,
        world: &'a dyn World,
        findings: Findings,
    ) -> Self {
        Self {
            source,
            flags,
            scope,
            world,
            datasets: data::Datasets::default(),
            parts: Vec::new(),
            choice: Choice::new(),
            path: String::new(),
            settings: Vec::new(),
            phase: None,
            info: None,
            data_source: None,
            source_info: None,
            networks: Vec::new(),
            batch: None,
            micro: None,
            sums_losses: false,
            unfinished: None,
            optimizer: None,
            base_used: false,
            findings,
        }
    }

    fn program(&mut self, outline: &Outline<'a>, combinations: Vec<Choice>) -> Option<Program> {
        let edition = self.edition(outline);
        let title = self.title(outline);
        let seeds = self.seeds(outline);
        let program_settings = std::mem::take(&mut self.settings);
        let mut variants: Vec<Option<Variant>> = Vec::with_capacity(combinations.len());
        for choice in &combinations {
            self.choice.clone_from(choice);
            self.settings.clone_from(&program_settings);
            variants.push(self.variant(outline));
        }
        let mut variants: Vec<Variant> = variants.into_iter().collect::<Option<_>>()?;
        slug::make_unique(&mut variants);
        self.lint_unused_base(outline);
        self.lint_equal_variants(outline, &combinations, &variants);
        let program = Program { edition: edition?, title: title?, variants, seeds: seeds? };
        self.outputs_are_free(outline, &program, combinations);
        Some(program)
    }

    fn variant(&mut self, outline: &Outline<'a>) -> Option<Variant> {
        let experiment = self.experiment(outline)?;
        let chosen = self.chosen(outline);
        let choices = chosen.iter().map(|(_, taken)| self.written(taken)).collect();
        let words: Vec<String> = chosen.iter().map(|(site, taken)| self.word(site, taken)).collect();
        let settings = std::mem::take(&mut self.settings);
        Some(Variant { choices, slug: slug::of(&words), experiment, settings })
    }

    /// The alternative taken at each `each`; one inside another is a part of its alternative.
    fn chosen<'o>(&self, outline: &'o Outline<'a>) -> Vec<(&'o Site<'a>, &'a Expr)> {
        let mut chosen = Vec::with_capacity(self.choice.len());
        let mut end = 0;
        for (span, taken) in self.choice.iter() {
            let site = outline.sites.get(span).filter(|_| span.start >= end);
            if let Some((site, alternative)) =
                site.and_then(|site| Some((site, site.alternatives.get(*taken)?)))
            {
                chosen.push((site, alternative));
                end = span.end;
            }
        }
        chosen
    }

    /// The source text of an alternative.
    fn written(&self, expr: &'a Expr) -> String {
        let mut plain = true;
        visit(expr, &mut |inner| plain &= !matches!(inner.kind, ExprKind::Each(_)));
        let text = self.slice(expr.span);
        if plain && !text.contains('\n') { text.to_string() } else { self.print(expr) }
    }

    pub(crate) fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// The expression that an expression stands for: `let` followed, the alternative of `each` taken.
    pub(crate) fn resolve(&self, expr: &'a Expr) -> &'a Expr {
        static MISSING: Expr = Expr { kind: ExprKind::Missing, span: Span { start: 0, end: 0 } };
        let mut expr = expr;
        loop {
            expr = match &expr.kind {
                ExprKind::Each(alternatives) => {
                    let taken = self.choice.get(&expr.span).copied().unwrap_or(0);
                    match alternatives.get(taken) {
                        Some(alternative) => alternative,
                        None => return &MISSING,
                    }
                }
                ExprKind::Call(call) if call.arguments.is_none() && self.scope.holds(&call.name.text) => {
                    match self.scope.value(&call.name.text) {
                        Some(value) => value,
                        None => return &MISSING,
                    }
                }
                _ => return expr,
            }
        }
    }

    /// The text of a span, wherever it was written.
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        let (text, base) = match place::origin(span) {
            Origin::File => (self.source, 0),
            Origin::Flag => (self.flags, place::FLAGS),
            Origin::Default => (defaults::text(), place::DEFAULTS),
        };
        text.get(span.start - base..span.end - base).unwrap_or_default()
    }

    /// The names of all `let`s.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.scope.names()
    }

    /// Where the value of an expression was decided.
    pub(crate) fn origin(&self, expr: &'a Expr) -> Origin {
        place::origin(expr.span)
    }

    /// Runs `read` one step deeper in the paths of settings.
    pub(crate) fn at<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// Records the value of the current path.
    pub(crate) fn record(&mut self, value: String, origin: Origin) {
        self.settings.push(Setting { path: self.path.clone(), value, origin });
    }

    /// Records an expression as the value of the current path.
    pub(crate) fn record_written(&mut self, expr: &'a Expr) {
        self.record(self.print(expr), self.origin(expr));
    }

    /// Replaces the recorded value of a parameter of the current component.
    pub(crate) fn amend(&mut self, name: &str, value: &str, origin: Origin) {
        let path = format!("{}.{name}", self.path);
        if let Some(setting) = self.settings.iter_mut().rev().find(|setting| setting.path == path) {
            setting.value = value.to_string();
            setting.origin = origin;
        }
    }

    fn default(&self, text: &'static str) -> &'static Expr {
        defaults::expression(text)
    }
}
