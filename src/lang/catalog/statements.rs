//! Statements and their clauses, as documentation and editors see them.

use serde::Serialize;

use super::Kind;

/// A statement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StatementEntry {
    pub keyword: &'static str,
    pub usage: &'static str,
    pub summary: &'static str,
    /// What holds when the statement is absent.
    pub absent: &'static str,
    /// May stand more than once.
    pub repeats: bool,
    /// What stands after the keyword, where that is a component.
    pub component: Option<Kind>,
    pub clauses: &'static [ClauseEntry],
}

/// A clause that may follow in a statement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClauseEntry {
    pub keyword: &'static str,
    pub usage: &'static str,
    pub summary: &'static str,
    pub component: Option<Kind>,
}

const fn clause_entry(keyword: &'static str, usage: &'static str, summary: &'static str) -> ClauseEntry {
    ClauseEntry { keyword, usage, summary, component: None }
}

const fn component_clause(
    keyword: &'static str,
    usage: &'static str,
    summary: &'static str,
    kind: Kind,
) -> ClauseEntry {
    ClauseEntry { keyword, usage, summary, component: Some(kind) }
}

const CURRICULUM: ClauseEntry = component_clause(
    "curriculum",
    "curriculum PACING",
    "which samples count; `erm`, every one, when absent",
    Kind::Pacing,
);
const AGAINST: ClauseEntry = component_clause(
    "against",
    "against ADVERSARY",
    "what attacks the inputs; nothing when absent",
    Kind::Adversary,
);
const UNDER: ClauseEntry = component_clause(
    "under",
    "under MINIMIZER",
    "how the weights are perturbed; `none`, or no `under` at all, is the base optimizer alone, and so is its own name: `under sgd`",
    Kind::Minimizer,
);
const OVER: ClauseEntry = component_clause(
    "over",
    "over OPTIMIZER",
    "base optimizer of this phase; that of `optimize` when absent",
    Kind::Optimizer,
);
const THEN: ClauseEntry = clause_entry("then", "then DURATION RECIPE", "the next phase, on the same weights");

const fn statement_entry(
    keyword: &'static str,
    usage: &'static str,
    summary: &'static str,
    absent: &'static str,
) -> StatementEntry {
    StatementEntry { keyword, usage, summary, absent, repeats: false, component: None, clauses: &[] }
}

impl StatementEntry {
    const fn of(mut self, kind: Kind) -> Self {
        self.component = Some(kind);
        self
    }

    const fn clauses(mut self, clauses: &'static [ClauseEntry]) -> Self {
        self.clauses = clauses;
        self
    }

    const fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }
}

/// Every statement.
pub const STATEMENTS: &[StatementEntry] = &[
    statement_entry("edition", "edition 2026", "pins every default of the file", "the newest edition"),
    statement_entry("title", "title \"TEXT\"", "a label for reports", "no title"),
    statement_entry("let", "let NAME = VALUE", "a name for a value, a schedule or a component", "").repeated(),
    statement_entry(
        "data",
        "data SOURCE [augment [A, ..]] [test [A, ..]] [batch N] [micro N] [validation P% or N] [shuffle false]",
        "data set and batching",
        "the embedded `digits`",
    )
    .of(Kind::Source)
    .clauses(&[
        component_clause(
            "augment",
            "augment [A, ..]",
            "changes of the training images, in order; none when absent",
            Kind::Augmentation,
        ),
        component_clause(
            "test",
            "test [A, ..]",
            "what is done to images that are measured on, without draws; when absent `resize` and `center_crop` of `augment`, and for `random_resized_crop` the centre of the image",
            Kind::Augmentation,
        ),
        clause_entry("batch", "batch N", "samples per batch; 64 for `digits`, else 128 when absent"),
        clause_entry(
            "micro",
            "micro N",
            "samples that are in memory at once: the batch is taken in parts and their gradients are averaged, but batch normalisation sees each part alone; the whole batch when absent",
        ),
        clause_entry("validation", "validation P% or N", "part of the training split held out; none when absent"),
        clause_entry("shuffle", "shuffle false", "keep the order of the file; a new order each epoch when absent"),
    ]),
    statement_entry(
        "model",
        "model ARCHITECTURE [from \"weights.safetensors\"]",
        "network; classes and input size are taken from the data",
        "`cnn`",
    )
    .of(Kind::Model)
    .clauses(&[clause_entry("from", "from \"weights.safetensors\"", "weights to start from; drawn from the seed when absent")]),
    statement_entry("optimize", "optimize OPTIMIZER", "base optimizer of every phase that names none", "`sgd`")
        .of(Kind::Optimizer),
    statement_entry(
        "train",
        "train DURATION [curriculum PACING] [against ADVERSARY] [under MINIMIZER] [over OPTIMIZER] { then DURATION .. }",
        "the phases",
        "the data set's default duration",
    )
    .clauses(&[CURRICULUM, AGAINST, UNDER, OVER, THEN]),
    statement_entry(
        "curriculum",
        "curriculum PACING [against ADVERSARY] [under MINIMIZER] [over OPTIMIZER]",
        "a recipe alone: trains for the data set's default duration",
        "",
    )
    .of(Kind::Pacing)
    .clauses(&[AGAINST, UNDER, OVER, THEN]),
    statement_entry(
        "against",
        "against ADVERSARY [under MINIMIZER] [over OPTIMIZER]",
        "a recipe alone: trains for the data set's default duration",
        "",
    )
    .of(Kind::Adversary)
    .clauses(&[CURRICULUM, UNDER, OVER, THEN]),
    statement_entry(
        "under",
        "under MINIMIZER [over OPTIMIZER]",
        "a recipe alone: trains for the data set's default duration",
        "",
    )
    .of(Kind::Minimizer)
    .clauses(&[CURRICULUM, AGAINST, OVER, THEN]),
    statement_entry(
        "evaluate",
        "evaluate E, .. [every DURATION]",
        "measurements at the end, or on the way too",
        "`accuracy`",
    )
    .of(Kind::Evaluator)
    .repeated()
    .clauses(&[clause_entry("every", "every DURATION", "on the way too, besides at the end")]),
    statement_entry(
        "select",
        "select last or select best(EVALUATOR)",
        "which weights are reported and exported; `best(pgd.accuracy)` attacks the validation split as the file's own `pgd` does",
        "`last`",
    ),
    statement_entry("seeds", "seeds A..B (B excluded) or seeds [a, b]", "one run per seed", "`seeds [0]`"),
    statement_entry("device", "device cpu or device cuda(0)", "where it runs", "`cpu`"),
    statement_entry(
        "precision",
        "precision f32 or precision bf16",
        "number format of convolutions and products in training; weights, norms, losses, statistics and measurements are in `f32`",
        "`f32`",
    ),
    statement_entry(
        "export",
        "export \"file.safetensors\"",
        "also write the selected weights there, under PyTorch's parameter names",
        "the run folder only",
    ),
];

/// The statement a keyword begins.
pub fn statement(keyword: &str) -> Option<&'static StatementEntry> {
    STATEMENTS.iter().find(|statement| statement.keyword == keyword)
}

/// A clause by its keyword and the statements that take it.
pub fn clause(keyword: &str) -> Option<(&'static ClauseEntry, Vec<&'static str>)> {
    let holds =
        |statement: &&StatementEntry| statement.clauses.iter().any(|clause| clause.keyword == keyword);
    let places: Vec<&StatementEntry> = STATEMENTS.iter().filter(holds).collect();
    let entry = places.first()?.clauses.iter().find(|clause| clause.keyword == keyword)?;
    Some((entry, places.iter().map(|statement| statement.keyword).collect()))
}

#[cfg(test)]
mod tests {
    use super::{STATEMENTS, statement};
    use crate::syntax::{KEYWORDS, clause_words, statement_words};

    #[test]
    fn statements_are_those_of_the_grammar() {
        let mut described: Vec<&str> = STATEMENTS.iter().map(|statement| statement.keyword).collect();
        let mut written: Vec<&str> = statement_words().collect();
        described.sort_unstable();
        written.sort_unstable();
        assert_eq!(described, written);
    }

    #[test]
    fn clauses_are_those_of_the_grammar() {
        for word in statement_words() {
            let described = statement(word).map_or(&[][..], |statement| statement.clauses);
            for clause in described {
                assert!(
                    clause_words(word).any(|legal| legal == clause.keyword),
                    "{word}: {}",
                    clause.keyword
                );
            }
        }
        for clause in KEYWORDS.iter().filter(|keyword| !keyword.begins_statement) {
            for owner in clause.owners {
                let described = statement(owner).map_or(&[][..], |statement| statement.clauses);
                assert!(
                    described.iter().any(|entry| entry.keyword == clause.word),
                    "{owner}: {}",
                    clause.word
                );
            }
        }
    }
}
