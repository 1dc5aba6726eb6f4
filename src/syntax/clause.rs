//! Statements and their clauses, and what can be wrong with the words they begin with.

use pest::iterators::Pair;

use crate::diagnostic::{Code, Diagnostic, Span, nearest};

use super::ast::{Clause, Expr, Name, Statement};
use super::grammar::{Rule, parts};
use super::keyword::{Keyword, is_reserved, statement_words};
use super::slip;
use super::value::{Builder, missing_at};

impl Builder<'_> {
    pub fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let clauses: Vec<Clause> = parts(pair).map(|clause| self.clause(clause)).collect();
        let clauses = self.in_order(clauses);
        let span = clauses.first()?.span.join(clauses.last()?.span);
        Some(Statement { clauses, span })
    }

    fn clause(&mut self, pair: Pair<'_, Rule>) -> Clause {
        let mut inner = pair.into_inner();
        let keyword = match inner.next() {
            Some(word) => self.name(&word),
            None => Name { text: String::new(), span: Span::new(self.base, self.base) },
        };
        let mut clause = Clause { span: keyword.span, keyword, name: None, values: Vec::new() };
        let mut comma_missing = false;
        let mut written = clause.keyword.span;
        for part in inner {
            match part.as_rule() {
                Rule::COMMENT => {}
                Rule::binding_name => clause.name = Some(self.binding_name(&part)),
                Rule::equals | Rule::wrong_equals | Rule::missing_equals => {
                    written = written.join(self.span(&part));
                    if let Some(name) = &clause.name {
                        self.assignment(&part, name);
                    }
                }
                Rule::stray_equals => self.stray_equals(&part, &clause.keyword.text),
                Rule::comma | Rule::trailing_comma => self.commas(&part),
                Rule::missing_comma => comma_missing = true,
                Rule::missing => {}
                _ => {
                    let value = self.slot(part);
                    if let (true, Some(previous)) = (std::mem::take(&mut comma_missing), clause.values.last())
                    {
                        self.comma_between_values(previous, &value);
                    }
                    clause.values.push(value);
                }
            }
        }
        self.require_value(&mut clause, written);
        clause.span = clause.values.iter().fold(written, |span, value| span.join(value.span));
        clause
    }

    /// The value in a rule that says what it is for.
    fn slot(&mut self, pair: Pair<'_, Rule>) -> Expr {
        if pair.as_rule() == Rule::chain {
            return self.chain(pair);
        }
        match parts(pair).next() {
            Some(value) => self.value(value),
            None => missing_at(self.base),
        }
    }

    fn binding_name(&mut self, pair: &Pair<'_, Rule>) -> Name {
        let name = self.name(pair);
        if is_reserved(&name.text) {
            let message = format!("`{}` cannot be a name: the language keeps it for itself", name.text);
            let label = "a reserved word";
            self.report(
                Diagnostic::new(Code::ReservedName, name.span, message, label)
                    .help(format!("for example `let {}_1 = …`", name.text)),
            );
        }
        name
    }

    fn stray_equals(&mut self, pair: &Pair<'_, Rule>, keyword: &str) {
        let span = self.span(pair);
        let finding = Keyword::find(keyword).map(|keyword| slip::stray_equals(self.source, span, keyword));
        self.diagnostics.extend(finding);
    }

    /// Reports a clause without its value; `written` is what stands of it.
    fn require_value(&mut self, clause: &mut Clause, written: Span) {
        if !clause.values.is_empty() {
            return;
        }
        let Some(keyword) = Keyword::find(&clause.keyword.text) else { return };
        let finding = match &clause.name {
            Some(name) => {
                let wanted = if written.end > name.span.end { "a value" } else { "`=` and a value" };
                slip::missing_after(written.join(name.span), wanted, &format!("`let {}`", name.text))
            }
            None => slip::missing_after(written, keyword.takes, &format!("`{}`", keyword.word)),
        };
        let missing = self.missing(finding.help(format!("for example `{}`", keyword.example)));
        clause.values.push(missing);
    }

    /// Reports clauses that stand twice or in the wrong order; the later of two is left out.
    fn in_order(&mut self, clauses: Vec<Clause>) -> Vec<Clause> {
        let mut kept: Vec<Clause> = Vec::new();
        let mut phase = 0;
        for clause in clauses {
            if clause.keyword.text == "then" {
                phase = kept.len();
            } else if let Some(first) =
                kept[phase..].iter().find(|first| first.keyword.text == clause.keyword.text)
            {
                let finding = repeated(&first.keyword, &clause.keyword);
                self.report(finding);
                continue;
            } else if let Some(previous) = kept.last() {
                self.diagnostics.extend(too_late(&previous.keyword, &clause.keyword));
            }
            kept.push(clause);
        }
        kept
    }

    pub fn unknown(&mut self, pair: Pair<'_, Rule>) {
        let mut inner = parts(pair);
        let Some(word) = inner.next() else { return };
        let rest = inner.next().map_or("", |rest| rest.as_str());
        let (span, text) = (self.span(&word), word.as_str());
        let finding = Diagnostic::new(
            Code::UnknownStatement,
            span,
            format!("no statement begins with `{text}`"),
            "not a statement",
        );
        let finding = suggest_statement(finding, self.source, text, rest, span);
        self.report(finding);
    }

    pub fn misplaced(&mut self, pair: Pair<'_, Rule>) {
        let Some(word) = parts(pair).next() else { return };
        let Some(keyword) = Keyword::find(word.as_str()) else { return };
        self.report(misplaced_clause(keyword, self.span(&word)));
    }
}

/// Words that other programs have for a setting, in small letters without `_`, and how it is written here.
#[rustfmt::skip]
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["dataset", "datasets", "dataloader"], "the data are a statement: `data digits`"),
    (&["batchsize", "bs", "minibatch"], "the batch is a clause of `data`: `data digits batch 128`"),
    (&["network", "net", "arch", "architecture", "backbone"], "the network is a statement: `model resnet18`"),
    (&["optim", "optimizer", "optimiser"], "the optimizer is a statement: `optimize sgd(lr = 0.1)`"),
    (&["lr", "learningrate"], "the learning rate belongs to the optimizer: `optimize sgd(lr = 0.1)`"),
    (&["momentum", "weightdecay", "wd", "nesterov"], "this belongs to the optimizer: `optimize sgd(lr = 0.1, momentum = 0.9)`"),
    (&["scheduler", "schedule", "lrscheduler", "warmup"],
        "a schedule is the value of `lr`: `optimize sgd(lr = warmup(5 epochs) then cosine(0.05 -> 0))`"),
    (&["epochs", "epoch", "fit", "iterations", "maxepochs", "numepochs", "nepochs"], "how long it trains is said by `train`: `train 200 epochs`"),
    (&["attack", "adversary", "adversarial"], "an adversary is a statement: `against at(eps = 8/255)`"),
    (&["minimize", "minimizer", "minimise", "minimiser", "rho"], "a minimizer is a statement: `under sam(rho = 0.05)`"),
    (&["eval", "metrics", "metric", "measure"], "what is measured is a statement: `evaluate accuracy, loss`"),
    (&["loss", "criterion", "lossfn"], "the training loss is cross-entropy, or that of the adversary; `evaluate loss` measures it"),
    (&["name", "experiment", "description"], "a name for reports is a statement: `title \"first try\"`"),
    (&["save", "output", "out", "checkpoint", "savepath"], "weights are written by a statement: `export \"model.safetensors\"`"),
    (&["seed", "randomseed", "manualseed"], "seeds are a statement: `seeds 0..3`, or `seeds [7]` for one"),
    (&["gpu", "gpus", "cuda", "cpu"], "the device is a statement: `device cpu`, or `device cuda(0)`"),
    (&["augmentation", "augmentations", "transform", "transforms"], "changes of images are a clause of `data`: `data digits augment [crop(pad = 1)]`"),
    (&["earlystopping", "earlystop", "patience"],
        "training is not stopped early; `select best(accuracy)` takes the best weights of the run"),
    (&["workers", "numworkers", "threads"], "threads are chosen by the program; leave it out"),
    (&["import", "include"], "a file stands alone; nothing is imported"),
];

/// Whether a second statement of this kind is an error.
fn stands_once(keyword: &str) -> bool {
    !matches!(keyword, "let" | "evaluate")
}

fn begins_a_line(source: &str, keyword: &str) -> bool {
    let first = |line: &str| line.split([' ', '\t', '=', '(']).find(|word| !word.is_empty()) == Some(keyword);
    source.lines().any(first)
}

fn suggest_statement(finding: Diagnostic, source: &str, word: &str, rest: &str, span: Span) -> Diagnostic {
    let plain = word.to_ascii_lowercase().replace('_', "");
    if let Some((_, here)) = ELSEWHERE.iter().find(|(elsewhere, _)| elsewhere.contains(&plain.as_str())) {
        return finding.help(*here);
    }
    if let Some(right) = nearest(word, statement_words()) {
        if stands_once(right) && begins_a_line(source, right) {
            let help = format!("the nearest statement is `{right}`, which the file has already");
            return finding.help(help);
        }
        return finding.nearest("statement", span, word, right);
    }
    if rest.starts_with('=') && !rest.starts_with("==") {
        let start = Span::new(span.start, span.start);
        let finding = finding.help(format!("a name for a value is written `let {word} = …`"));
        return finding.suggest("write `let`", start, "let ");
    }
    if rest.starts_with('(') {
        return finding
            .help(format!("a component stands after the word of a statement, as in `under {word}(…)`"));
    }
    finding.help(format!("statements begin with {}", listed(statement_words())))
}

fn misplaced_clause(keyword: &Keyword, span: Span) -> Diagnostic {
    let owner = keyword.owners.first().copied().unwrap_or_default();
    let message = format!("`{}` is a clause of `{owner}` and cannot begin a statement", keyword.word);
    let help = format!("it stands after `{owner} …`, on the same line or the next");
    Diagnostic::new(Code::MisplacedClause, span, message, format!("no `{owner}` to belong to")).help(help)
}

fn repeated(first: &Name, second: &Name) -> Diagnostic {
    let message = format!("`{}` stands twice", second.text);
    Diagnostic::new(Code::RepeatedClause, second.span, message, "again here").label(first.span, "first here")
}

/// A clause of a training phase after one that it should precede.
fn too_late(previous: &Name, late: &Name) -> Option<Diagnostic> {
    let rank = |name: &Name| Keyword::find(&name.text)?.rank();
    if rank(late)? > rank(previous)? {
        return None;
    }
    let message = format!("`{}` stands before `{}`", late.text, previous.text);
    let order = "the order is `curriculum`, `against`, `under`, `over`";
    Some(
        Diagnostic::new(Code::MisplacedClause, late.span, message, "too late")
            .label(previous.span, "after this")
            .help(order),
    )
}

/// `` `a`, `b` ``.
pub(super) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
