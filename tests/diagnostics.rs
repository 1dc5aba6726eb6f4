//! Every page under `docs/diagnostics/` is executed: its wrong examples raise its code, its right ones do not.
//!
//! A block is fenced as `flat wrong` or `flat right`. After that may stand `missing` (no file is there), `broken` (no data
//! file can be read), `two` (data sets have two classes), `fault CODE` (the files have
//! that fault), or `set PATH=VALUE` (run with that flag). A block fenced as `hex wrong` holds the bytes of a file, or with
//! `times N` bytes that stand there N times.

mod world;

use flatrun::diagnostic::{CODES, Code, CodeInfo, Diagnostic, Level};
use flatrun::lang::{self, Settings};
use flatrun::syntax;
use world::{Files, TestWorld};

struct Example {
    wrong: bool,
    hex: bool,
    times: usize,
    files: Files,
    settings: Settings,
    text: String,
}

/// The fenced examples of a page.
fn examples(page: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        examples.extend(example(info, &text.join("\n")));
    }
    examples
}

fn example(info: &str, text: &str) -> Option<Example> {
    let mut words = info.splitn(3, ' ');
    let hex = match words.next()? {
        "flat" => false,
        "hex" => true,
        _ => return None,
    };
    let wrong = match words.next()? {
        "wrong" => true,
        "right" => false,
        other => panic!("`{other}` is neither `wrong` nor `right`"),
    };
    let rest = words.next().unwrap_or_default();
    let files = match rest {
        "missing" => Files::Missing,
        "broken" => Files::Broken,
        "two" => Files::TwoClasses,
        fault if fault.starts_with("fault ") => Files::Fault(code(fault)),
        _ => Files::There,
    };
    let times = rest.strip_prefix("times ").map_or(1, |times| times.parse().expect("a number"));
    let set = rest.strip_prefix("set ").and_then(|setting| setting.split_once('='));
    let set = set.map(|(path, value)| (path.to_string(), value.to_string())).into_iter().collect();
    let text = if text.is_empty() { String::new() } else { format!("{text}\n") };
    Some(Example { wrong, hex, times, files, settings: Settings { set, ..Settings::default() }, text })
}

/// `fault F0411`
fn code(fault: &str) -> Code {
    fault.split(' ').nth(1).and_then(Code::parse).unwrap_or_else(|| panic!("`{fault}` names no code"))
}

fn findings(example: &Example) -> Vec<Diagnostic> {
    let text = match example.hex {
        false => example.text.clone(),
        true => match syntax::decode(&bytes(&example.text).repeat(example.times)) {
            Ok(text) => text,
            Err(finding) => return vec![*finding],
        },
    };
    lang::check(&text, &example.settings, &TestWorld(example.files)).diagnostics
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect()
}

fn shown(findings: &[Diagnostic]) -> String {
    findings.iter().map(|finding| format!("  {}: {}\n", finding.code.info().id, finding.message)).collect()
}

fn errors(findings: &[Diagnostic]) -> Vec<Code> {
    let errors = findings.iter().filter(|finding| finding.level() == Level::Error);
    let mut codes: Vec<Code> = errors.map(|finding| finding.code).collect();
    codes.dedup();
    codes
}

/// What an example does that its page does not say.
fn complaint(code: Code, info: &CodeInfo, example: &Example) -> Option<String> {
    let found = findings(example);
    let raised = found.iter().any(|finding| finding.code == code);
    let allowed = if example.wrong && info.level == Level::Error { vec![code] } else { Vec::new() };
    let kind = if example.wrong { "wrong" } else { "right" };
    let sound = raised == example.wrong && errors(&found) == allowed;
    (!sound).then(|| format!("{}: the {kind} example raises\n{}", info.id, shown(&found)))
}

#[test]
fn every_example_does_what_its_page_says() {
    let mut complaints = Vec::new();
    for code in CODES {
        let info = code.info();
        let examples = examples(info.page);
        for wrong in [true, false] {
            if examples.iter().all(|example| example.wrong != wrong) {
                complaints.push(format!("{}: an example is missing\n", info.id));
            }
        }
        complaints.extend(examples.iter().filter_map(|example| complaint(*code, info, example)));
    }
    assert!(complaints.is_empty(), "{}", complaints.concat());
}

#[test]
fn every_page_begins_with_its_code() {
    for code in CODES {
        let info = code.info();
        let heading = format!("# {} {}: {}\n", info.id, info.slug, info.title);
        assert!(
            info.page.starts_with(&heading),
            "{}: the page does not begin with `{}`",
            info.id,
            heading.trim()
        );
    }
}

#[test]
fn every_page_belongs_to_a_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diagnostics");
    for file in std::fs::read_dir(folder).expect("the folder of the pages") {
        let name = file.expect("a page").file_name().into_string().expect("a plain name");
        let known =
            CODES.iter().map(|code| code.info()).any(|info| name == format!("{}-{}.md", info.id, info.slug));
        assert!(known, "`{name}` is the page of no code");
    }
}

#[test]
fn every_fix_repairs_what_it_is_offered_for() {
    for code in CODES {
        let wrong = examples(code.info().page).into_iter().filter(|example| example.wrong && !example.hex);
        for example in wrong {
            for finding in findings(&example).iter().filter(|finding| finding.code == *code) {
                let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe) else { continue };
                let mut text = example.text.clone();
                for edit in fix.edits.iter().rev() {
                    text.replace_range(edit.span.start..edit.span.end, &edit.replacement);
                }
                let repaired = Example { text, settings: example.settings.clone(), ..example };
                let after = findings(&repaired);
                let still = after.iter().any(|other| other.code == *code && other.message == finding.message);
                assert!(!still, "{}: `{}` repairs nothing", code.info().id, fix.title);
            }
        }
    }
}
