//! Input that means harm, or is far larger than anybody writes.

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::desk::{Desk, output};

/// So many lines would take minutes if each looked at all others.
const MANY: usize = 100_000;

fn bad_lines() -> String {
    (0..MANY).map(|number| format!("bad{number} x\n")).collect()
}

fn shell(desk: &Desk, line: &str) -> Output {
    let line = line.replace("flatrun", &format!("'{}'", env!("CARGO_BIN_EXE_flatrun")));
    let mut shell = Command::new("sh");
    shell.current_dir(desk.path("")).args(["-c", &line]).output().unwrap()
}

#[test]
fn findings_of_one_code_are_counted_after_the_first_hundred() {
    let desk = Desk::new(&[("a.flat", &bad_lines())]);
    let check = |format: &str| output(&desk.flatrun(&["check", "a.flat", "--format", format]).code(1));
    let human = check("human");
    assert!(
        human.ends_with("\nand 99,900 more of F0102\n\nfound 100000 errors\n"),
        "{}",
        &human[human.len() - 200..]
    );
    let short = check("short");
    assert_eq!(short.lines().count(), 101);
    assert_eq!(short.lines().last(), Some("a.flat: and 99,900 more of F0102"));
    let last = "::error file=a.flat,title=F0102 unknown-statement::and 99,900 more of F0102";
    assert_eq!(check("github").lines().last(), Some(last));
    let json: Vec<Value> = serde_json::from_str(&check("json")).unwrap();
    assert_eq!((json.len(), &json[99]["more"]), (100, &Value::from(99_900)));
    assert_eq!(json[98].get("more"), None);
    let sarif: Value = serde_json::from_str(&check("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let text = results[99]["message"]["text"].as_str().unwrap();
    assert!(results.len() == 100 && text.ends_with("\nand 99,900 more of F0102"), "{text}");
}

#[test]
fn many_names_that_nothing_uses_are_checked_at_once() {
    let lets: String =
        (0..MANY).map(|number| format!("let name_{number} = sam(rho = 0.{number}1)\n")).collect();
    let desk = Desk::new(&[("a.flat", &format!("edition 2026\n{lets}"))]);
    let human = output(&desk.flatrun(&["check", "a.flat"]).code(0));
    assert!(human.ends_with("\nand 99,900 more of L0002\n\nfound 100000 warnings\n"));
}

#[test]
fn a_long_list_and_many_phases_take_no_longer_than_they_are() {
    let seeds: Vec<String> = (0..MANY).map(|seed| seed.to_string()).collect();
    let phases = " then 1 epochs under sgd\n".repeat(MANY / 5);
    let files = [
        ("seeds.flat", format!("edition 2026\nunder sgd\nseeds [{}]\n", seeds.join(","))),
        ("phases.flat", format!("edition 2026\ntrain 1 epochs under sgd\n{phases}")),
    ];
    let desk = Desk::new(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    desk.flatrun(&["fmt", "seeds.flat"]).code(0);
    assert!(desk.read("seeds.flat").contains("seeds [\n  0, 1, 2, "));
    let seeds = output(&desk.flatrun(&["graph", "seeds.flat"]).code(0));
    assert_eq!(seeds.lines().count(), 2 + 2 * MANY);
    for format in ["text", "svg"] {
        let phases = output(&desk.flatrun(&["graph", "phases.flat", "--format", format]).code(0));
        assert!(phases.len() < 400 * MANY / 5, "{format}: {}", phases.len());
    }
}

#[test]
fn a_terminal_shows_commands_and_does_not_obey_them() {
    let name = "e\u{1b}[31mvil\n\u{202e}.flat";
    let source =
        "title \"\u{1b}]0;own\u{7}\u{202e}\"\nunder sam(rho = \u{1b}[2J\rx)\u{9b}\nfrom \"\u{1b}[8m\"\n";
    let desk = Desk::new(&[(name, source)]);
    let hostile = ["\u{7}", "\r", "\u{202e}", "\u{9b}", "\u{1b}[2J", "\u{1b}[8m", "\u{1b}]", "\u{1b}[31mvil"];
    let harmless = |arguments: &[&str]| {
        let ended = desk.process(arguments).output().unwrap();
        for text in [ended.stdout, ended.stderr] {
            let text = String::from_utf8(text).unwrap();
            for command in hostile {
                assert!(!text.contains(command), "{arguments:?}: {text:?}");
            }
        }
    };
    for color in ["always", "never"] {
        for format in ["human", "short", "github"] {
            harmless(&["--color", color, "check", name, "--format", format]);
        }
        for command in ["run", "plan", "graph", "fmt", "explain", "report", "check"] {
            let missing = format!("no{name}");
            harmless(&["--color", color, command, &missing]);
            harmless(&["--color", color, command, &format!("--{name}"), "x"]);
        }
        harmless(&["--color", color, "run", name]);
        harmless(&["--color", color, "check", name, "--set", "model=\u{1b}[2J"]);
    }
}

#[test]
fn data_for_programs_are_what_they_are() {
    let desk = Desk::new(&[]);
    let source = "title \"\u{202e}\u{9b}\"\r\n";
    assert_eq!(output(&desk.with_input(&["fmt", "-"], source).code(0)), source);
}

#[cfg(unix)]
#[test]
fn a_source_that_is_too_large_is_not_read() {
    let desk = Desk::new(&[]);
    let refused = |file: &str| {
        let found = output(&desk.flatrun(&["check", file, "--format", "short"]).code(1));
        assert_eq!(
            found,
            format!("{file}:1:1: error F0129: the file is larger than 16 MiB and was not read\n")
        );
    };
    refused("/dev/zero");
    File::create(desk.path("sparse.flat")).unwrap().set_len(6 << 30).unwrap();
    refused("sparse.flat");
    desk.flatrun(&["fmt", "sparse.flat"]).code(1);
    desk.flatrun(&["run", "sparse.flat"]).code(1);
    let human = output(&desk.flatrun(&["check", "sparse.flat"]).code(1));
    assert!(human.contains("\n   in sparse.flat\n"), "{human}");
    let long = format!("# {}\n", "x".repeat(17 << 20));
    let found = output(&desk.with_input(&["check", "-", "--format", "short"], &long).code(1));
    assert!(found.starts_with("stdin:1:1: error F0129"), "{found}");
    let largest = format!("edition 2026\nunder sam\n# {}\n", "x".repeat((16 << 20) - 30));
    fs::write(desk.path("largest.flat"), largest).unwrap();
    desk.flatrun(&["check", "largest.flat"]).code(0);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_until_it_ends() {
    let desk = Desk::new(&[]);
    let line = "mkfifo p.flat && { (printf 'edition 2026\\n'; printf 'under sam\\n') > p.flat & flatrun check p.flat; }";
    let ended = shell(&desk, line);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "no findings\n", "{ended:?}");
}

#[cfg(unix)]
#[test]
fn a_small_stack_of_the_system_changes_nothing() {
    let nested = format!("edition 2026\nlet a = {}1{}\nunder sam\n", "[".repeat(64), "]".repeat(64));
    let desk = Desk::new(&[("a.flat", &nested)]);
    let expected = desk.process(&["check", "a.flat"]).output().unwrap();
    let ended = shell(&desk, "ulimit -s 64; exec flatrun check a.flat");
    assert_eq!((ended.status.code(), &ended.stdout), (Some(0), &expected.stdout), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn without_memory_for_a_stack_the_program_says_so() {
    let desk = Desk::new(&[("a.flat", "under sam\n")]);
    let ended = shell(&desk, "ulimit -v 40000; exec flatrun check a.flat");
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    // The system may not even load the program.
    assert!(ended.status.code() != Some(2) || text.contains("cannot start a thread"), "{text}");
}

#[test]
fn more_threads_than_cores_are_not_started() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nmodel cnn(width = 4)\ntrain 1 epochs under sam\n")]);
    let mut process = desk.process(&["a.flat", "--quiet"]);
    let ended = process.env("RAYON_NUM_THREADS", "1000").output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let desk = Desk::new(&[("a.flat", &bad_lines())]);
    let cases: [(&[&str], i32); 4] =
        [(&["check", "a.flat"], 1), (&["explain", "sam"], 0), (&["catalog"], 0), (&["--help"], 0)];
    for (arguments, code) in cases {
        let mut child =
            desk.process(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr), (Some(code), Vec::new()), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_an_error() {
    let desk = Desk::new(&[("a.flat", "edition 2026\nmodel cnn(width = 4)\ntrain 1 epochs\n")]);
    for line in ["flatrun catalog > /dev/full", "flatrun a.flat --quiet --events jsonl > /dev/full"] {
        let ended = shell(&desk, line);
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{line}: {text}");
        assert!(
            text.starts_with("error: cannot write the output: no space left on device"),
            "{line}: {text}"
        );
    }
}
