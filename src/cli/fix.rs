//! Applying what findings say to write instead: what is certain alone, and nothing that brings a new error.

use std::collections::{HashMap, HashSet};

use blake3::{Hash, hash};

use super::render::{Lines, Place, is_fixable};
use super::source::Source;
use crate::diagnostic::{Code, Diagnostic, Edit, Fix, Level, Span};
use crate::lang::Settings;

/// So often the text is checked again; what is left to fix after that stays.
const TRIALS: usize = 200;

/// What became of the fixes of a file, one line of text each.
#[derive(Debug, Default)]
pub struct Settled {
    /// Findings whose fix was applied.
    pub count: usize,
    /// Every replacement, at its place in the file as it was.
    pub applied: Vec<String>,
    /// Every fix that was left out, and why.
    pub refused: Vec<String>,
}

/// Applies fixes to the text they leave until nothing more can be fixed.
pub fn settle(source: &mut Source, settings: &Settings, diagnostics: &mut Vec<Diagnostic>) -> Settled {
    let original = source.text.clone();
    let mut fixer = Fixer {
        lines: &Lines::new(&original),
        seen: HashSet::from([hash(original.as_bytes())]),
        source,
        settings,
        diagnostics,
        trials: 0,
        rounds: Vec::new(),
        refused: Vec::new(),
        settled: Settled::default(),
    };
    while fixer.trials < TRIALS {
        let fixes = fixer.compatible();
        if fixes.is_empty() {
            break;
        }
        fixer.attempt(&fixes);
    }
    fixer.finish()
}

struct Fixer<'a> {
    /// Those of the text before the first fix.
    lines: &'a Lines<'a>,
    /// Every text there has been, none of which comes back.
    seen: HashSet<Hash>,
    source: &'a mut Source,
    settings: &'a Settings,
    diagnostics: &'a mut Vec<Diagnostic>,
    trials: usize,
    /// What was applied, each round at its places in the text before it.
    rounds: Vec<Vec<Edit>>,
    /// What is left out, at its places in the text as it is.
    refused: Vec<Vec<Edit>>,
    settled: Settled,
}

impl Fixer<'_> {
    /// The safe fixes that touch no place another one touches; the others wait for the text that these leave.
    fn compatible(&self) -> Vec<Fix> {
        let mut taken: Vec<Fix> = Vec::new();
        let mut places: Vec<Span> = Vec::new();
        let fixes = self.diagnostics.iter().filter(|finding| is_fixable(finding));
        let mut fixes: Vec<&Fix> = fixes.filter_map(|finding| finding.fix.as_ref()).collect();
        fixes.retain(|fix| !fix.edits.is_empty() && !self.refused.contains(&fix.edits));
        fixes.sort_by_key(|fix| fix.edits[0].span);
        for fix in fixes {
            let free = |edit: &Edit| places.last().is_none_or(|last| last.end < edit.span.start);
            if fix.edits.iter().all(free) {
                places.extend(fix.edits.iter().map(|edit| edit.span));
                places.sort_by_key(|span| span.end);
                taken.push(fix.clone());
            }
        }
        taken
    }

    /// Applies `fixes`, or where they bring an error the first half of them; the only one is then left out.
    fn attempt(&mut self, fixes: &[Fix]) {
        let mut edits: Vec<Edit> = fixes.iter().flat_map(|fix| fix.edits.clone()).collect();
        edits.sort_by_key(|edit| edit.span);
        let text = patched(&self.source.text, &edits);
        self.trials += 1;
        let trial = self.source.with_text(text);
        let after = trial.check(self.settings).diagnostics;
        let reason = match self.seen.contains(&hash(trial.text.as_bytes())) {
            true => Some("it would undo another fix".to_owned()),
            false => brought(self.diagnostics, &after),
        };
        match (reason, fixes) {
            (None, _) => self.accept(trial, after, edits, fixes),
            (Some(reason), [only]) => self.refuse(only, &reason),
            (Some(_), _) if self.trials < TRIALS => self.attempt(&fixes[..fixes.len() / 2]),
            (Some(_), _) => {}
        }
    }

    fn accept(&mut self, trial: Source, after: Vec<Diagnostic>, edits: Vec<Edit>, fixes: &[Fix]) {
        for fix in fixes {
            let lines = fix.edits.iter().map(|edit| self.line(edit, &fix.title));
            let lines: Vec<String> = lines.collect();
            self.settled.applied.extend(lines);
        }
        self.settled.count += fixes.len();
        for edit in self.refused.iter_mut().flatten() {
            edit.span = Span::new(moved(&edits, edit.span.start), moved(&edits, edit.span.end));
        }
        self.rounds.push(edits);
        self.seen.insert(hash(trial.text.as_bytes()));
        *self.source = trial;
        *self.diagnostics = after;
    }

    fn refuse(&mut self, fix: &Fix, reason: &str) {
        let line = self.line(&fix.edits[0], &fix.title);
        self.settled.refused.push(format!("{line}: left out, {reason}"));
        self.refused.push(fix.edits.clone());
    }

    /// ``a.flat:3:7: `Sam` -> `sam` ``, at the place in the file as it was.
    fn line(&self, edit: &Edit, title: &str) -> String {
        let at = self.rounds.iter().rev().fold(edit.span.start, |at, round| moved_back(round, at));
        let Place { line, column } = self.lines.place(at);
        let old = self.source.text.get(edit.span.start..edit.span.end).unwrap_or_default().trim();
        let new = edit.replacement.trim();
        let what = match old.is_empty() || new.is_empty() {
            true => title.to_owned(),
            false => format!("`{old}` -> `{new}`"),
        };
        format!("{}:{line}:{column}: {what}", self.source.name)
    }

    /// What is left out is not offered again.
    fn finish(self) -> Settled {
        for fix in self.diagnostics.iter_mut().filter_map(|finding| finding.fix.as_mut()) {
            fix.safe &= !self.refused.contains(&fix.edits);
        }
        self.settled
    }
}

/// The first error of `after` that was not there before and that no fix takes away again.
fn brought(before: &[Diagnostic], after: &[Diagnostic]) -> Option<String> {
    let mut known: HashMap<(Code, &str), usize> = HashMap::new();
    for finding in before {
        *known.entry((finding.code, finding.message.as_str())).or_default() += 1;
    }
    for finding in after.iter().filter(|finding| finding.level() == Level::Error) {
        match known.get_mut(&(finding.code, finding.message.as_str())) {
            Some(count) if *count > 0 => *count -= 1,
            _ if is_fixable(finding) => {}
            _ => return Some(format!("it would bring {}: {}", finding.code.info().id, finding.message)),
        }
    }
    None
}

/// Where a place is after `edits`, which are in order.
fn moved(edits: &[Edit], at: usize) -> usize {
    let before = edits.iter().take_while(|edit| edit.span.end <= at);
    before.fold(at, |place, edit| place + edit.replacement.len() - (edit.span.end - edit.span.start))
}

/// Where a place was before `edits`, which are in order.
fn moved_back(edits: &[Edit], at: usize) -> usize {
    // What the edits before this one have added and taken away.
    let (mut added, mut taken) = (0, 0);
    for edit in edits {
        let start = edit.span.start + added - taken;
        if at < start {
            break;
        }
        if at < start + edit.replacement.len() {
            return edit.span.start;
        }
        added += edit.replacement.len();
        taken += edit.span.end - edit.span.start;
    }
    at + taken - added
}

fn patched(text: &str, edits: &[Edit]) -> String {
    let mut patched = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        patched.push_str(text.get(done..edit.span.start).unwrap_or_default());
        patched.push_str(&edit.replacement);
        done = edit.span.end;
    }
    patched.push_str(text.get(done..).unwrap_or_default());
    patched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str) -> (String, Settled) {
        let mut source = Source::for_test("a.flat", text);
        let mut diagnostics = source.check(&Settings::default()).diagnostics;
        let settled = settle(&mut source, &Settings::default(), &mut diagnostics);
        (source.text, settled)
    }

    fn stays(text: &str) -> Settled {
        let (after, settled) = settled(text);
        assert_eq!(after, text);
        assert_eq!((settled.count, &settled.applied), (0, &Vec::new()), "{text}");
        settled
    }

    #[test]
    fn certain_fixes_settle_and_are_listed() {
        let (text, settled) = settled(
            "edition 2026\nunder LESAM-plus(budget: 0.1)\nModel CNN\noptimize sgd(lr = 1 momentumm = 0)\n",
        );
        assert_eq!(
            text,
            "edition 2026\nunder lesam_plus(budget = 0.1)\nmodel cnn\noptimize sgd(lr = 1, momentum = 0)\n"
        );
        assert_eq!(
            settled.applied,
            [
                "a.flat:2:7: `LESAM-plus` -> `lesam_plus`",
                "a.flat:2:24: `:` -> `=`",
                "a.flat:3:1: `Model` -> `model`",
                "a.flat:4:20: write `,`",
                "a.flat:4:21: `momentumm` -> `momentum`",
                "a.flat:3:7: `CNN` -> `cnn`",
            ]
        );
        assert_eq!(settled.count, 6);
    }

    #[test]
    fn right_names_of_other_things_stay() {
        for text in [
            "model resnet152",
            "model vit_b32",
            "model preact_resnet34",
            "optimize nadam(lr = 1e-3)",
            "optimize asgd",
            "data kmnist",
            "data cifar10c",
            "data digits\nunder gam",
            "under vsam(rho = 0.05)",
            "against cat",
            "evaluate apgd",
            "against at(eps = 0.5, norm = l1)",
            "evaluate pgd(eps = 0.1, loss = cw)",
            "under lesma",
            "curriculum spp(amd)",
            "train 20",
            "validation 0.1",
            "learning_rate = 0.1",
        ] {
            stays(&format!("{text}\nedition 2026\n"));
        }
    }

    #[test]
    fn a_second_edition_is_not_made() {
        for text in ["eidtion 2026\nedition 2026\nunder sgd\n", "Edition 2026\nunder sgd\nedition 2026\n"] {
            stays(text);
        }
        let refused = stays("edition 2026\nUnder sgd\ntrain 5 epochs under sam\n").refused;
        assert!(
            refused[0].starts_with("a.flat:2:1: `Under` -> `under`: left out, it would bring F05"),
            "{refused:?}"
        );
    }

    #[test]
    fn a_parameter_that_is_given_is_not_written_again() {
        for text in [
            "under sam(rho = 0.1, rh = 3)\n",
            "under sam(radius = 3, rho = 0.1)\n",
            "under sam(0.1, RHO = 3)\n",
        ] {
            stays(text);
        }
    }

    #[test]
    fn one_bad_fix_does_not_stop_the_others() {
        let lines = "evaluate ACCURACY\n".repeat(40);
        let text = format!("edition 2026\n{lines}Under sgd\ntrain 5 epochs under sam\n");
        let (after, settled) = settled(&text);
        assert_eq!(settled.count, 40);
        assert_eq!(after, text.replace("ACCURACY", "accuracy"));
        assert_eq!(settled.refused.len(), 1);
    }

    #[test]
    fn places_move_there_and_back() {
        let edit = |start, end, text: &str| Edit { span: Span::new(start, end), replacement: text.into() };
        let edits = [edit(2, 3, "long"), edit(5, 9, "")];
        for (before, after) in [(0, 0), (4, 7), (9, 8), (12, 11)] {
            assert_eq!((moved(&edits, before), moved_back(&edits, after)), (after, before));
        }
        assert_eq!(moved_back(&edits, 4), 2);
    }

    #[test]
    fn a_file_without_findings_stays() {
        stays("edition 2026\nunder sam\n");
    }
}
