//! Words of the language that name no statement, clause or component.

/// A word and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct WordEntry {
    pub word: &'static str,
    pub usage: &'static str,
    pub summary: &'static str,
    pub example: &'static str,
    /// More to know, in paragraphs.
    pub notes: &'static str,
}

/// Every such word.
pub const WORDS: &[WordEntry] = &[
    WordEntry {
        word: "each",
        usage: "each [A, B, ..]",
        summary: "a choice, in place of any value or component: the file then means every combination of its choices",
        example: "under each [none, sam(rho = 0.05)]",
        notes: "A variant is called by its choices, in the order in which they stand in the file, with `_` between them. The name is its row \
                in tables and its folder.\n\
                A component is its own name and what is written in its parentheses: `sam(rho = 0.05)` is `sam-rho-0.05`. So is the name of a `let` that \
                holds a component. Everything else says first what varies, which is the parameter, the clause, or the `let` around it: \
                `lr = each [0.1, 0.01]` makes `lr-0.1` and `lr-0.01`, `batch each [64, 128]` makes `batch-64` and `batch-128`, \
                `under each [none, sam]` makes `under-none` and `sam`. Where two choices would be called the same, the component goes \
                before, or the phase: `sam-rho-0.1_asam-rho-1`.\n\
                Numbers stay as they are written, but for `_` in place of `/` and `pct` in place of `%`: `8_255`, `10pct`; `0.1 -> 0` is `0.1-to-0`. \
                Of a path in quotes the last part counts, or as many as tell it from the others of the choice. \
                A name ends after 80 letters; of equal names, all but the first get a number.",
    },
    WordEntry {
        word: "last",
        usage: "last N epochs, last N steps, or select last",
        summary: "the end of the phase as a window of a schedule; after `select`, the weights of the last step",
        example: "under lesam(anneal = last 40 epochs)",
        notes: "",
    },
    WordEntry {
        word: "best",
        usage: "select best(EVALUATOR)",
        summary: "the weights with the best validation measurement of the run",
        example: "select best(accuracy)",
        notes: "",
    },
    WordEntry {
        word: "epochs",
        usage: "N epochs, or [N, M] epochs, or N..M epochs",
        summary: "the unit of times and durations: passes over the training split; `steps` counts batches instead",
        example: "train 200 epochs",
        notes: "",
    },
    WordEntry {
        word: "none",
        usage: "PARAMETER = none",
        summary: "the value of a parameter that may be absent",
        example: "normalize = none",
        notes: "",
    },
];
