//! Curricula over attacks: the papers' schedules where a file has none, and whether the full attack is ever met.

use super::Checker;
use super::phase::PhaseTime;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::program::Origin;
use crate::lang::schedule::{Change, Schedule, Window};
use crate::lang::value::{Arguments, mistakes::shown};

/// A curriculum over attacks must be over by this share of its phase.
const FINISHED_BY: f64 = 0.9;

/// A line over a part of a phase, in shares of it.
pub(super) struct Ramp {
    pub name: &'static str,
    pub from: f64,
    pub to: f64,
    pub over: (f64, f64),
    /// What its last value means, and how the paper gets there.
    pub meaning: &'static str,
}

/// Lambda of P-SAT and of H-SAT (SAT paper, Figure 5), and DAT's threshold.
pub(super) const PSAT: Ramp = Ramp {
    name: "lambda",
    from: 0.0,
    to: 1.0,
    over: (0.3, 0.7),
    meaning: "at 1 this is `at`; the paper's lambda rises to 1 between 30 % and 70 % of the phase",
};
pub(super) const PSAT_SINGLE: Ramp = Ramp {
    meaning: "at 1 the step is as long as it may be; the paper's lambda rises to 1 between 30 % and 70 % of the phase",
    ..PSAT
};
pub(super) const HSAT: Ramp = Ramp {
    name: "lambda",
    from: 0.8,
    to: 1.0,
    over: (0.0, 0.3),
    meaning: "at 1 this is `at`; the paper's lambda rises from 0.8 to 1 over the first 30 % of the phase",
};
pub(super) const DAT: Ramp = Ramp {
    name: "threshold",
    from: 0.5,
    to: 0.0,
    over: (0.0, 0.8),
    meaning: "at 0 this is `at`; the SAT paper's threshold falls to 0 over the first 80 % of the phase",
};

impl Ramp {
    /// The schedule of the file, or this line scaled to the phase.
    pub fn or_own<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &Arguments<'a>,
        schedule: Option<Schedule>,
    ) -> Option<Schedule> {
        match schedule {
            Some(schedule) => {
                self.note_rising(checker, arguments, &schedule);
                self.note_unfinished(checker, arguments, &schedule);
                Some(schedule)
            }
            None => Some(self.fill(checker)),
        }
    }

    /// The paper's schedule in a phase of 100 epochs.
    fn example(&self) -> String {
        let [start, end] = [self.over.0, self.over.1].map(|share| shown(rounded(100.0 * share)));
        format!("{} = linear({} -> {}, {start}..{end} epochs)", self.name, shown(self.from), shown(self.to))
    }

    fn fill(&self, checker: &mut Checker<'_>) -> Schedule {
        let window = checker.phase.map(|PhaseTime { duration, .. }| {
            let at = |share: f64| rounded(share * duration.count);
            Window::Span { start: at(self.over.0), end: at(self.over.1), unit: duration.unit }
        });
        let ends = format!("{} -> {}", shown(self.from), shown(self.to));
        let text = match window {
            Some(Window::Span { start, end, unit }) => {
                format!("linear({ends}, {}..{} {})", shown(start), shown(end), unit.word())
            }
            _ => format!("linear({ends})"),
        };
        checker.amend(self.name, &text, Origin::Default);
        Schedule::Linear { from: self.from, to: self.to, window }
    }

    /// A threshold that rises: the attack would grow weaker.
    fn note_rising<'a>(&self, checker: &mut Checker<'a>, arguments: &Arguments<'a>, schedule: &Schedule) {
        let Some(expr) = arguments.written(self.name).filter(|_| self.to < self.from) else { return };
        let knots = schedule.knots(&checker.clock());
        let Some(rise) = knots.windows(2).find(|pair| pair[1].value > pair[0].value) else { return };
        let (name, from, to) = (self.name, shown(rise[0].value), shown(rise[1].value));
        let message =
            format!("`{name}` rises from {from} to {to}: the attack grows weaker while training goes on");
        let span = checker.resolve(expr).span;
        let finding = Diagnostic::new(Code::UnfinishedCurriculum, span, message, "rises").help(self.meaning);
        checker.report(finding);
    }

    /// A schedule towards 1 that never gets there, or only at the very end. What other phases train against decides
    /// whether that is a finding.
    fn note_unfinished<'a>(&self, checker: &mut Checker<'a>, arguments: &Arguments<'a>, schedule: &Schedule) {
        let Some(expr) = arguments.written(self.name).filter(|_| self.to == 1.0) else { return };
        let clock = checker.clock();
        let knots = schedule.knots(&clock);
        let Some(last) = knots.last() else { return };
        let (span, name) = (checker.resolve(expr).span, self.name);
        if last.value < 1.0 {
            let message =
                format!("`{name}` ends at {}: the full attack is never trained against", shown(last.value));
            let finding = Diagnostic::new(Code::UnfinishedCurriculum, span, message, "never reaches 1")
                .help(self.meaning);
            checker.unfinished = Some(finding);
        } else if knots.len() > 1 && last.step > FINISHED_BY * clock.steps as f64 {
            let message = format!("`{name}` reaches 1 only at the end of the phase");
            let label = "no time is left at the full attack";
            let finding = Diagnostic::new(Code::UnfinishedCurriculum, span, message, label)
                .help(format!("let it rise earlier, such as `{}` of 100 epochs", self.example()));
            checker.unfinished = Some(finding);
        }
    }
}

/// FAT's tau: 0, 1 and 2 from 0, 5/12 and 3/4 of the phase on.
pub(super) fn ladder(checker: &mut Checker<'_>) -> Schedule {
    let Some(PhaseTime { duration, .. }) = checker.phase else { return Schedule::Constant(0.0) };
    let at = [5.0 / 12.0, 0.75].map(|share| rounded(share * duration.count));
    let unit = duration.unit;
    let text = format!("steps(0 -> 2, at = [{}, {}] {})", shown(at[0]), shown(at[1]), unit.word());
    checker.amend("tau", &text, Origin::Default);
    Schedule::Steps { from: 0.0, change: Change::To(2.0), at: at.to_vec(), unit }
}

fn rounded(time: f64) -> f64 {
    (time * 1e6).round() / 1e6
}

/// The finding of the last attack, where no phase trains against a full one.
#[derive(Default)]
pub(super) struct Fullness {
    full: bool,
    unfinished: Option<Diagnostic>,
}

impl Fullness {
    /// A phase that attacks, and what its curriculum lacks.
    pub fn phase(&mut self, unfinished: Option<Diagnostic>) {
        self.full |= unfinished.is_none();
        self.unfinished = unfinished;
    }

    pub fn finding(self) -> Option<Diagnostic> {
        self.unfinished.filter(|_| !self.full)
    }
}
