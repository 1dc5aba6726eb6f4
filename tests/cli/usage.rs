use std::process::Stdio;

use snapbox::str;

use crate::desk::Desk;

#[test]
fn alone_it_prints_help() {
    Desk::new(&[]).flatrun(&[]).code(0).stderr_eq("").stdout_eq(str![[r#"
Checks, plans, trains and measures what a file of Flat describes

Usage: flatrun FILE [OPTIONS]
       flatrun COMMAND ..

Commands:
  run          Check, train, evaluate and report; `flatrun FILE` does the same
  check        Check files without training: names, types, units, schedules, data [alias: lint]
  fmt          Bring files into canonical form
  plan         Show the stages of a run, what is cached, and what the rest costs
  graph        Draw the stages of a program and how they depend on each other
  explain      Explain a finding or a component
  catalog      List every component of the language
  runs         List what was run, oldest first; show or remove runs
  report       Print the tables of runs again, and draw what they recorded
  completions  Print the completion script of a shell
  lsp          Speak the language server protocol on standard input and output
  help         Print this message or the help of the given subcommand(s)

Options:
      --color <WHEN>  Colour: auto, always or never [default: auto]
  -h, --help          Print help (see more with '--help')
  -V, --version       Print version

"#]]);
}

#[test]
fn version() {
    Desk::new(&[]).flatrun(&["--version"]).code(0).stdout_eq("flatrun [..]\n").stderr_eq("");
}

#[test]
fn a_misspelt_command_has_a_neighbour() {
    Desk::new(&[]).flatrun(&["chekc", "x.flat"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no command and no file `chekc`
  help: the nearest command is `check`

"#]]);
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let desk = Desk::new(&[("quickstart.flat", "under sgd\n")]);
    desk.flatrun(&["missing.flat"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no file `missing.flat`

"#]]);
    desk.flatrun(&["quickstart"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no file `quickstart`
  help: the nearest file is `quickstart.flat`

"#]]);
    desk.flatrun(&["."]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: `.` is a folder, expected a file
  help: `flatrun check` and `flatrun fmt` take every file of a folder

"#]]);
}

#[test]
fn an_unknown_option_is_a_wrong_usage() {
    let desk = Desk::new(&[("a.flat", "under sgd\n")]);
    desk.flatrun(&["check", "a.flat", "--formt", "json"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: unexpected argument '--formt' found

  tip: a similar argument exists: '--format'

Usage: flatrun check --format <FORMAT> <FILE>...

For more information, try '--help'.

"#]]);
    desk.flatrun(&["a.flat", "--resume", "--restart"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the argument '--resume' cannot be used with '--restart'

Usage: flatrun run --resume <FILE>

For more information, try '--help'.

"#]]);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let desk = Desk::new(&[("bad.flat", &"under lesma\n".repeat(2000))]);
    for (arguments, code) in [(["check", "bad.flat"], 1), (["catalog", "--format=json"], 0)] {
        let mut process = desk.process(&arguments);
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
}

/// The help that is given with a wrong usage.
fn help_of(desk: &Desk, arguments: &[&str]) -> String {
    let told = desk.flatrun(arguments).code(2).stdout_eq("");
    String::from_utf8_lossy(&told.get_output().stderr).into_owned()
}

#[test]
fn commands_of_other_programs_are_answered() {
    let desk = Desk::new(&[("a.flat", "under sgd\n")]);
    for (word, answer) in [
        ("train", "`flatrun FILE` checks, trains, measures and reports"),
        ("resume", "`flatrun FILE --resume` goes on"),
        ("predict", "no command for single images"),
        ("eval", "what is measured stands in the file"),
        ("test", "what is measured stands in the file"),
        ("export", "write `export \"weights.safetensors\"` in the file"),
        ("init", "a file of one line is whole"),
        ("new", "a file of one line is whole"),
        ("list", "`flatrun runs` lists what was run"),
        ("ls", "`flatrun runs` lists what was run"),
        ("rm", "`flatrun runs rm NAME`"),
        ("trian", "`flatrun FILE` checks"),
        ("predcit", "no command for single images"),
    ] {
        for arguments in [&[word][..], &[word, "a.flat"], &["help", word]] {
            let told = help_of(&desk, arguments);
            assert!(
                told.starts_with("error: there is no command") && told.contains(answer),
                "{arguments:?}: {told}"
            );
        }
    }
    let told = help_of(&desk, &["help", "lesam"]);
    assert!(told.contains("`flatrun explain lesam`"), "{told}");
}

#[test]
fn options_of_other_programs_are_answered_with_what_works() {
    let desk = Desk::new(&[("a.flat", "edition 2026\ntrain 1 epochs\n")]);
    for (option, value, instead) in [
        ("--epochs", "5", &["--set", "train.0.duration=5 epochs"][..]),
        ("--steps", "50", &["--set", "train.0.duration=50 steps"]),
        ("--lr", "0.1", &["--set", "optimize.lr=0.1"]),
        ("--batch-size", "32", &["--set", "data.batch=32"]),
        ("--seed", "3", &["--seeds", "3"]),
        ("--weight-decay", "5e-4", &["--set", "optimize.weight_decay=5e-4"]),
        ("--momentum", "0.8", &["--set", "optimize.momentum=0.8"]),
        ("--rho", "0.1", &["--set", "under=sam(rho = 0.1)"]),
        ("--eps", "0.1", &["--set", "against=at(eps = 0.1)"]),
        ("--optimizer", "adam", &["--set", "optimize=adam"]),
        ("--model", "mlp", &["--set", "model=mlp"]),
        ("--data", "digits", &["--set", "data=digits"]),
        ("--export", "w.safetensors", &["--set", "export=w.safetensors"]),
        ("--validation", "10%", &["--set", "data.validation=10%"]),
        ("--cpu", "", &["--device", "cpu"]),
        ("--title", "first", &["--set", "title=first"]),
    ] {
        let given: Vec<&str> =
            ["a.flat", option, value].into_iter().filter(|part| !part.is_empty()).collect();
        let told = help_of(&desk, &given);
        let written = instead.join(" ").replace('"', "");
        assert!(told.starts_with(&format!("error: there is no option `{option}`")), "{told}");
        assert!(told.replace('"', "").contains(&written), "{told}");
        let arguments = [&["check", "a.flat", "--format", "short"], instead].concat();
        desk.flatrun(&arguments).code(0);
    }
    for option in ["--gpu", "--output=x", "--resume-from", "--verbose", "--workers", "--config"] {
        let told = help_of(&desk, &["a.flat", option]);
        assert!(told.contains("  help: "), "{told}");
    }
}
