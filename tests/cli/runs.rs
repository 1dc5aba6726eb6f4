//! `flatrun runs` and what it does.

use std::fs;

use snapbox::str;

use crate::desk::{Desk, output};

const TINY: &str = "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 epochs under each [sgd, sam]\n\
    evaluate accuracy, loss\nseeds 0..2\n";
/// One phase in common.
const ONE: &str = "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 epochs under sgd\n";
const TWO: &str = "edition 2026\nmodel mlp(hidden = [8])\ntrain 1 epochs under sgd\nevaluate loss\n";

/// Names of run folders, in order.
fn names(desk: &Desk) -> Vec<String> {
    let entries = fs::read_dir(desk.path("runs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[test]
fn a_run_is_a_line() {
    let desk = Desk::new(&[("tiny.flat", TINY)]);
    desk.flatrun(&["runs"]).code(0).stdout_eq("").stderr_eq("nothing was run in `runs`\n");
    assert_eq!(output(&desk.flatrun(&["runs", "--format", "json"]).code(0)), "[]\n");
    desk.flatrun(&["run", "tiny.flat", "--quiet"]).code(0);
    desk.flatrun(&["runs"]).code(0).stderr_eq("").stdout_eq(str![[r#"
run            state     done  best[..]age[..]size
tiny-[..]  finished  4/4   accuracy [..] %, [..]B

"#]]);
    let mut narrow = desk.process(&["runs"]);
    let narrow = narrow.env("COLUMNS", "60").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 60) && narrow.contains("4/4   accuracy"),
        "{narrow}"
    );
    desk.flatrun(&["runs", "--long"]).code(0).stderr_eq("").stdout_eq(str![[r#"
runs/tiny-[..]: finished
  2 variants, 2 seeds; begun [..] UTC
  variant  seeds[..]accuracy %[..]loss
  sgd          2  [..] ± [..]  [..] ± [..]
  sam          2  [..] ± [..]  [..] ± [..]

"#]]);
    let json: serde_json::Value =
        serde_json::from_str(&output(&desk.flatrun(&["runs", "--format", "json"]).code(0))).unwrap();
    assert_eq!(
        (&json[0]["state"], &json[0]["done"], &json[0]["of"]),
        (&"finished".into(), &4.into(), &4.into())
    );
    assert_eq!(json[0]["best"]["measurement"], "accuracy");
    assert!(json[0]["bytes"].as_u64().unwrap() > 1000);
}

#[test]
fn a_run_is_shown_with_its_files() {
    let desk = Desk::new(&[("one.flat", ONE)]);
    desk.flatrun(&["one.flat", "--quiet"]).code(0);
    let text = output(&desk.flatrun(&["runs", "show", "on"]).code(0).stderr_eq(""));
    assert!(text.contains(": finished\n") && text.contains("accuracy %"), "{text}");
    for line in text.split("Files\n\n").nth(1).unwrap().lines() {
        assert!(desk.path(line.strip_prefix("- ").unwrap()).is_file(), "{line}");
    }
    assert!(text.contains("/report.html\n") && text.contains("/main/seed-0/weights.safetensors\n"), "{text}");
    desk.flatrun(&["runs", "show", "noe"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: there is no run in `noe`
  help: the nearest name is `one-[..]`

"#]]);
}

#[test]
fn a_removed_run_leaves_what_others_share() {
    let desk = Desk::new(&[("one.flat", ONE), ("two.flat", TWO)]);
    desk.flatrun(&["one.flat", "--quiet"]).code(0);
    desk.flatrun(&["two.flat", "--quiet"]).code(0);
    let before = names(&desk);
    // Nothing happens where one name is wrong.
    desk.flatrun(&["runs", "rm", "one", "tow"]).code(2).stdout_eq("");
    assert_eq!(names(&desk), before);
    let removed = output(&desk.flatrun(&["runs", "rm", "one"]).code(0).stderr_eq(""));
    assert!(removed.starts_with("removed runs/one-") && removed.ends_with("B freed\n"), "{removed}");
    assert_eq!(names(&desk), before[1..]);
    // The phase is still known, now by its other name.
    let again = desk.flatrun(&["one.flat"]).code(0);
    let text = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
    assert!(text.contains("cached in") && text.contains("/two-"), "{text}");
    desk.flatrun(&["runs", "rm", "one", "two"]).code(0);
    assert_eq!(names(&desk), [""; 0]);
    assert_eq!(fs::read_dir(desk.path("runs/.stages")).unwrap().count(), 0);
    desk.flatrun(&["one.flat", "--quiet"]).code(0);
}

#[test]
fn a_run_that_goes_on_is_not_removed() {
    let desk = Desk::new(&[("one.flat", ONE), ("two.flat", TWO)]);
    desk.flatrun(&["one.flat", "--quiet"]).code(0);
    desk.flatrun(&["two.flat", "--quiet"]).code(0);
    let [one, _] = names(&desk).try_into().unwrap();
    let held = flatrun::run::folder::RunFolder::enter(desk.path("runs").join(&one)).unwrap();
    let refused = desk.flatrun(&["runs", "rm", "two", "one"]).code(2).stdout_eq("");
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        text.contains("another process is running in `runs/one-") && text.contains("nothing was removed"),
        "{text}"
    );
    assert_eq!(names(&desk).len(), 2);
    assert!(output(&desk.flatrun(&["runs"])).contains("running"));
    drop(held);
    fs::create_dir(desk.path("runs/mine")).unwrap();
    fs::write(desk.path("runs/mine/lock"), "").unwrap();
    fs::write(desk.path("runs/mine/thesis.tex"), "").unwrap();
    desk.flatrun(&["runs", "rm", "mine"]).code(2).stdout_eq("");
    assert!(desk.path("runs/mine/thesis.tex").exists());
}

#[test]
fn rubbish_is_collected_and_nothing_else() {
    let desk = Desk::new(&[("one.flat", ONE), ("two.flat", TWO)]);
    let temporary = desk.path("tmp");
    for name in ["flatrun-smoke-1-a-0", "flatrun-smoke-2-b-0", "other"] {
        fs::create_dir_all(temporary.join(name)).unwrap();
        fs::write(temporary.join(name).join("lock"), "").unwrap();
    }
    let held = fs::File::open(temporary.join("flatrun-smoke-2-b-0/lock")).unwrap();
    held.lock().unwrap();
    let collect = |arguments: &[&str]| {
        let arguments = [&["runs", "gc"], arguments].concat();
        let collected = desk.process(&arguments).env("TMPDIR", &temporary).output().unwrap();
        assert_eq!(collected.status.code(), Some(0), "{}", String::from_utf8_lossy(&collected.stderr));
        String::from_utf8(collected.stdout).unwrap()
    };
    desk.flatrun(&["one.flat", "--quiet"]).code(0);
    let folder = desk.path(&desk.run_folder());
    let half = folder.join("main/seed-0/results.json.part");
    fs::write(&half, "{").unwrap();
    let hour = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().append(true).open(&half).unwrap().set_modified(hour).unwrap();
    // As an interrupted run looks.
    desk.flatrun(&["two.flat", "--quiet"]).code(0);
    let [_, two] = names(&desk).try_into().unwrap();
    fs::remove_file(desk.path("runs").join(&two).join("main/seed-0/results.json")).unwrap();
    fs::write(desk.path("runs/.stages/0123"), "/nowhere/phase-1.safetensors").unwrap();
    let told = collect(&["--dry-run"]);
    for (what, why) in [
        ("/.stages/0123 ", "its result has gone"),
        ("results.json.part", "half written"),
        ("smoke-1-a-0", "was killed"),
    ] {
        assert!(
            told.lines()
                .any(|line| line.starts_with("would remove ") && line.contains(what) && line.contains(why)),
            "{told}"
        );
    }
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(half.exists() && temporary.join("flatrun-smoke-1-a-0").exists());
    collect(&[]);
    assert!(!half.exists() && !desk.path("runs/.stages/0123").exists());
    assert!(!temporary.join("flatrun-smoke-1-a-0").exists());
    assert!(temporary.join("flatrun-smoke-2-b-0").exists() && temporary.join("other").exists());
    assert_eq!(collect(&[]), "0 B freed\n");
    assert_eq!(names(&desk).len(), 2);
    assert!(collect(&["--unfinished"]).contains("/two-"));
    assert_eq!(names(&desk).len(), 1);
    desk.flatrun(&["one.flat"]).code(0);
}
