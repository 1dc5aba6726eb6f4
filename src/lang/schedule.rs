//! Values over the steps of one phase.
//!
//! A schedule is a pure function of the step: a resumed run sees the values of one that never stopped.

use std::f64::consts::PI;

use serde::Serialize;

use super::words::of_count;

/// What a duration counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Epochs,
    Steps,
}

impl Unit {
    /// The word in a file: `epochs` or `steps`.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Epochs => "epochs",
            Unit::Steps => "steps",
        }
    }

    /// The word behind a number: `1 epoch`, `10 epochs`.
    pub fn of(self, count: f64) -> String {
        of_count(count, self.word().trim_end_matches('s'))
    }

    /// How many steps one unit is.
    pub fn steps(self, steps_per_epoch: u64) -> f64 {
        match self {
            Unit::Epochs => steps_per_epoch as f64,
            Unit::Steps => 1.0,
        }
    }
}

/// `200 epochs`, `5000 steps`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Duration {
    pub count: f64,
    pub unit: Unit,
}

impl Duration {
    /// Whole steps, rounded; at least 1 for a positive duration.
    pub fn steps(&self, steps_per_epoch: u64) -> u64 {
        let steps = (self.count * self.unit.steps(steps_per_epoch)).round() as u64;
        steps.max(u64::from(self.count > 0.0))
    }
}

/// A point in time, `epoch 160`, counted from the start of the phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    pub count: f64,
    pub unit: Unit,
}

impl Moment {
    /// The first step at or after it.
    pub fn step(&self, clock: &Clock) -> u64 {
        (self.count * self.unit.steps(clock.steps_per_epoch)).ceil() as u64
    }
}

/// Some of the steps of a phase: `first`, and every so many after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    pub first: u64,
    /// At least 1.
    pub every: u64,
}

impl Beat {
    /// Steps since the first; `None` before it.
    pub fn since(&self, step: u64) -> Option<u64> {
        step.checked_sub(self.first)
    }

    pub fn holds(&self, step: u64) -> bool {
        self.since(step).is_some_and(|since| since.is_multiple_of(self.every))
    }

    /// How many of `steps` steps it holds.
    pub fn count(&self, steps: u64) -> u64 {
        steps.saturating_sub(self.first).div_ceil(self.every)
    }

    /// Whether at least one more multiple of `rhythm`, counted from the first step, has passed at this beat than at
    /// the one before.
    pub fn passes(&self, rhythm: u64, step: u64) -> bool {
        let since = self.since(step).filter(|_| self.holds(step));
        since.is_some_and(|since| since >= rhythm && since % rhythm < self.every)
    }

    /// How many of `steps` steps [`Beat::passes`].
    pub fn passed(&self, rhythm: u64, steps: u64) -> u64 {
        let beats = self.count(steps);
        if self.every >= rhythm {
            return beats.saturating_sub(rhythm.div_ceil(self.every));
        }
        beats.saturating_sub(1) * self.every / rhythm
    }
}

/// A part of a phase, counted from the start of the phase or back from its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// `30..70 epochs`
    Span { start: f64, end: f64, unit: Unit },
    /// `last 40 epochs`
    Last { count: f64, unit: Unit },
}

impl Window {
    /// First and last point in steps, fractional.
    pub fn bounds(&self, clock: &Clock) -> (f64, f64) {
        match *self {
            Window::Span { start, end, unit } => {
                let length = unit.steps(clock.steps_per_epoch);
                (start * length, end * length)
            }
            Window::Last { count, unit } => {
                let end = clock.steps as f64;
                (end - count * unit.steps(clock.steps_per_epoch), end)
            }
        }
    }
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Counted from 0 at the start of the phase.
    pub step: u64,
    /// Length of the phase.
    pub steps: u64,
    pub steps_per_epoch: u64,
    /// Read by `follow(lr)` alone; without it the rate counts as being at its highest.
    pub lr: Option<Progress>,
}

/// Where the learning rate stands between its lowest (0) and its highest value (1) in the phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress(pub f64);

/// A number that may change with time. Outside its window it holds the value of the nearer end;
/// without a window it spans its phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    Constant(f64),
    /// `b + (a - b) (1 + cos(pi t)) / 2`
    Cosine {
        from: f64,
        to: f64,
        window: Option<Window>,
    },
    /// `a + (b - a) t`
    Linear {
        from: f64,
        to: f64,
        window: Option<Window>,
    },
    /// `a (b / a)^t`
    Exp {
        from: f64,
        to: f64,
        window: Option<Window>,
    },
    /// Jumps at the given times.
    Steps {
        from: f64,
        change: Change,
        at: Vec<f64>,
        unit: Unit,
    },
    /// Rises linearly to the first value of `then`, which spans the rest of the phase.
    Warmup {
        over: Duration,
        then: Box<Schedule>,
    },
    /// `low + (high - low) p`, with `p` the place of the learning rate between its lowest and highest value.
    Follow {
        low: f64,
        high: f64,
    },
}

/// What happens at each time of a `steps` schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Multiplies the value.
    Factor(f64),
    /// Moves by an equal share, so that the last jump arrives at this value.
    To(f64),
}

/// A value that a schedule takes, and when; `step` is fractional and counted from the start of the phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knot {
    pub step: f64,
    pub value: f64,
}

impl Schedule {
    /// The value at `clock.step`.
    pub fn at(&self, clock: &Clock) -> f64 {
        self.value(clock.step as f64, clock, 0.0)
    }

    /// Values whose hull holds every value of the phase, in order of time; the last one is the final value.
    pub fn knots(&self, clock: &Clock) -> Vec<Knot> {
        self.knots_from(clock, 0.0)
    }

    /// Lowest and highest value of the phase.
    pub fn extremes(&self, clock: &Clock) -> (f64, f64) {
        let bounds = (f64::INFINITY, f64::NEG_INFINITY);
        self.knots(clock).iter().fold(bounds, |(low, high), knot| (low.min(knot.value), high.max(knot.value)))
    }

    /// Where this schedule stands between its lowest and highest value; 1 where both are equal.
    pub fn progress(&self, clock: &Clock) -> Progress {
        let (low, high) = self.extremes(clock);
        if high > low { Progress((self.at(clock) - low) / (high - low)) } else { Progress(1.0) }
    }

    /// `origin` is the step where a schedule without a window begins.
    fn value(&self, step: f64, clock: &Clock, origin: f64) -> f64 {
        match self {
            Schedule::Constant(value) => *value,
            Schedule::Cosine { from, to, window } => {
                let t = elapsed(step, window, clock, origin);
                to + (from - to) * 0.5 * (1.0 + (PI * t).cos())
            }
            Schedule::Linear { from, to, window } => {
                let t = elapsed(step, window, clock, origin);
                from * (1.0 - t) + to * t
            }
            Schedule::Exp { from, to, window } => {
                from * (to / from).powf(elapsed(step, window, clock, origin))
            }
            Schedule::Steps { from, change, at, unit } => {
                let length = unit.steps(clock.steps_per_epoch);
                let passed = at.iter().filter(|time| step >= **time * length).count();
                after_jumps(*from, *change, passed, at.len())
            }
            Schedule::Warmup { over, then } => warmed(step, clock, over, then),
            Schedule::Follow { low, high } => {
                let Progress(p) = clock.lr.unwrap_or(Progress(1.0));
                low + (high - low) * p
            }
        }
    }

    fn knots_from(&self, clock: &Clock, origin: f64) -> Vec<Knot> {
        match self {
            Schedule::Constant(value) => vec![Knot { step: origin, value: *value }],
            Schedule::Cosine { from, to, window }
            | Schedule::Linear { from, to, window }
            | Schedule::Exp { from, to, window } => {
                let (start, end) = bounds(window, clock, origin);
                vec![Knot { step: start, value: *from }, Knot { step: end, value: *to }]
            }
            Schedule::Steps { from, change, at, unit } => {
                let length = unit.steps(clock.steps_per_epoch);
                let times = std::iter::once(origin).chain(at.iter().map(|time| time * length));
                let knot =
                    |(passed, step)| Knot { step, value: after_jumps(*from, *change, passed, at.len()) };
                times.enumerate().map(knot).collect()
            }
            Schedule::Warmup { over, then } => {
                let end = over.steps(clock.steps_per_epoch) as f64;
                let first = then.value(end, clock, end) / end.max(1.0);
                let mut knots = vec![Knot { step: 0.0, value: first }];
                knots.extend(then.knots_from(clock, end));
                knots
            }
            Schedule::Follow { low, high } => {
                vec![Knot { step: origin, value: *low }, Knot { step: clock.steps as f64, value: *high }]
            }
        }
    }
}

fn bounds(window: &Option<Window>, clock: &Clock, origin: f64) -> (f64, f64) {
    window.map_or((origin, clock.steps as f64), |window| window.bounds(clock))
}

/// Share of the window that has passed, in [0, 1].
fn elapsed(step: f64, window: &Option<Window>, clock: &Clock, origin: f64) -> f64 {
    let (start, end) = bounds(window, clock, origin);
    if end > start {
        ((step - start) / (end - start)).clamp(0.0, 1.0)
    } else {
        f64::from(u8::from(step >= end))
    }
}

fn after_jumps(from: f64, change: Change, passed: usize, jumps: usize) -> f64 {
    match change {
        Change::Factor(factor) => from * factor.powf(passed as f64),
        Change::To(to) if passed == jumps => to,
        Change::To(to) => from + (to - from) * passed as f64 / jumps as f64,
    }
}

fn warmed(step: f64, clock: &Clock, over: &Duration, then: &Schedule) -> f64 {
    let length = over.steps(clock.steps_per_epoch) as f64;
    if step >= length {
        return then.value(step, clock, length);
    }
    then.value(length, clock, length) * (step + 1.0) / length
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
