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
  runs         List what was run, oldest first
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
