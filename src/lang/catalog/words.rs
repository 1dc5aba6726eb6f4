//! Words of the language that name no statement, clause or component.

/// A word and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct WordEntry {
    pub word: &'static str,
    pub usage: &'static str,
    pub summary: &'static str,
    pub example: &'static str,
}

/// Every such word.
pub const WORDS: &[WordEntry] = &[
    WordEntry {
        word: "each",
        usage: "each [A, B, ..]",
        summary: "a choice, in place of any value or component: the file then means every combination of its choices",
        example: "under each [sgd, sam(rho = 0.05)]",
    },
    WordEntry {
        word: "last",
        usage: "last N epochs, last N steps, or select last",
        summary: "the end of the phase as a window of a schedule; after `select`, the weights of the last step",
        example: "under lesam(anneal = last 40 epochs)",
    },
    WordEntry {
        word: "best",
        usage: "select best(EVALUATOR)",
        summary: "the weights with the best validation measurement of the run",
        example: "select best(accuracy)",
    },
    WordEntry {
        word: "epochs",
        usage: "N epochs, or [N, M] epochs, or N..M epochs",
        summary: "the unit of times and durations: passes over the training split; `steps` counts batches instead",
        example: "train 200 epochs",
    },
    WordEntry {
        word: "none",
        usage: "PARAMETER = none",
        summary: "the value of a parameter that may be absent",
        example: "normalize = none",
    },
];
