//! What is seen of a run while it goes on.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt;
use super::pace::Pace;
use super::safe::safe_line;
use crate::evaluate::Headway;
use crate::run::{Event, Observer, RunName};
use crate::train::state::EpochRow;

/// Between two lines about epochs lies at least this.
const PAUSE: Duration = Duration::from_secs(3);

/// A measurement is told of after this, and again after as long.
const TOLD: Duration = Duration::from_secs(2);

const BAR: &str = "{prefix} {wide_bar} {pos}/{len} {msg}";

/// The estimate beside a bar is renewed so often.
const RENEW: Duration = Duration::from_secs(1);

/// How a run is shown.
pub struct Display {
    /// Events go to standard output as they are recorded.
    pub events: bool,
    /// Nothing goes to standard error.
    pub quiet: bool,
    /// Bars instead of lines.
    pub bars: bool,
    /// Name the variant.
    pub variants: bool,
    /// Name the seed.
    pub seeds: bool,
    /// Phases of each variant, by slug.
    pub phases: BTreeMap<String, usize>,
}

/// Shows a run as it goes.
pub struct Progress {
    display: Display,
    /// Phases of the current run that began or were cached.
    phase: usize,
    stage: Option<Stage>,
    measuring: Option<Measuring>,
    /// Why events cannot be written, from when they cannot.
    pub unread: Option<io::Error>,
}

/// The phase under way.
struct Stage {
    name: String,
    pace: Pace,
    /// End of what was measured last.
    mark: Instant,
    step: u64,
    steps: u64,
    /// Steps of an epoch, once one has ended.
    epoch: Option<u64>,
    epoch_began: u64,
    last: String,
    told: Option<Instant>,
    bar: Option<ProgressBar>,
}

/// The measurement under way.
struct Measuring {
    what: String,
    began: Instant,
    /// What was done then, and by the last report.
    first: usize,
    done: usize,
    /// When it was last told of.
    told: Instant,
}

impl Progress {
    pub fn new(display: Display) -> Self {
        Self { display, phase: 0, stage: None, measuring: None, unread: None }
    }

    /// What sets the current stage of a run apart from the others.
    fn name(&self, run: &RunName) -> String {
        let mut parts = Vec::new();
        if self.display.variants {
            parts.push(run.variant.clone());
        }
        if self.display.seeds {
            parts.push(format!("seed {}", run.seed));
        }
        let phases = self.display.phases.get(&run.variant).copied().unwrap_or(1);
        if (1..=phases).contains(&self.phase) && phases > 1 {
            parts.push(format!("phase {}/{phases}", self.phase));
        }
        if parts.is_empty() { "training".into() } else { parts.join(", ") }
    }

    fn say(&self, text: &str) {
        let text = safe_line(text);
        match self.stage.as_ref().and_then(|stage| stage.bar.as_ref()) {
            Some(bar) => bar.println(text),
            None => {
                let _ = writeln!(io::stderr(), "{text}");
            }
        }
    }

    fn show(&mut self, run: &RunName, event: &Event) {
        match event {
            Event::RunStarted { .. } => self.phase = 0,
            Event::StageStarted { label, steps, step, .. } => self.begin(run, label, *steps, *step),
            Event::StageCached { label, from, .. } => self.skip(run, label, from),
            Event::StageAwaited { label, .. } => {
                self.say(&format!("{}: {label}: another process is training it, waiting", self.name(run)));
            }
            Event::Epoch { metrics, .. } => self.epoch(metrics),
            Event::StageFinished { seconds, .. } => self.finish(*seconds),
            Event::Warning { message } => self.say(&format!("{}: warning: {message}", self.name(run))),
            Event::Exported { path } => self.say(&format!("{}: exported {path}", self.name(run))),
            Event::Failed { .. } | Event::Interrupted { .. } => drop(self.abandon()),
            _ => {}
        }
    }

    fn skip(&mut self, run: &RunName, label: &str, from: &str) {
        self.phase += 1;
        self.say(&format!("{}: {label}: cached in {from}", self.name(run)));
    }

    fn begin(&mut self, run: &RunName, label: &str, steps: u64, step: u64) {
        self.phase += 1;
        let name = self.name(run);
        let from = if step > 0 { format!(" from step {step}") } else { String::new() };
        let noun = if steps == 1 { "step" } else { "steps" };
        self.say(&format!("{name}: {label}, {steps} {noun}{from}"));
        let bar = self.display.bars.then(|| bar(&name, step, steps));
        self.stage = Some(Stage {
            name,
            pace: Pace::default(),
            mark: Instant::now(),
            step,
            steps,
            epoch: None,
            epoch_began: step,
            last: String::new(),
            told: None,
            bar,
        });
    }

    fn epoch(&mut self, row: &EpochRow) {
        let Some(stage) = &mut self.stage else { return };
        stage.last = scores(row);
        stage.end_epoch(row.step);
        if stage.bar.is_some() {
            stage.show();
            return;
        }
        if stage.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        stage.told = Some(Instant::now());
        let left = stage.left();
        let line = format!("{}: epoch {}, {}{left}", stage.name, row.epoch, stage.last);
        self.say(&line);
    }

    fn finish(&mut self, seconds: f64) {
        let Some(stage) = self.abandon() else { return };
        self.say(&format!("{}: trained in {}, {}", stage.name, duration(seconds), stage.last));
    }

    fn abandon(&mut self) -> Option<Stage> {
        let stage = self.stage.take()?;
        if let Some(bar) = &stage.bar {
            bar.finish_and_clear();
        }
        Some(stage)
    }
}

impl Observer for Progress {
    fn event(&mut self, run: &RunName, event: &Event, line: &str) {
        if self.display.events
            && let Err(error) = writeln!(io::stdout().lock(), "{line}")
        {
            // Whoever read the events has gone: what was computed is kept and the run ends.
            self.unread.get_or_insert(error);
            interrupt::stop();
        }
        if let Event::Damaged { path, cause, remedy } = event {
            // Quiet or not: somebody's disk or hand is at fault.
            self.say(&format!("warning: `{path}` is damaged: {cause}; {remedy}"));
        }
        if !self.display.quiet {
            self.show(run, event);
        }
    }

    fn stepped(&mut self, _: &RunName, step: u64, _: u64) {
        let Some(stage) = &mut self.stage else { return };
        stage.stepped(step);
    }

    fn measuring(&mut self, run: &RunName, headway: &Headway<'_>) {
        let Headway { what, unit, done, of } = *headway;
        // Another variant begins the same measurement anew.
        let known = self.measuring.as_mut().filter(|known| known.what == what && known.done <= done);
        let Some(known) = known else {
            // The first part only starts the clock, so that short measurements say nothing.
            let now = Instant::now();
            self.measuring = Some(Measuring { what: what.into(), began: now, first: done, done, told: now });
            return;
        };
        known.done = done;
        if self.display.quiet || known.told.elapsed() < TOLD {
            return;
        }
        known.told = Instant::now();
        let spent = known.began.elapsed().as_secs_f64();
        let left = remaining(spent, done - known.first, of.saturating_sub(done));
        self.say(&format!("{}: measuring, {what}, {done} of {of} {unit}{left}", self.name(run)));
    }
}

impl Stage {
    /// Seconds since the last call.
    fn lap(&mut self) -> f64 {
        let before = std::mem::replace(&mut self.mark, Instant::now());
        (self.mark - before).as_secs_f64()
    }

    fn stepped(&mut self, step: u64) {
        let seconds = self.lap();
        self.pace.step(seconds);
        self.step = step;
        if let Some(bar) = &self.bar {
            bar.set_position(step);
        }
        if self.bar.is_some() && self.told.is_none_or(|told| told.elapsed() > RENEW) {
            self.show();
        }
    }

    fn end_epoch(&mut self, step: u64) {
        let seconds = self.lap();
        self.pace.epoch(seconds);
        // A run that goes on within an epoch sees the rest of it alone.
        self.epoch = Some((step - self.epoch_began.min(step)).max(self.epoch.unwrap_or(1)));
        self.epoch_began = step;
    }

    /// Scores and time left, beside the bar.
    fn show(&mut self) {
        self.told = Some(Instant::now());
        let left = self.left();
        let parts = [self.last.as_str(), left.trim_start_matches(", ")];
        let message = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// `, 3 min 20 s left`.
    fn left(&mut self) -> String {
        let steps = self.steps.saturating_sub(self.step);
        let epochs = self.epoch.map_or(1, |epoch| steps.div_ceil(epoch.max(1)));
        let left = self.pace.left(steps, epochs).filter(|_| steps > 0);
        left.map_or_else(String::new, |seconds| format!(", {} left", duration(seconds)))
    }
}

fn bar(name: &str, step: u64, steps: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_prefix(name.chars().take(28).collect::<String>());
    bar.set_position(step);
    bar
}

/// `loss 0.123, accuracy 96.1 %`, of the validation split where there is one.
fn scores(row: &EpochRow) -> String {
    let split = if row.validation_loss.is_some() { "validation " } else { "" };
    let loss = row.validation_loss.or(row.train_loss).map(|loss| format!("{split}loss {loss:.4}"));
    let accuracy = row.validation_accuracy.or(row.train_accuracy);
    let accuracy = accuracy.map(|accuracy| format!("accuracy {:.1} %", 100.0 * accuracy));
    loss.into_iter().chain(accuracy).collect::<Vec<_>>().join(", ")
}

/// `, 3 min 20 s left`, at the pace so far.
fn remaining(spent: f64, done: usize, rest: usize) -> String {
    if done == 0 || rest == 0 {
        return String::new();
    }
    format!(", {} left", duration(spent * rest as f64 / done as f64))
}

/// `8.2 s`, `14 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_two_units() {
        let shown = [8.24, 14.0, 200.0, 7500.0, 273_600.0].map(duration);
        assert_eq!(shown, ["8.2 s", "14 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"]);
    }

    #[test]
    fn validation_is_shown_before_training() {
        let row = EpochRow {
            train_loss: Some(1.0),
            validation_loss: Some(0.5),
            train_accuracy: Some(0.961),
            ..EpochRow::default()
        };
        assert_eq!(scores(&row), "validation loss 0.5000, accuracy 96.1 %");
    }
}
