//! The time of a phase, and whether windows and schedules fit it.

use super::Checker;
use super::place;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::Parameter;
use crate::lang::program::Origin;
use crate::lang::schedule::{Clock, Duration, Knot, Schedule, Unit, Window};
use crate::lang::value::mistakes::{out_of_range, shown};
use crate::syntax::ast::{Expr, ExprKind};

/// Steps per epoch where the data set is unknown; only the order of times depends on it.
const ASSUMED_STEPS_PER_EPOCH: u64 = 1000;

/// How long the current phase is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseTime {
    pub duration: Duration,
    /// Where the duration is written.
    pub span: Span,
    /// Unknown without the data set.
    pub steps_per_epoch: Option<u64>,
}

impl PhaseTime {
    pub fn clock(&self) -> Clock {
        let steps_per_epoch = self.steps_per_epoch.unwrap_or(ASSUMED_STEPS_PER_EPOCH);
        Clock { step: 0, steps: self.duration.steps(steps_per_epoch), steps_per_epoch, lr: None }
    }

    /// Length in a unit, where it is known.
    pub fn length(&self, unit: Unit) -> Option<f64> {
        if unit == self.duration.unit {
            return Some(self.duration.count);
        }
        let steps_per_epoch = self.steps_per_epoch?;
        Some(self.duration.steps(steps_per_epoch) as f64 / unit.steps(steps_per_epoch))
    }

    fn lasts(&self, unit: Unit) -> String {
        let own = format!("{} {}", shown(self.duration.count), self.duration.unit.of(self.duration.count));
        match self.length(unit) {
            Some(length) if unit != self.duration.unit => {
                format!("{own} ({} {})", rounded(length), unit.of(length))
            }
            _ => own,
        }
    }
}

fn rounded(value: f64) -> String {
    shown((value * 100.0).round() / 100.0)
}

impl<'a> Checker<'a> {
    /// The window, if it has a length and lies inside the phase.
    pub(crate) fn window_in_phase(&mut self, expr: &'a Expr, window: Window) -> Option<Window> {
        let (end, unit, start) = match window {
            Window::Span { start, end, unit } => (end, unit, start),
            Window::Last { count, unit } => (count, unit, 0.0),
        };
        let resolved = self.resolve(expr);
        if start < 0.0 || start >= end {
            let written = self.slice(resolved.span);
            let message = format!("the window `{written}` does not go forward from the start of the phase");
            let finding = Diagnostic::new(
                Code::MalformedSchedule,
                resolved.span,
                message,
                "start must come before end",
            )
            .help("for example `30..70 epochs`");
            self.report(finding);
            return None;
        }
        self.time_in_phase(resolved, end, unit)?;
        Some(window)
    }

    /// A time counted from the start of the phase, or back from its end.
    pub(crate) fn time_in_phase(&mut self, expr: &'a Expr, time: f64, unit: Unit) -> Option<()> {
        let Some(phase) = self.phase else { return Some(()) };
        let length = phase.length(unit).unwrap_or(f64::INFINITY);
        if time <= length * (1.0 + 1e-9) {
            return Some(());
        }
        let resolved = self.resolve(expr);
        let lasts = phase.lasts(unit);
        let written = match resolved.kind {
            ExprKind::Number(count) => format!("{} {}", shown(count), unit.word()),
            _ => self.slice(resolved.span).to_string(),
        };
        let finding = Diagnostic::new(
            Code::OutsidePhase,
            resolved.span,
            format!("`{written}` leaves its phase, which lasts {lasts}"),
            format!("the phase ends at {} {}", rounded(length), unit.word()),
        )
        .help(format!(
            "times count from the start of the phase: at most {} {}",
            rounded(length),
            unit.word()
        ));
        let finding = match place::origin(phase.span) {
            Origin::Default => {
                finding.help(format!("{lasts} is the default; `train 200 epochs ..` sets another"))
            }
            _ => finding.label(phase.span, "the phase"),
        };
        self.report(finding);
        None
    }

    /// Whether every value of the schedule is one that the place may have. Schedules may touch an open end.
    pub(crate) fn schedule_in_range(
        &mut self,
        expr: &'a Expr,
        place: &Parameter,
        schedule: &Schedule,
    ) -> Option<()> {
        let clock = self.clock();
        let (low, high) = schedule.extremes(&clock);
        if low == high {
            return if place.range.contains(low) { Some(()) } else { out_of_range(self, expr, place, low) };
        }
        let legal =
            |value| if place.strict { place.range.contains(value) } else { place.range.touches(value) };
        let stray = schedule.knots(&clock).into_iter().find(|knot| !legal(knot.value));
        let Some(knot) = stray else { return Some(()) };
        let resolved = self.resolve(expr);
        let value = shown(knot.value);
        let finding = Diagnostic::new(
            Code::ScheduleLeavesRange,
            resolved.span,
            format!("`{}` must be {}, but is {value} {}", place.name, place.range, moment(&knot, &clock)),
            format!("reaches {value}"),
        )
        .help(match place.strict {
            true => format!("every value of the schedule must be {}", place.range),
            false => {
                format!("every value of the schedule must be {}; an open end may be touched", place.range)
            }
        });
        self.report(finding);
        None
    }

    /// A curriculum takes samples in; one that drops them again is a mistake.
    pub(crate) fn schedule_rises(
        &mut self,
        expr: &'a Expr,
        place: &Parameter,
        schedule: &Schedule,
    ) -> Option<()> {
        let span = self.resolve(expr).span;
        let name = place.name;
        if let Schedule::Follow { .. } = schedule {
            let message =
                format!("`{name}` falls with the learning rate: samples would be taken in and dropped again");
            let finding = Diagnostic::new(Code::FallingPacing, span, message, "follows the rate");
            self.report(finding.help("a pacing rises: `fraction = linear(0.1 -> 1)`"));
            return None;
        }
        let knots = schedule.knots(&self.clock());
        let Some(fall) = knots.windows(2).find(|pair| pair[1].value < pair[0].value) else { return Some(()) };
        let (from, to) = (shown(fall[0].value), shown(fall[1].value));
        let message =
            format!("`{name}` falls from {from} to {to}: samples would be taken in and dropped again");
        let finding = Diagnostic::new(Code::FallingPacing, span, message, "falls");
        self.report(finding.help(format!("a pacing rises: `{name} = linear({to} -> {from})`")));
        None
    }

    /// An anneal lets what it multiplies vanish.
    pub(crate) fn schedule_ends_at_zero(&mut self, expr: &'a Expr, schedule: &Schedule) -> Option<()> {
        let clock = self.clock();
        let end = Clock { step: clock.steps, ..clock };
        let lr = self.optimizer.as_ref().map(|optimizer| optimizer.lr().progress(&end));
        let last = schedule.at(&Clock { lr, ..end });
        if last.abs() < 1e-12 {
            return Some(());
        }
        let message = format!("`anneal` ends at {}, not at 0", shown(last));
        let span = self.resolve(expr).span;
        let finding = Diagnostic::new(Code::AnnealNotZero, span, message, "the budget never reaches zero")
            .help("write a window, `anneal = last 40 epochs`, or a schedule that ends at 0: `anneal = cosine(1 -> 0)`")
            .help("for another budget throughout, change `budget`");
        self.report(finding);
        None
    }

    /// The clock at the start of the current phase, where the size of an epoch is known or does not matter.
    pub(super) fn known_clock(&self) -> Option<Clock> {
        let phase = self.phase?;
        (phase.steps_per_epoch.is_some() || phase.duration.unit == Unit::Epochs).then(|| phase.clock())
    }

    /// Whether how many steps an epoch has is unknown.
    pub(super) fn steps_are_unknown(&self) -> bool {
        self.phase.is_some_and(|phase| phase.steps_per_epoch.is_none())
    }

    /// The clock at the start of the current phase.
    pub(super) fn clock(&self) -> Clock {
        let unknown = Clock { step: 0, steps: 1, steps_per_epoch: 1, lr: None };
        self.phase.map_or(unknown, |phase| phase.clock())
    }
}

fn moment(knot: &Knot, clock: &Clock) -> String {
    if knot.step <= 0.0 {
        return "at the start of the phase".into();
    }
    if knot.step >= clock.steps as f64 {
        return "at the end of the phase".into();
    }
    format!("at epoch {}", rounded(knot.step / clock.steps_per_epoch as f64))
}
