//! Event files of TensorBoard: records of length, checksum, message, checksum (`tensorflow/core/lib/io`), where a
//! message is an `Event` of `tensorflow/core/util/event.proto`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use prost::Message;
use serde::Deserialize;

use super::study::{Seed, Study};
use crate::files::{replaceable, write_atomic};

/// What a file of events begins with.
const VERSION: &str = "brain.Event:2";

/// Columns that place a row.
const PLACES: [&str; 3] = ["phase", "epoch", "step"];

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970-01-01 UTC.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    /// Optional, so that a zero is written.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The parts of `events.jsonl` that date a value.
#[derive(Deserialize)]
struct Line {
    time: f64,
    #[serde(rename = "type")]
    kind: String,
    phase: Option<usize>,
    step: Option<u64>,
    metrics: Option<Row>,
}

#[derive(Deserialize)]
struct Row {
    step: u64,
}

/// Times by phase and step.
struct Times {
    known: BTreeMap<(usize, u64), f64>,
    first: f64,
    last: f64,
}

/// Writes `<run>/<variant>/seed-<n>/events.out.tfevents.*` under `folder`: every metric, every measurement on the way
/// and every result, at its step of the run and its time. Values that are not finite are left out.
///
/// # Errors
/// The path that cannot be written.
pub fn write_events(study: &Study, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    for (variant, seed) in study.all() {
        let run = study.runs[variant.run].name();
        let place = folder.join(run).join(&seed.record.variant).join(format!("seed-{}", seed.record.seed));
        fs::create_dir_all(&place).map_err(|error| (place.clone(), error))?;
        let began = seed.record.began.unwrap_or_default() as u64;
        let path = place.join(format!("events.out.tfevents.{began:010}.flatrun"));
        let free = replaceable(&path, is_ours).map_err(io::Error::other);
        free.and_then(|()| write_atomic(&path, &events(seed))).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Whether a file begins as [`events`] does.
fn is_ours(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.is_ok() && head.windows(VERSION.len()).any(|part| part == VERSION.as_bytes())
}

fn events(seed: &Seed) -> Vec<u8> {
    let times = Times::read(&seed.record.folder);
    let version =
        Event { wall_time: times.first, step: 0, file_version: Some(VERSION.into()), summary: None };
    let mut bytes = record(&version);
    let scalars =
        metrics(seed, &times).into_iter().chain(measurements(seed, &times)).chain(results(seed, &times));
    for (wall_time, step, values) in scalars {
        let finite = values.into_iter().filter(|(_, value)| value.is_finite());
        let value: Vec<Value> =
            finite.map(|(tag, value)| Value { tag, simple_value: Some(value as f32) }).collect();
        if !value.is_empty() {
            let summary = Some(Summary { value });
            bytes.extend(record(&Event { wall_time, step: step as i64, file_version: None, summary }));
        }
    }
    bytes
}

type Scalars = (f64, u64, Vec<(String, f64)>);

/// One entry per epoch.
fn metrics(seed: &Seed, times: &Times) -> Vec<Scalars> {
    let metrics = &seed.history.metrics;
    let column = |name: &str| metrics.column(name).unwrap_or_default();
    let names: Vec<&str> = metrics.names().filter(|name| !PLACES.contains(name)).collect();
    let places = column("phase").iter().zip(column("step")).enumerate();
    let row = |(row, (&phase, &step)): (usize, (&f64, &f64))| {
        let (phase, step) = (phase as usize, step as u64);
        let values = names.iter().map(|name| (format!("metrics/{name}"), column(name)[row]));
        (times.at(phase, step), metrics.steps_before(phase) + step, values.collect())
    };
    places.map(row).collect()
}

fn measurements(seed: &Seed, times: &Times) -> Vec<Scalars> {
    let scalar = |row: &crate::train::state::Measured| {
        let step = seed.history.metrics.steps_before(row.phase) + row.step;
        (times.at(row.phase, row.step), step, vec![(format!("measured/{}", row.name), row.value)])
    };
    seed.history.measured.iter().map(scalar).collect()
}

/// At the end of the run.
fn results(seed: &Seed, times: &Times) -> Option<Scalars> {
    let end = seed.history.metrics.steps_before(usize::MAX);
    let values: Vec<_> =
        seed.record.values.iter().map(|(name, value)| (format!("result/{name}"), *value)).collect();
    (!values.is_empty()).then_some((times.last, end, values))
}

impl Times {
    fn read(folder: &Path) -> Self {
        let text = fs::read(folder.join("events.jsonl")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let place = |line: &Line| match line.kind.as_str() {
            "epoch" => Some(((line.phase?, line.metrics.as_ref()?.step), line.time)),
            "measured" => Some(((line.phase?, line.step?), line.time)),
            _ => None,
        };
        let end = |line: Option<&Line>| line.map_or(0.0, |line| line.time);
        Self {
            known: lines.iter().filter_map(place).collect(),
            first: end(lines.first()),
            last: end(lines.last()),
        }
    }

    /// Of the latest event before, where the step itself has none: its stage was taken from another run.
    fn at(&self, phase: usize, step: u64) -> f64 {
        self.known.range(..=(phase, step)).next_back().map_or(self.first, |(_, time)| *time)
    }
}

/// A message in its frame.
fn record(event: &Event) -> Vec<u8> {
    let message = event.encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), &message, &checksum(&message)].concat()
}

/// CRC-32C, turned and shifted, so that a checksum of data with checksums in it is sound.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_framed() {
        let event = Event { wall_time: 1.0, step: 0, file_version: Some(VERSION.into()), summary: None };
        let bytes = record(&event);
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(bytes.len(), length + 16);
        assert_eq!(Event::decode(&bytes[12..12 + length]).unwrap(), event);
        // The frame's head for a message of 24 bytes, as TensorFlow writes it.
        assert_eq!(checksum(&24u64.to_le_bytes()), [0xa3, 0x7f, 0x4b, 0x22]);
    }
}
