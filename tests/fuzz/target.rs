//! One thing that reads, and how it is tried.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use flatrun::data::{Generator, Purpose};

use crate::memory::{ALONE, peak_of};
use crate::mutation::mutated;

/// What is read, from what it is made, and how often.
pub struct Target<'a> {
    pub name: &'a str,
    /// Inputs as they should be.
    pub seeds: Vec<Vec<u8>>,
    /// Words to insert.
    pub words: &'a [&'a str],
    /// Inputs where the environment names no number.
    pub inputs: u64,
    /// Most bytes that an input may take.
    pub memory: usize,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

impl Target<'_> {
    /// Reads every input.
    pub fn run(&self, read: &mut dyn FnMut(&[u8])) {
        self.run_repaired(&|bytes| bytes, read);
    }

    /// Reads every input; every second one is repaired first, so that checksums do not hide what lies behind them.
    pub fn run_repaired(&self, repair: &dyn Fn(Vec<u8>) -> Vec<u8>, read: &mut dyn FnMut(&[u8])) {
        let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for seed in &self.seeds {
            self.one(0, seed, read);
        }
        let first = number("FLAT_FUZZ_FIRST").unwrap_or(0);
        for input in first..first + number("FLAT_FUZZ").unwrap_or(self.inputs) {
            let bytes = self.input(input);
            self.one(input, &if input % 2 == 0 { bytes } else { repair(bytes) }, read);
        }
    }

    fn input(&self, number: u64) -> Vec<u8> {
        let name = self.name.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(131) + u64::from(byte));
        let mut random = Generator::keyed(Purpose::Measurement, &[name, number]);
        let mut any = || &self.seeds[random.below(self.seeds.len() as u64) as usize];
        let (seed, other) = (any(), any());
        mutated(seed, other, self.words, &mut random)
    }

    fn one(&self, number: u64, bytes: &[u8], read: &mut dyn FnMut(&[u8])) {
        let mut outcome = Ok(());
        let peak = peak_of(|| outcome = catch_unwind(AssertUnwindSafe(|| read(bytes))));
        if outcome.is_err() || peak > self.memory {
            let kept = self.keep(number, bytes);
            let (name, kept) = (self.name, kept.display());
            assert!(outcome.is_ok(), "{name}: input {number} panics; it lies in {kept}");
            panic!("{name}: input {number} of {} bytes takes {peak} bytes; it lies in {kept}", bytes.len());
        }
    }

    fn keep(&self, number: u64, bytes: &[u8]) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        let path = folder.join(format!("{}-{number}", self.name.replace(' ', "-")));
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, bytes))
            .expect("a writable folder");
        path
    }
}
