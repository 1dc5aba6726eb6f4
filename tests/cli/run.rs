use std::io::Read;
use std::process::Stdio;

use snapbox::str;

use crate::desk::{Desk, output};

const TINY: &str = "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 epochs under each [sgd, sam]\n\
    evaluate accuracy, loss\nseeds 0..2\n";
const DIVERGES: &str = "edition 2026\nmodel mlp(hidden = [8])\n\
    train 60 steps under each [sgd(lr = 1e30), sgd(lr = 0.1)]\n";
/// Takes minutes where nothing stops it.
const LONG: &str = "edition 2026\nmodel mlp(hidden = [8])\ntrain 200000 steps under sgd\n";

/// Whether or not there are cards, there is none of this number.
#[test]
fn a_card_that_is_not_there_is_said() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    let refused = desk.flatrun(&["tiny.flat", "--device", "cuda(99)"]).code(1);
    let output = refused.get_output();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let unwrapped: Vec<&str> = said.split_whitespace().filter(|word| *word != "│").collect();
    let said = unwrapped.join(" ");
    let expected = match cfg!(feature = "cuda") {
        true => {
            "there is no `cuda(99)`: looked for the NVIDIA driver (libcuda) and its card number 99, found"
        }
        false => "cannot open `cuda(99)`: this program was built without CUDA",
    };
    assert!(said.contains("F0521") && said.contains(expected) && !said.contains("panicked"), "{said}");
}

/// `check` says at its place what a run would fail at, and a flag may name another device.
#[test]
fn a_card_is_checked_where_it_is_written() {
    let file = format!("{TINY}device cuda(99)\n");
    let desk = Desk::new(&[("card.flat", &file)]);
    let checked = desk.flatrun(&["check", "--format", "short", "card.flat"]).code(1);
    let said = String::from_utf8_lossy(&checked.get_output().stdout).into_owned();
    assert!(said.starts_with("card.flat:6:8: error F0521: "), "{said}");
    desk.flatrun(&["check", "--set", "device=cpu", "card.flat"]).code(0);
    desk.flatrun(&["card.flat", "--device", "cpu", "--smoke"]).code(0);
}

#[test]
fn a_run_prints_and_keeps_its_table() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    let run = desk
        .flatrun(&["tiny.flat"])
        .code(0)
        .stdout_eq(str![[r#"
variant  seeds[..]accuracy %[..]loss
sgd          2  [..] ± [..]  [..] ± [..]
sam          2  [..] ± [..]  [..] ± [..]

"#]])
        .stderr_eq(str![[r#"
sgd, seed 0: 1 epoch under sgd, 23 steps
sgd, seed 0: epoch 1, loss [..], accuracy [..] %
sgd, seed 0: trained in [..] s, loss [..], accuracy [..] %
sgd, seed 1: 1 epoch under sgd, 23 steps
sgd, seed 1: epoch 1, loss [..], accuracy [..] %
sgd, seed 1: trained in [..] s, loss [..], accuracy [..] %
sam, seed 0: 1 epoch under sam over sgd, 23 steps
sam, seed 0: epoch 1, loss [..], accuracy [..] %
sam, seed 0: trained in [..] s, loss [..], accuracy [..] %
sam, seed 1: 1 epoch under sam over sgd, 23 steps
sam, seed 1: epoch 1, loss [..], accuracy [..] %
sam, seed 1: trained in [..] s, loss [..], accuracy [..] %
runs/tiny-[..]/report.html

"#]]);
    let folder = desk.run_folder();
    let long = desk.read(&format!("{folder}/results.csv"));
    let firsts: Vec<String> =
        long.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect();
    assert_eq!(long.lines().next(), Some("variant,seed,measurement,value"));
    assert!(
        firsts.contains(&"sgd,0,accuracy".to_owned()) && firsts.contains(&"sam,1,loss".to_owned()),
        "{long}"
    );
    assert!(desk.read(&format!("{folder}/table.csv")).starts_with(
        "variant,seeds,failed,unfinished,accuracy_mean,accuracy_std,loss_mean,loss_std\nsgd,2,0,0,0."
    ));
    assert!(
        desk.read(&format!("{folder}/table.md"))
            .starts_with("| variant | seeds | accuracy % | loss |\n|---|--:|--:|--:|\n| sgd | 2 | ")
    );
    let report = desk.flatrun(&["report", &folder]).code(0);
    assert_eq!(output(&report), output(&run));
    let again = desk.flatrun(&["tiny.flat", "--quiet"]).code(0).stderr_eq("");
    assert_eq!(output(&again), output(&run));
}

#[test]
fn reports_of_a_run() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    desk.flatrun(&["run", "tiny.flat", "--quiet"]).code(0);
    let folder = desk.run_folder();
    for (format, text) in [("csv", "table.csv"), ("markdown", "table.md")] {
        let report = output(&desk.flatrun(&["report", &folder, "--format", format]).code(0));
        assert_eq!(report, desk.read(&format!("{folder}/{text}")));
    }
    let joined = output(&desk.flatrun(&["report", &folder, &folder, "--format", "json"]).code(0));
    let joined: serde_json::Value = serde_json::from_str(&joined).unwrap();
    assert_eq!(joined["measurements"], serde_json::json!(["accuracy", "loss"]));
    desk.flatrun(&["report", "runs"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no run in `runs`
  help: `flatrun runs` lists what was run

"#]]);
}

#[test]
fn a_smoke_run_keeps_nothing() {
    let desk = Desk::new(&[("one.flat", "curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)\n")]);
    desk.flatrun(&["one.flat", "--smoke"]).code(0).stdout_eq("every stage of 1 variant works\n");
    assert!(!desk.path("runs").exists());
}

#[test]
fn standard_input_runs() {
    let desk = Desk::new(&[]);
    desk.with_input(&["-", "--smoke", "--quiet"], TINY)
        .code(0)
        .stdout_eq("every stage of 2 variants works\n")
        .stderr_eq("");
}

#[test]
fn findings_end_a_run_before_it_begins() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nunder lesma\n")]);
    desk.flatrun(&["a.flat"]).code(1).stdout_eq("").stderr_eq(str![[r#"
F0201 unknown-component

  × unknown minimizer `lesma`
   ╭─[a.flat:2:7]
 2 │ under lesma
   ·       ──┬──
   ·         ╰── not a minimizer
   ╰────
  help: the nearest minimizer is `lesam`

found 1 error

"#]]);
    assert!(!desk.path("runs").exists());
}

#[test]
fn a_failed_variant_lets_the_others_finish() {
    let desk = Desk::new(&[("a.flat", DIVERGES)]);
    let run = desk.flatrun(&["a.flat"]).code(3).stdout_eq(str![[r#"
variant       seeds  accuracy %
sgd-lr-1e30  failed           -
sgd-lr-0.1        1       [..]

"#]]);
    let errors = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let cause = "error: sgd-lr-1e30, seed 0: loss or gradient was not finite for 20 steps in a row";
    assert!(errors.contains(cause), "{errors}");
    assert!(output(&desk.flatrun(&["runs", "--long"])).contains(": 1 of 2 failed\n"));
}

/// What happened is said again, and how to begin again; nothing is trained in vain.
#[test]
fn a_run_that_diverged_is_finished_as_failed() {
    let desk = Desk::new(&[("a.flat", DIVERGES)]);
    let first = output(&desk.flatrun(&["a.flat", "--quiet"]).code(3));
    for flags in [&["a.flat", "--quiet"][..], &["a.flat", "--quiet", "--resume"]] {
        let again = desk.flatrun(flags).code(3);
        assert_eq!(output(&again), first);
        let said = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
        for part in [
            "error: sgd-lr-1e30, seed 0: loss or gradient was not finite for 20 steps in a row",
            "; the run ended so before, and would again\n",
            "  help: what failed would fail again: change the file, or begin again with `flatrun a.flat --restart`\n",
        ] {
            assert!(said.contains(part) && !said.contains("unfinished"), "{said}");
        }
    }
    assert!(output(&desk.flatrun(&["plan", "a.flat"])).contains("failed: loss"));
    assert!(output(&desk.flatrun(&["runs", "--long"])).contains(": 1 of 2 failed\n"));
    let anew = desk.flatrun(&["a.flat", "--quiet", "--restart"]).code(3);
    let text = String::from_utf8_lossy(&anew.get_output().stderr).into_owned();
    assert!(!text.contains("ended so before"), "{text}");
}

#[test]
fn events_are_lines_of_json() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    let text = output(
        &desk.flatrun(&["tiny.flat", "--events", "jsonl", "--quiet", "--seeds", "3"]).code(0).stderr_eq(""),
    );
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("run_started", "run_finished"));
    assert_eq!(kinds.iter().filter(|kind| **kind == "run_started").count(), 2);
    assert!(events.iter().all(|event| event["schema"] == 1 && event["time"].is_f64()));
}

#[test]
fn flags_reach_the_program() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    desk.flatrun(&["tiny.flat", "--set", "model.hiden=[4]"]).code(1).stdout_eq("").stderr_eq(str![[r#"
F0511 unknown-setting

  × `--set model.hiden=[4]`: the file has no setting `model.hiden`
   ╭─[tiny.flat:1:1]
 1 │ edition 2026
   · ▲
   · ╰── in this file
   ╰────
  help: the nearest path is `model.hidden`
        there is `model.hidden`, `model.dropout`, `model.normalize`,
        `model.head`, `model.freeze`, `model.freeze_bn` and `model.from`

found 1 error

"#]]);
    desk.flatrun(&["tiny.flat", "--set", "model"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: invalid value 'model' for '--set <PATH=VALUE>': expected PATH=VALUE, as `model=mlp`

For more information, try '--help'.

"#]]);
    let runs = ["tiny.flat", "--set", "model.hidden=[4]", "--runs", "here", "--smoke", "--quiet"];
    desk.flatrun(&runs).code(0);
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command};

    use crate::signals::obeys_signals;

    use super::*;

    /// A run that has told of an epoch.
    fn under_way(desk: &Desk, epoch: &str) -> (Child, BufReader<std::process::ChildStderr>) {
        let mut process = desk.process(&["long.flat"]);
        obeys_signals(&mut process);
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(epoch) {
            line.clear();
            assert!(errors.read_line(&mut line).unwrap() > 0, "the run ended");
        }
        (child, errors)
    }

    fn send(child: &Child, signal: &str) {
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn interrupted_by(signal: &str) {
        let desk = Desk::new(&[("long.flat", LONG)]);
        let (mut child, mut errors) = under_way(&desk, "epoch 1,");
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        assert!(text.contains("\n  help: go on with `flatrun long.flat --resume`\n"), "{text}");
        assert!(output(&desk.flatrun(&["runs", "--long"])).contains(": interrupted at step "));
        assert!(output(&desk.flatrun(&["plan", "long.flat"])).contains(", continue with --resume\n"));
        let refused = desk.flatrun(&["long.flat"]).code(2).stdout_eq("");
        let refusal = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(refusal.contains("continue it with --resume, or begin again with --restart"), "{refusal}");
    }

    #[test]
    fn ctrl_c_writes_a_checkpoint() {
        interrupted_by("-INT");
    }

    #[test]
    fn so_does_the_signal_to_end() {
        interrupted_by("-TERM");
    }

    /// The first asks for a checkpoint; a step that takes long is left, and nobody has to wait for more.
    #[test]
    fn a_second_ctrl_c_ends_at_once_and_leaves_records() {
        let desk = Desk::new(&[("long.flat", LONG)]);
        let (mut child, _errors) = under_way(&desk, "epoch 1,");
        send(&child, "-INT");
        send(&child, "-INT");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(output(&desk.flatrun(&["runs"])).contains("  interrupted  0/1"));
        desk.flatrun(&["plan", "long.flat"]).code(0);
    }

    #[test]
    fn an_edited_file_is_not_what_was_interrupted() {
        let steps =
            "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 epochs under sgd\n then 200000 steps under sgd\n";
        let desk = Desk::new(&[("long.flat", steps)]);
        let (mut child, _errors) = under_way(&desk, "epoch 2,");
        send(&child, "-INT");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let folder = desk.run_folder();
        std::fs::write(desk.path("long.flat"), steps.replace("200000", "300000")).unwrap();
        let refused = desk.flatrun(&["long.flat", "--resume"]).code(2).stdout_eq("");
        let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        let expected = format!(
            "error: `{folder}` is unfinished, but of another program: `train.1.duration` was 200000 steps, is 300000 steps\n"
        );
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains("phase 1 (1 epoch under sgd) will not be trained again"), "{text}");
        assert!(text.contains(&format!("`{folder}/main/seed-0/pipeline.flat` holds its text")), "{text}");
        // Nothing was begun; without --resume it is.
        assert_eq!(desk.run_folder(), folder);
        let begun = desk.flatrun(&["long.flat", "--set", "train.1.duration=3 steps"]).code(0);
        let text = String::from_utf8_lossy(&begun.get_output().stderr).into_owned();
        assert!(text.contains("phase 1/2: 1 epoch under sgd: cached in"), "{text}");
    }

    #[test]
    fn a_signal_that_is_ignored_stays_ignored() {
        let desk = Desk::new(&[("long.flat", LONG)]);
        let line = format!("trap '' HUP; exec '{}' long.flat", env!("CARGO_BIN_EXE_flatrun"));
        let mut shell = Command::new("sh");
        shell.current_dir(desk.path("")).args(["-c", &line]).stdout(Stdio::null()).stderr(Stdio::piped());
        obeys_signals(&mut shell);
        let mut child = shell.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut wait_for = |text: &str| loop {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).unwrap() > 0, "the run ended");
            if line.contains(text) {
                break;
            }
        };
        wait_for("epoch 1,");
        send(&child, "-HUP");
        // It goes on, and a signal that nobody ignores is obeyed.
        wait_for("left");
        assert_eq!(child.try_wait().unwrap(), None);
        send(&child, "-TERM");
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }

    #[test]
    fn so_does_the_end_of_a_terminal() {
        interrupted_by("-HUP");
    }

    #[test]
    fn a_closed_reader_of_events_ends_the_run_quietly() {
        let desk = Desk::new(&[("long.flat", LONG)]);
        let mut process = desk.process(&["long.flat", "--events", "jsonl"]);
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(130), "{errors}");
        assert!(!errors.contains("panicked") && !errors.contains("interrupted"), "{errors}");
        assert!(output(&desk.flatrun(&["plan", "long.flat"])).contains(", continue with --resume\n"));
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_an_error_with_a_message() {
    let program = "edition 2026\ndata digits\nmodel cnn(width = 16)\ntrain 1 steps\n";
    let desk = Desk::new(&[("a.flat", program)]);
    let flatrun = env!("CARGO_BIN_EXE_flatrun");
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(desk.path("")).args(["-c", &format!("ulimit -f 20; exec '{flatrun}' a.flat --quiet")]);
    let ended = shell.output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{text}");
    assert!(text.contains("cannot write") && text.contains("flatrun a.flat --resume"), "{text}");
}

#[test]
fn nothing_to_resume_is_said() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    let run = desk.flatrun(&["tiny.flat", "--resume", "--seeds", "0"]).code(0);
    let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(text.starts_with("nothing of this program was interrupted: it begins now\n"), "{text}");
    let again = desk.flatrun(&["tiny.flat", "--resume", "--seeds", "0"]).code(0);
    assert_eq!(output(&again), output(&run));
}

/// Weights that never moved.
#[test]
fn a_run_at_chance_has_a_note_everywhere() {
    let desk = Desk::new(&[(
        "a.flat",
        "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 steps under sgd(lr = 1e-9)\n",
    )]);
    let run = desk.flatrun(&["a.flat", "--quiet"]).code(0);
    let note = "- main, seed 0: the accuracy is that of guessing: the most frequent class alone gives 10.";
    let folder = desk.run_folder();
    assert!(output(&run).contains(note), "{}", output(&run));
    assert!(output(&desk.flatrun(&["report", &folder])).contains(note));
    assert!(desk.read(&format!("{folder}/table.md")).contains(note));
    assert!(desk.read(&format!("{folder}/main/seed-0/results.json")).contains("that of guessing"));
    assert!(desk.read(&format!("{folder}/report.html")).contains("that of guessing"));
}

/// A disk that is full from the beginning: nothing is known of the run, not even when it began.
#[cfg(unix)]
#[test]
fn a_run_that_could_write_nothing_has_no_date() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ntrain 1 steps\n")]);
    let flatrun = env!("CARGO_BIN_EXE_flatrun");
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(desk.path("")).args(["-c", &format!("ulimit -f 0; exec '{flatrun}' a.flat --quiet")]);
    let ended = shell.output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{text}");
    assert!(text.contains("a limit on the size of files is in force"), "{text}");
    let listed = output(&desk.flatrun(&["runs"]));
    assert!(listed.contains("a-") && !listed.contains("1970"), "{listed}");
    desk.flatrun(&["a.flat", "--quiet", "--resume"]).code(0);
}

/// Weights that are gone or not what was written are never exported, nor called cached without a word.
#[test]
fn what_is_exported_again_is_what_was_trained() {
    let text = "edition 2026\nmodel mlp(hidden = [8])\ntrain 2 steps\nexport \"out.safetensors\"\n";
    let desk = Desk::new(&[("a.flat", text)]);
    let table = output(&desk.flatrun(&["a.flat", "--quiet"]).code(0));
    let exported = std::fs::read(desk.path("out.safetensors")).unwrap();
    let weights = desk.path(&desk.run_folder()).join("main/seed-0/weights.safetensors");
    for damaged in [None, Some(Vec::new()), Some([&exported[..], b"x"].concat())] {
        std::fs::remove_file(&weights).unwrap();
        let cause = if damaged.is_some() { "its content is not what was written" } else { "it is not there" };
        damaged.into_iter().for_each(|bytes| std::fs::write(&weights, bytes).unwrap());
        let again = desk.flatrun(&["a.flat", "--quiet", "--resume"]).code(0);
        assert_eq!(output(&again), table);
        let said = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
        let expected =
            format!("weights.safetensors` is damaged: {cause}; it is written anew from the checkpoint\n");
        assert!(said.starts_with("warning: `runs/a-") && said.ends_with(&expected), "{said}");
        for path in [weights.clone(), desk.path("out.safetensors")] {
            assert!(std::fs::read(&path).unwrap() == exported, "{}", path.display());
        }
    }
    desk.flatrun(&["a.flat", "--quiet"]).code(0).stderr_eq("");
}
