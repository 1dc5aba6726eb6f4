//! Findings as plain data: what is wrong, where, and what to write instead.
//!
//! Nothing here prints. `cli::render` turns findings into text, JSON, SARIF.

mod bounded;
mod code;
mod suggest;

pub use bounded::{Bounded, MOST_KEPT, MOST_SHOWN, grouped, shown};
pub use code::{CODES, Code, CodeInfo};
pub use suggest::{is_slip, nearest};

use serde::Serialize;

/// Byte range in the source text; `start <= end <= source.len()`, both on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub fn join(self, other: Span) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// An error stops the file from running; a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Warning,
    Error,
}

/// A place in the source and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One replacement of source text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    pub span: Span,
    pub replacement: String,
}

/// An edit that is clearly what was meant; `safe` ones are applied by `check --fix`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    pub title: String,
    pub edits: Vec<Edit>,
    pub safe: bool,
}

/// One finding. The first label is the primary place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub labels: Vec<Label>,
    pub help: Vec<String>,
    pub fix: Option<Fix>,
    /// Findings of the same code that are left out after this one.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Diagnostic {
    /// A finding at `span`; `label` says the local fact, `message` stands alone.
    pub fn new(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            labels: vec![Label { span, text: label.into() }],
            help: Vec::new(),
            fix: None,
            more: 0,
        }
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Replace `span` by `replacement`; applied by `check --fix`.
    pub fn fix(mut self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        let edits = vec![Edit { span, replacement: replacement.into() }];
        self.fix = Some(Fix { title: title.into(), edits, safe: true });
        self
    }

    /// As [`Diagnostic::fix`], where something else may be meant: shown, and not applied by itself.
    pub fn suggest(self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        let mut finding = self.fix(title, span, replacement);
        finding.fix.iter_mut().for_each(|fix| fix.safe = false);
        finding
    }

    /// Names the nearest `what` to the word at `span`; where that is certain, it is offered as a fix.
    pub fn nearest(self, what: &str, span: Span, word: &str, near: &str) -> Self {
        let finding = self.help(format!("the nearest {what} is `{near}`"));
        if is_slip(word, near) { finding.fix(format!("replace by `{near}`"), span, near) } else { finding }
    }

    /// The same about a text that begins `by` bytes later.
    pub fn moved(mut self, by: usize) -> Self {
        let labels = self.labels.iter_mut().map(|label| &mut label.span);
        let edits = self.fix.iter_mut().flat_map(|fix| &mut fix.edits).map(|edit| &mut edit.span);
        labels.chain(edits).for_each(|span| *span = Span::new(span.start + by, span.end + by));
        self
    }

    /// `and 39,900 more of F0102`, where findings are left out.
    pub fn rest(&self) -> Option<String> {
        let id = self.code.info().id;
        (self.more > 0).then(|| format!("and {} more of {id}", grouped(self.more)))
    }

    pub fn level(&self) -> Level {
        self.code.info().level
    }

    pub fn span(&self) -> Span {
        self.labels.first().map(|label| label.span).unwrap_or_default()
    }
}
