//! The words that begin statements and clauses: what each takes, and which statement each clause belongs to.

use super::grammar::Rule;

/// A reserved word.
#[derive(Debug)]
pub struct Keyword {
    pub word: &'static str,
    /// Whether a statement may begin with it.
    pub begins_statement: bool,
    /// The statements it may follow as a clause.
    pub owners: &'static [&'static str],
    /// What stands after it, as a noun phrase.
    pub takes: &'static str,
    /// A whole use of it.
    pub example: &'static str,
    /// The grammar rule of what stands after it.
    pub(super) slot: Rule,
}

const RECIPE: &[&str] = &["train", "curriculum", "against", "under"];

macro_rules! keywords {
    ($($word:literal $begins:literal $owners:expr, $slot:ident $takes:literal $example:literal;)*) => {
        /// Every reserved word, in the order of the language page.
        pub const KEYWORDS: &[Keyword] = &[$(Keyword {
            word: $word,
            begins_statement: $begins,
            owners: $owners,
            takes: $takes,
            example: $example,
            slot: Rule::$slot,
        }),*];
    };
}

keywords! {
    "edition" true &[], year "an edition" "edition 2026";
    "title" true &[], label "a text in double quotes" "title \"first try\"";
    "let" true &[], binding_name "a name" "let flat = sam(rho = 0.05)";
    "data" true &[], source "a data set" "data digits";
    "augment" false &["data"], augmentations "a list of augmentations" "augment [flip]";
    "test" false &["data"], augmentations "a list of augmentations" "test [resize(256), center_crop(224)]";
    "batch" false &["data"], batch_size "a batch size" "batch 128";
    "micro" false &["data"], batch_size "a number of samples" "micro 32";
    "validation" false &["data"], share "a share or a number of samples" "validation 10%";
    "shuffle" false &["data"], switch "`true` or `false`" "shuffle false";
    "model" true &[], architecture "a model" "model resnet18";
    "from" false &["model"], weights "a file name in double quotes" "from \"weights.safetensors\"";
    "optimize" true &[], optimizer "an optimizer" "optimize sgd(lr = 0.1)";
    "train" true &[], duration "a duration" "train 200 epochs";
    "curriculum" true RECIPE, pacing "a pacing" "curriculum ssp(adm)";
    "against" true RECIPE, adversary "an adversary" "against at(eps = 8/255)";
    "under" true RECIPE, minimizer "a minimizer" "under sam(rho = 0.05)";
    "over" false RECIPE, optimizer "an optimizer" "over sgd(lr = 0.1)";
    "then" false RECIPE, duration "a duration" "then 40 epochs";
    "evaluate" true &[], evaluator "an evaluator" "evaluate accuracy, loss";
    "every" false &["evaluate"], duration "a duration" "every 10 epochs";
    "select" true &[], selection "`last` or `best(METRIC)`" "select best(accuracy)";
    "seeds" true &[], seed_values "seeds" "seeds 0..3";
    "device" true &[], place "a device" "device cuda(0)";
    "precision" true &[], number_format "`f32` or `bf16`" "precision bf16";
    "export" true &[], file_name "a file name in double quotes" "export \"model.safetensors\"";
}

impl Keyword {
    /// The keyword spelled exactly `word`.
    pub fn find(word: &str) -> Option<&'static Keyword> {
        KEYWORDS.iter().find(|keyword| keyword.word == word)
    }

    /// Whether it may stand, as a clause, in a statement that begins with `statement`.
    pub fn follows(&self, statement: &str) -> bool {
        self.owners.contains(&statement)
    }

    /// Place among the clauses of one training phase, from 1; `None` outside recipes.
    pub(super) fn rank(&self) -> Option<usize> {
        let order = ["curriculum", "against", "under", "over"];
        order.iter().position(|word| *word == self.word).map(|position| position + 1)
    }
}

/// The words a statement may begin with.
pub fn statement_words() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(|keyword| keyword.begins_statement).map(|keyword| keyword.word)
}

/// The words a clause of a statement that begins with `statement` may begin with.
pub fn clause_words(statement: &str) -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(move |keyword| keyword.follows(statement)).map(|keyword| keyword.word)
}

/// Whether `word` cannot be the name of a `let`.
pub fn is_reserved(word: &str) -> bool {
    Keyword::find(word).is_some() || matches!(word, "each" | "last" | "none" | "true" | "false")
}
