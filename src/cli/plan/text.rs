//! A plan for people.

use std::fmt::Write;

use super::facts::{DataPlan, Plan, RunName, Setup, StagePlan, Timing, Totals, Training};
use super::measuring::Measuring;
use crate::cli::progress::duration;
use crate::cli::safe::safe_line;
use crate::cli::terminal::{Terminal, paint};
use crate::diagnostic::grouped;
use crate::graph::StageKind;
use crate::lang::program::Device;
use crate::lang::words::of_count;
use crate::run::Status;
use crate::run::meaning::Constants;
use crate::train::PassCount;

/// Names listed before the rest is counted.
const NAMES: usize = 3;

pub(super) fn text(plan: &Plan, terminal: &Terminal) -> String {
    let mut text = heading(plan, terminal);
    for (index, setup) in plan.setups.iter().enumerate() {
        text.push('\n');
        text.push_str(&setup_lines(setup));
        if plan.setups.len() > 1 {
            let users = plan.variants.iter().filter(|variant| variant.setup == index);
            let _ = writeln!(
                text,
                "       for {}",
                listed(users.map(|variant| variant.variant.clone()).collect())
            );
        }
    }
    text.push('\n');
    let width = plan.stages.len().to_string().len();
    for (index, stage) in plan.stages.iter().enumerate() {
        let mut lines = stage_lines(plan, stage).into_iter();
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(text, "{:>width$}  {}", index + 1, paint(&first, "1", terminal.output_color));
        lines.for_each(|line| {
            let _ = writeln!(text, "{:width$}  {line}", "");
        });
    }
    text.push('\n');
    text.push_str(&totals(plan));
    text
}

fn heading(plan: &Plan, terminal: &Terminal) -> String {
    let device = match plan.device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(index) => format!("cuda({index})"),
    };
    let title = plan.title.as_ref().map(|title| format!(": {}", safe_line(title))).unwrap_or_default();
    let variants = counted(plan.variants.len(), "variant");
    let seeds = counted(plan.seeds.len(), "seed");
    let name = paint(&plan.program, "1", terminal.output_color);
    format!("{name}{title}\n{variants}, {seeds}, on {device}, in {}\n", plan.folder.display())
}

fn setup_lines(setup: &Setup) -> String {
    let (data, model, memory) = (&setup.data, &setup.model, &setup.memory);
    let validation =
        if data.validation > 0 { format!(" + {} validation", data.validation) } else { String::new() };
    let mut text = format!(
        "data   {}: {} training{validation} + {} test images\n       {}x{}x{}, {}; {} of {} per epoch\n",
        data.source,
        data.train,
        data.test,
        data.height,
        data.width,
        data.channels,
        counted(data.classes, "class"),
        counted(data.batches_per_epoch, "batch"),
        data.batch,
    );
    let _ = writeln!(text, "       {}", classes(data));
    if data.view != "[]" {
        let _ = writeln!(text, "       measured on through {}", data.view);
    }
    for line in &data.protocol {
        let _ = writeln!(text, "       {line}");
    }
    let frozen = match model.frozen {
        0 => String::new(),
        frozen => format!(" ({} frozen)", grouped(frozen)),
    };
    let notes: String = model.notes.iter().map(|note| format!("       {note}\n")).collect();
    let _ = write!(
        text,
        "model  {}: {} parameters{frozen}, {} multiply-adds per image\n       {}\n{notes}       activations {} per batch, in all at least {}\n",
        model.name,
        grouped(model.parameters),
        metric(model.multiply_adds_per_image as f64),
        normalization(model.normalize.as_ref()),
        bytes(memory.activations),
        bytes(memory.total()),
    );
    if let Timing::Skipped { reason } = &setup.forward {
        let _ = writeln!(text, "time   not estimated: {reason}");
    }
    text
}

/// `classes 0: airplane, 1: automobile, 2: bird and 7 more, as published`
fn classes(data: &DataPlan) -> String {
    let named = data.class_names.iter().enumerate().map(|(label, name)| format!("{label}: {name}"));
    format!("classes {}, {}", listed(named.collect()), data.class_order)
}

fn normalization(constants: Option<&Constants>) -> String {
    let Some(Constants { mean, std }) = constants else {
        return "pixels in [0, 1] as they are".to_owned();
    };
    let numbers = |of: &[f64]| listed(of.iter().map(|value| precise(*value)).collect());
    format!("pixels in [0, 1] minus {}, divided by {}", numbers(mean), numbers(std))
}

/// At most four decimals.
fn precise(value: f64) -> String {
    ((value * 1e4).round() / 1e4).to_string()
}

fn stage_lines(plan: &Plan, stage: &StagePlan) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", title(stage.kind), stage.label)];
    if plan.totals.runs > 1 && stage.kind != StageKind::Table {
        lines.push(runs(&stage.runs));
    }
    if let Some(training) = &stage.training {
        lines.push(cost(training));
    }
    lines.extend(stage.measuring.as_ref().map(|measuring| passes(stage, measuring)));
    lines.extend(stage.status.as_ref().map(|status| state(status, time(stage))));
    lines
}

fn title(kind: StageKind) -> String {
    match kind {
        StageKind::Data => "data".into(),
        StageKind::Train { phase } => format!("train phase {}", phase + 1),
        StageKind::Evaluate => "evaluate".into(),
        StageKind::Table => "table".into(),
    }
}

fn cost(training: &Training) -> String {
    let PassCount { forward, backward, input_backward } = training.passes_per_step;
    let [forward, backward, input_backward, units] =
        [forward, backward, input_backward, training.units_per_step].map(rounded);
    let input = match input_backward.as_str() {
        "0" => String::new(),
        _ => format!(" + {input_backward} backward to the input"),
    };
    let steps = counted(training.steps as usize, "step");
    let bound = if training.at_most { "at most " } else { "" };
    format!("{steps} of {bound}{forward} forward + {backward} backward{input} = {units} units")
}

/// At most two decimals.
fn rounded(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// Of training and measuring together.
fn time(stage: &StagePlan) -> Option<f64> {
    let training = stage.training.as_ref().map(|training| training.seconds);
    let measuring = stage.measuring.as_ref().map(|measuring| measuring.seconds);
    training.into_iter().chain(measuring).reduce(|a, b| a.zip(b).map(|(a, b)| a + b))?
}

/// `at most 1.2 M forward passes of an image`
fn passes(stage: &StagePlan, measuring: &Measuring) -> String {
    let way = if stage.training.is_some() { "measuring on the way: " } else { "" };
    let bound = if measuring.at_most { "at most " } else { "" };
    format!("{way}{bound}{} forward passes of an image", metric(measuring.image_passes as f64))
}

fn state(status: &Status, seconds: Option<f64>) -> String {
    let time = seconds.map(about).unwrap_or_default();
    match status {
        Status::NotRun => format!("not run yet{time}"),
        Status::Interrupted { step } => format!("interrupted at step {step}, continue with --resume"),
        Status::Failed { message } => format!("failed: {message}; begin again with --restart"),
        Status::Cached { path } => format!("cached in {}", path.display()),
        Status::Gone { path } => format!("cached result is gone from {}{time}", path.display()),
    }
}

fn about(seconds: f64) -> String {
    if seconds < 1.0 { ", under a second".into() } else { format!(", about {}", duration(seconds)) }
}

/// `sgd seed 0, sam seed 0, lesam seed 0 and 4 more`
fn runs(runs: &[RunName]) -> String {
    listed(runs.iter().map(|run| format!("{} seed {}", run.variant, run.seed)).collect())
}

fn listed(names: Vec<String>) -> String {
    match names.len().checked_sub(NAMES) {
        Some(more @ 1..) => format!("{} and {more} more", names[..NAMES].join(", ")),
        _ => names.join(", "),
    }
}

fn totals(plan: &Plan) -> String {
    let Totals { runs, stages, cached, steps, units, seconds, .. } = plan.totals;
    let cached = if cached > 0 { format!(", {cached} cached") } else { String::new() };
    let mut text = format!("{}, {}{cached}\n", counted(runs, "run"), counted(stages, "stage"));
    let time = seconds
        .filter(|_| steps > 0)
        .map(|seconds| format!(", about {}", duration(seconds)))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{} to train, {} units{time}",
        counted(steps as usize, "step"),
        grouped(units as usize)
    );
    text.push_str("a unit is a forward pass of a batch; a backward pass is two,\nto the input alone one\n");
    if let Some(timed) = timed_images(plan).filter(|_| steps > 0 && seconds.is_some()) {
        let images = counted(timed, "image");
        let _ = writeln!(
            text,
            "time is an estimate from one timed forward pass\nof {images}; measurements count in full"
        );
    }
    text
}

fn timed_images(plan: &Plan) -> Option<usize> {
    plan.setups.iter().find_map(|setup| match setup.forward {
        Timing::Measured { images, .. } => Some(images),
        Timing::Skipped { .. } => None,
    })
}

fn counted(count: usize, noun: &str) -> String {
    format!("{} {}", grouped(count), of_count(count as f64, noun))
}

/// `41.2 M`
fn metric(number: f64) -> String {
    scaled(number, 1000.0, &["", "k", "M", "G", "T"])
}

/// `5.2 MiB`
fn bytes(bytes: usize) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while number >= step && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && number < 100.0);
    format!("{number:.decimals$} {}", units[unit]).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(metric(41_200_000.0), "41.2 M");
        assert_eq!(bytes(5_452_595), "5.2 MiB");
        assert_eq!(bytes(100), "100 B");
    }
}
