//! Programs in one folder of runs, at the same time.
//!
//! `many_rounds` is the long version: `FLATRUN_ROUNDS=100 cargo test --release --test sharing -- --ignored`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use flatrun::data::{Generator, Purpose};

/// They have their first stage in common.
const MINIMIZERS: [&str; 4] = ["sgd", "sam", "lesam", "gsam"];

fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in MINIMIZERS {
        let text = format!(
            "edition 2026\ndata digits batch 256\nmodel mlp([16])\ntrain 2 epochs under sam\n then 1 epochs under {name}\n"
        );
        fs::write(folder.path().join(format!("{name}.flat")), text).unwrap();
    }
    folder
}

fn start(folder: &Path, name: &str, flags: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flatrun"));
    command.current_dir(folder).arg(format!("{name}.flat")).arg("--quiet").args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

fn run_folder(folder: &Path, name: &str) -> PathBuf {
    let mut runs = fs::read_dir(folder.join("runs")).unwrap().map(Result::unwrap);
    let is_named =
        |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&format!("{name}-"));
    runs.find(is_named).unwrap().path()
}

fn events(folder: &Path, name: &str) -> String {
    fs::read_to_string(run_folder(folder, name).join("main/seed-0/events.jsonl")).unwrap()
}

/// Programs that begin together train their common stage once and all end well.
fn together(rounds: usize) {
    let desk = desk();
    for round in 0..rounds {
        let _ = fs::remove_dir_all(desk.path().join("runs"));
        let children = MINIMIZERS.map(|name| start(desk.path(), name, &[]));
        for (name, child) in MINIMIZERS.iter().zip(children) {
            let (code, _, errors) = end(child);
            assert_eq!((code, errors.as_str()), (Some(0), ""), "{name}, round {round}");
        }
        let all = MINIMIZERS.map(|name| events(desk.path(), name));
        let trained =
            all.iter().map(|text| text.matches("\"type\":\"stage_started\"").count()).sum::<usize>();
        // The first stage once, and the second of each; `sam` after `sam` is another stage than `sam` alone.
        assert_eq!(trained, 1 + MINIMIZERS.len(), "round {round}");
        let locks = fs::read_dir(desk.path().join("runs/.locks")).unwrap().count();
        assert_eq!(locks, 0, "round {round}");
    }
    println!("{rounds} rounds, {} processes", rounds * MINIMIZERS.len());
}

#[test]
fn programs_that_begin_together_train_a_common_stage_once() {
    together(3);
}

/// Programs begin, begin again and go on in the folders of each other; each ends well or finds another one there.
fn crowded(rounds: usize) {
    let desk = desk();
    let mut random = Generator::keyed(Purpose::Order, &[0x6372_6f77]);
    let (mut good, mut busy) = (0, 0);
    let table = {
        let (code, table, errors) = end(start(desk.path(), "sgd", &[]));
        assert_eq!(code, Some(0), "{errors}");
        table
    };
    for round in 0..rounds {
        let mut children = Vec::new();
        for _ in 0..4 {
            let name = MINIMIZERS[(random.unit() * 2.0) as usize];
            let flags: &[&str] = if random.unit() < 0.5 { &["--restart"] } else { &["--resume"] };
            children.push((name, flags, start(desk.path(), name, flags)));
            std::thread::sleep(Duration::from_secs_f64(0.3 * random.unit()));
        }
        for (name, flags, child) in children {
            let (code, text, errors) = end(child);
            match code {
                Some(0) => {
                    assert_eq!(errors, "", "{name} {flags:?}, round {round}");
                    assert!(name != "sgd" || text == table, "{name} {flags:?}, round {round}: {text}");
                    good += 1;
                }
                code => {
                    let is_busy =
                        code == Some(2) && errors.contains("error: another process is running in `runs/");
                    assert!(is_busy, "{name} {flags:?}, round {round}: {code:?} {errors}");
                    busy += 1;
                }
            }
        }
        assert!(
            run_folder(desk.path(), "sgd").join("main/seed-0/weights.safetensors").exists(),
            "round {round}"
        );
    }
    println!("{rounds} rounds: {good} processes ended well, {busy} found another one in their folder");
}

#[test]
fn programs_that_begin_again_do_not_disturb_others() {
    crowded(4);
}

#[test]
#[ignore = "takes minutes: run by hand, as docs/reliability.md says"]
fn many_rounds() {
    let rounds = std::env::var("FLATRUN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    together(rounds);
    crowded(rounds);
}
