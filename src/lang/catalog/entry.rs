//! What the catalogue knows about a component, as plain data.

use serde::Serialize;

use super::range::Range;

/// What a component is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Pacing,
    Difficulty,
    Adversary,
    Minimizer,
    Metric,
    Combiner,
    Optimizer,
    Source,
    Augmentation,
    Model,
    Evaluator,
    Schedule,
}

impl Kind {
    pub const ALL: [Kind; 12] = [
        Kind::Pacing,
        Kind::Difficulty,
        Kind::Adversary,
        Kind::Minimizer,
        Kind::Metric,
        Kind::Combiner,
        Kind::Optimizer,
        Kind::Source,
        Kind::Augmentation,
        Kind::Model,
        Kind::Evaluator,
        Kind::Schedule,
    ];

    /// `minimizer`
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// `a minimizer`
    pub const fn noun(self) -> &'static str {
        self.words().1
    }

    /// `minimizers`
    pub fn plural(self) -> &'static str {
        self.words().2
    }

    /// Where such a component stands, with an example.
    pub fn place(self) -> &'static str {
        self.words().3
    }

    const fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Kind::Pacing => ("pacing", "a pacing", "pacings", "after `curriculum`: `curriculum ssp(adm)`"),
            Kind::Difficulty => {
                ("difficulty", "a difficulty", "difficulties", "inside a pacing: `curriculum ssp(adm)`")
            }
            Kind::Adversary => {
                ("adversary", "an adversary", "adversaries", "after `against`: `against at(eps = 8/255)`")
            }
            Kind::Minimizer => {
                ("minimizer", "a minimizer", "minimizers", "after `under`: `under sam(rho = 0.05)`")
            }
            Kind::Metric => {
                ("metric", "a metric", "metrics", "inside a minimizer: `under lesam(metric = adaptive)`")
            }
            Kind::Combiner => {
                ("combiner", "a combiner", "combiners", "inside a minimizer: `under asam(combiner = gap)`")
            }
            Kind::Optimizer => (
                "optimizer",
                "an optimizer",
                "optimizers",
                "after `optimize`, `over` or `under`: `optimize sgd(lr = 0.1)`",
            ),
            Kind::Source => ("data source", "a data source", "data sources", "after `data`: `data mnist`"),
            Kind::Augmentation => (
                "augmentation",
                "an augmentation",
                "augmentations",
                "in the list after `augment`: `augment [crop(pad = 4), flip]`",
            ),
            Kind::Model => ("model", "a model", "models", "after `model`: `model cnn`"),
            Kind::Evaluator => {
                ("evaluator", "an evaluator", "evaluators", "after `evaluate`: `evaluate accuracy, loss`")
            }
            Kind::Schedule => ("schedule", "a schedule", "schedules", "as a value: `lr = cosine(0.05 -> 0)`"),
        }
    }
}

/// One component.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub name: &'static str,
    pub kind: Kind,
    #[serde(flatten)]
    pub facts: Facts,
    pub parameters: Vec<Parameter>,
}

/// The prose of an entry; an empty text does not apply to the component.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Facts {
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// The formula.
    pub rule: &'static str,
    /// Forward and backward passes per step.
    pub passes: &'static str,
    /// What is kept between steps and stored in checkpoints.
    pub state: &'static str,
    /// Paper, section, equation.
    pub source: &'static str,
    /// Readings and choices behind the defaults.
    pub notes: &'static str,
    /// How it is written, where that is not `name(parameter = default, ..)`.
    pub usage: &'static str,
    /// A statement or clause that may be pasted.
    pub example: &'static str,
}

impl Facts {
    pub const NONE: Facts = Facts {
        aliases: &[],
        summary: "",
        rule: "",
        passes: "",
        state: "",
        source: "",
        notes: "",
        usage: "",
        example: "",
    };
}

/// One value that may be written about a component or in a clause.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub form: Form,
    /// Empty for a plain number, a name, a text.
    pub unit: &'static str,
    pub range: Range,
    /// As it would be written in a file; `None` where the value must be given.
    pub default: Option<&'static str>,
    /// Where the default comes from.
    pub origin: &'static str,
    pub text: &'static str,
    /// May stand without its name, as the first argument.
    pub first: bool,
    /// Must not fall over a phase.
    pub rises: bool,
    /// A schedule may not touch an open end of the range either: the rule breaks down there.
    pub strict: bool,
    /// Many components of the kind take it: left out where a component is shown as it is written.
    pub shared: bool,
}

impl Parameter {
    /// A parameter that must be given and may take any value of its type.
    pub const fn new(name: &'static str, form: Form, text: &'static str) -> Self {
        Self {
            name,
            form,
            unit: "",
            range: Range::ANY,
            default: None,
            origin: "",
            text,
            first: false,
            rises: false,
            strict: false,
            shared: false,
        }
    }

    pub const fn default(mut self, default: &'static str, origin: &'static str) -> Self {
        self.default = Some(default);
        self.origin = origin;
        self
    }

    pub const fn range(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub const fn first(mut self) -> Self {
        self.first = true;
        self
    }

    pub const fn rises(mut self) -> Self {
        self.rises = true;
        self
    }

    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }
}

/// What may be written as a value.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Form {
    /// In words: `a number`, `a difficulty`, `hard, linear or log`.
    pub noun: &'static str,
    /// May change over a phase.
    pub schedule: bool,
    /// `none` switches it off.
    pub optional: bool,
    /// The words a choice takes.
    pub choices: &'static [&'static str],
    /// The kind of component that stands here.
    pub component: Option<Kind>,
}

impl Form {
    pub const fn of(noun: &'static str) -> Self {
        Self { noun, schedule: false, optional: false, choices: &[], component: None }
    }

    /// The noun, with `none` where that may be written.
    pub fn expected(&self) -> String {
        match (self.optional, self.noun.split_once(" or ")) {
            (false, _) => self.noun.to_string(),
            (true, Some((first, second))) => format!("{first}, {second} or `none`"),
            (true, None) => format!("{} or `none`", self.noun),
        }
    }
}

/// Unit of a share of a whole, where a percentage may be written.
pub const FRACTION: &str = "fraction";
/// Unit of times that are counted in epochs alone, `10 epochs`.
pub const EPOCHS: &str = "epochs";
/// Unit of a distance in pixel values, which lie in [0, 1].
pub const PIXELS: &str = "pixel range";

impl Entry {
    /// Whether this is the entry's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.facts.aliases.contains(&name)
    }

    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The parameter that may stand without its name.
    pub fn first(&self) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.first)
    }

    /// The entry as it is written with its defaults: `sam(rho = 0.05)`.
    pub fn usage(&self) -> String {
        if !self.facts.usage.is_empty() {
            return self.facts.usage.to_string();
        }
        let argument = |parameter: &Parameter| match parameter.default {
            Some(default) => format!("{} = {default}", parameter.name),
            None => format!("{} = ...", parameter.name),
        };
        let own = self.parameters.iter().filter(|parameter| !parameter.shared);
        let arguments: Vec<String> = own.map(argument).collect();
        if arguments.is_empty() {
            return self.name.to_string();
        }
        format!("{}({})", self.name, arguments.join(", "))
    }
}
