//! A folder with some files, in which the program runs.

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;

use snapbox::cmd::{Command, OutputAssert};
use tempfile::TempDir;

pub struct Desk(TempDir);

impl Desk {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The only run folder.
    pub fn run_folder(&self) -> String {
        let entries = fs::read_dir(self.path("runs")).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = entries.filter_map(|name| name.into_string().ok()).collect();
        let runs: Vec<&String> = names.iter().filter(|name| !name.starts_with('.')).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        format!("runs/{}", runs[0])
    }

    pub fn flatrun(&self, arguments: &[&str]) -> OutputAssert {
        self.command(arguments).assert()
    }

    pub fn with_input(&self, arguments: &[&str], input: &str) -> OutputAssert {
        self.command(arguments).stdin(input).assert()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        Command::from_std(self.process(arguments))
    }

    /// Without colour and 80 columns wide, whatever runs the tests.
    pub fn process(&self, arguments: &[&str]) -> Process {
        let mut process = Process::new(env!("CARGO_BIN_EXE_flatrun"));
        process.current_dir(self.0.path()).args(arguments);
        process.env("XDG_CACHE_HOME", self.path(".cache"));
        process.env_remove("COLUMNS").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        process
    }
}

/// What a command wrote to standard output.
pub fn output(assert: &OutputAssert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}
