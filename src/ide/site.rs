//! What may stand at a place of a text, complete or not, read from the tokens before it.

use crate::lang::catalog::{self, Entry, Kind, Parameter};
use crate::syntax::{Keyword, Token, TokenKind};

/// What a value is wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// Numbers, texts, or nothing at all: no name fits.
    Nothing,
    Component(Kind),
    Parameter(&'static Parameter),
    Duration,
    /// One of the words of a clause.
    Words(&'static [&'static str]),
    /// The value of a `let`.
    Anything,
}

/// What stands before the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: a statement begins here.
    Start,
    /// `(` or `,` of a call: an argument begins here, or its name.
    Argument,
    /// Something that a value follows.
    Open,
    /// A number or a list, which a unit may follow.
    Number,
    /// Any other whole value.
    Value,
}

/// What a word is, given where it stands.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    Keyword(&'static Keyword),
    /// A parameter of this component.
    Parameter(&'static Entry, &'static Parameter),
    /// The name after `let`.
    Bound,
    /// A value; what it means depends on the slot.
    Value,
    Other,
}

/// An open bracket, and for a call what was written in it so far.
#[derive(Clone, Debug)]
pub struct Frame<'t> {
    bracket: &'t str,
    /// The word before the bracket.
    pub name: Option<&'t str>,
    pub entry: Option<&'static Entry>,
    /// Names of the arguments before the place.
    pub given: Vec<&'t str>,
    position: usize,
    outside: Slot,
}

/// A place in a statement.
#[derive(Clone, Debug)]
pub struct Site<'t> {
    pub statement: Option<&'static Keyword>,
    /// The clauses of the training phase, or of the statement where it has no phases.
    pub clauses: Vec<&'static Keyword>,
    pub slot: Slot,
    pub before: Before,
    pub frames: Vec<Frame<'t>>,
    /// Name of the call that ends just before the place.
    pub closed: Option<&'t str>,
    word: Option<&'t str>,
}

/// Words that a clause takes and that no component declares.
const WORDS: &[(&str, &[&str])] = &[
    ("edition", &["2026"]),
    ("shuffle", &["false", "true"]),
    ("select", &["last", "best(accuracy)"]),
    ("device", &["cpu", "cuda(0)"]),
    ("precision", &["f32", "bf16"]),
];

impl Slot {
    /// What stands after a keyword.
    fn after(keyword: &Keyword) -> Self {
        let word = keyword.word;
        if let Some((_, words)) = WORDS.iter().find(|(clause, _)| *clause == word) {
            return Slot::Words(words);
        }
        let of_statement = catalog::statement(word).and_then(|statement| statement.component);
        let component = of_statement.or_else(|| catalog::clause(word)?.0.component);
        match (component, word) {
            (Some(kind), _) => Slot::Component(kind),
            (None, "train" | "then" | "every") => Slot::Duration,
            _ => Slot::Nothing,
        }
    }

    /// The kinds of component that fit.
    pub fn kinds(self) -> Vec<Kind> {
        match self {
            // A base optimizer stands for itself where a minimizer may.
            Slot::Component(Kind::Minimizer) => vec![Kind::Minimizer, Kind::Optimizer],
            Slot::Component(kind) => vec![kind],
            Slot::Parameter(parameter) => {
                let schedule = parameter.form.schedule.then_some(Kind::Schedule);
                parameter.form.component.into_iter().chain(schedule).collect()
            }
            Slot::Anything => Kind::ALL.to_vec(),
            Slot::Nothing | Slot::Duration | Slot::Words(_) => Vec::new(),
        }
    }

    /// The component that a name stands for.
    pub fn entry(self, name: &str) -> Option<&'static Entry> {
        self.kinds().into_iter().find_map(|kind| catalog::find_in(kind, name))
    }

    /// Whether epochs or steps are counted here: what is expected then shows them.
    pub fn takes_time(self) -> bool {
        match self {
            Slot::Duration | Slot::Anything => true,
            Slot::Parameter(parameter) => parameter.form.noun.contains("epochs"),
            _ => false,
        }
    }

    /// Whether `last 40 epochs` may stand here.
    pub fn takes_window(self) -> bool {
        matches!(self, Slot::Parameter(parameter) if parameter.form.noun.contains("`last "))
    }
}

impl Frame<'_> {
    fn is_call(&self) -> bool {
        self.bracket == "("
    }

    /// What the argument that begins now is, without a name.
    fn argument(&self, clause: Option<&Keyword>) -> Slot {
        let selects = clause.is_some_and(|clause| clause.word == "select") && self.name == Some("best");
        let parameter = self.entry.and_then(|entry| match entry.kind {
            Kind::Schedule => entry.parameters.get(self.position),
            _ => entry.first().filter(|_| self.position == 0),
        });
        match parameter {
            Some(parameter) => Slot::Parameter(parameter),
            None if selects => Slot::Component(Kind::Evaluator),
            None => Slot::Nothing,
        }
    }
}

impl<'t> Site<'t> {
    /// Before the first word of a statement.
    pub fn start() -> Self {
        Self {
            statement: None,
            clauses: Vec::new(),
            slot: Slot::Nothing,
            before: Before::Start,
            frames: Vec::new(),
            closed: None,
            word: None,
        }
    }

    /// The place after `tokens`, the first ones of a statement of `text`.
    pub fn after(text: &'t str, tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut site = Self::start();
        tokens.into_iter().for_each(|token| site.take(text, token));
        site
    }

    /// Goes on behind `token`.
    pub fn take(&mut self, text: &'t str, token: Token) {
        let word = &text[token.span.start..token.span.end];
        match token.kind {
            TokenKind::Comment | TokenKind::Newline => return,
            TokenKind::Word => self.name(word),
            TokenKind::Figure => self.before = Before::Number,
            TokenKind::Text(_) => self.before = Before::Value,
            TokenKind::Open => self.open(word),
            TokenKind::Close => self.close(),
            TokenKind::Sign | TokenKind::Semicolon | TokenKind::Stray => self.sign(word),
        }
        self.word = Some(word).filter(|_| token.kind == TokenKind::Word);
    }

    /// What `word` is here; `next` is the token after it.
    pub fn role(&self, word: &str, next: Option<&str>) -> Role {
        if let Some(keyword) = self.keyword(word) {
            return Role::Keyword(keyword);
        }
        let call = self.frames.last().filter(|frame| frame.is_call());
        if next == Some("=") && let Some(entry) = call.and_then(|frame| frame.entry) {
            return entry.parameter(word).map_or(Role::Other, |parameter| Role::Parameter(entry, parameter));
        }
        match self.before {
            Before::Open if self.binds() => Role::Bound,
            Before::Argument if next == Some("=") => Role::Other,
            Before::Open | Before::Argument => Role::Value,
            _ => Role::Other,
        }
    }

    /// Whether an expression at this place names what a `let` binds: the `lr` of `follow` is a word of its own.
    pub fn may_refer(&self) -> bool {
        let follows = self.frames.last().is_some_and(|frame| frame.name == Some("follow") && frame.position == 0);
        matches!(self.before, Before::Open | Before::Argument) && !self.binds() && !follows
    }

    /// The call whose arguments stand here.
    pub fn call(&self) -> Option<&Frame<'t>> {
        self.frames.last().filter(|frame| frame.is_call())
    }

    pub fn clause(&self) -> Option<&'static Keyword> {
        self.clauses.last().copied()
    }

    /// Whether this is the place of the name after `let`.
    fn binds(&self) -> bool {
        self.word == Some("let") && self.is_let() && self.frames.is_empty()
    }

    fn is_let(&self) -> bool {
        self.statement.is_some_and(|statement| statement.word == "let")
    }

    /// The statement or clause that `word` begins here.
    fn keyword(&self, word: &str) -> Option<&'static Keyword> {
        let keyword = Keyword::find(word).filter(|_| self.frames.is_empty())?;
        match self.statement {
            None => Some(keyword).filter(|_| self.before == Before::Start),
            Some(statement) => Some(keyword).filter(|keyword| keyword.follows(statement.word)),
        }
    }

    fn name(&mut self, word: &'t str) {
        if let Some(keyword) = self.keyword(word) {
            return self.begin(keyword);
        }
        self.before = match word {
            "each" | "last" | "then" => Before::Open,
            _ => Before::Value,
        };
        self.closed = None;
    }

    fn begin(&mut self, keyword: &'static Keyword) {
        self.statement.get_or_insert(keyword);
        if keyword.word == "then" {
            self.clauses.clear();
        }
        self.clauses.push(keyword);
        self.slot = Slot::after(keyword);
        self.before = Before::Open;
    }

    fn open(&mut self, bracket: &'t str) {
        let name = self.word.filter(|_| bracket == "(");
        let entry = name.and_then(|name| self.slot.entry(name));
        let frame = Frame { bracket, name, entry, given: Vec::new(), position: 0, outside: self.slot };
        if frame.is_call() {
            self.slot = frame.argument(self.clause());
        }
        self.before = if frame.is_call() { Before::Argument } else { Before::Open };
        self.frames.push(frame);
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.before = if frame.is_call() { Before::Value } else { Before::Number };
        self.slot = frame.outside;
        self.closed = frame.name;
    }

    fn sign(&mut self, sign: &str) {
        let clause = self.clause();
        let (word, is_let) = (self.word, self.is_let());
        self.before = if sign == "%" { Before::Value } else { Before::Open };
        match (self.frames.last_mut().filter(|frame| frame.is_call()), sign) {
            (Some(frame), ",") => {
                frame.position += 1;
                self.slot = frame.argument(clause);
                self.before = Before::Argument;
            }
            (Some(frame), "=") => {
                frame.given.extend(word);
                let parameter = word.and_then(|word| frame.entry?.parameter(word));
                self.slot = parameter.map_or(Slot::Nothing, Slot::Parameter);
            }
            (None, "=") if is_let && self.frames.is_empty() => self.slot = Slot::Anything,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{self, DatasetInfo, Settings, World, WorldError};
    use crate::syntax::tokens;

    struct Nowhere;

    impl World for Nowhere {
        fn dataset(&self, _: &catalog::Source) -> Result<DatasetInfo, WorldError> {
            Ok(DatasetInfo { train: 1437, test: 360, classes: 10, channels: 1, height: 8, width: 8 })
        }

        fn exists(&self, _: &std::path::Path) -> bool {
            false
        }
    }

    fn place(text: &str) -> Site<'_> {
        Site::after(text, tokens(text))
    }

    #[test]
    fn every_word_of_a_clause_is_accepted_by_the_checker() {
        for (clause, words) in WORDS {
            for word in *words {
                let statement = if *clause == "shuffle" { "data digits shuffle" } else { clause };
                let edition = if *clause == "edition" { "" } else { "edition 2026\n" };
                // Selecting by accuracy needs data to select on.
                let data = if word.starts_with("best") { "data digits validation 10%\n" } else { "" };
                let source = format!("{edition}{data}{statement} {word}\n");
                let checked = lang::check(&source, &Settings::default(), &Nowhere);
                assert_eq!(checked.diagnostics, [], "{source}");
            }
        }
    }

    #[test]
    fn times_are_wanted_where_the_language_counts_them() {
        for text in ["train", "evaluate accuracy every", "under lesam(anneal =", "under sam(cosine(1 -> 0,"] {
            assert!(place(text).slot.takes_time(), "{text}");
        }
        for text in ["data", "seeds", "under sam(rho =", "data digits batch", "optimize sgd(lr = cosine("] {
            assert!(!place(text).slot.takes_time(), "{text}");
        }
        assert!(place("under lesam(anneal =").slot.takes_window());
        assert!(!place("train").slot.takes_window());
    }

    #[test]
    fn a_call_knows_its_component_by_its_place() {
        let kind = |text| place(text).call().and_then(|call| call.entry).map(|entry| entry.kind);
        assert_eq!(kind("evaluate difficulty("), Some(Kind::Evaluator));
        assert_eq!(kind("curriculum spl(adm("), Some(Kind::Difficulty));
        assert_eq!(kind("optimize sgd(lr = steps("), Some(Kind::Schedule));
        assert_eq!(kind("under sgd("), Some(Kind::Optimizer));
        assert_eq!(kind("under adm("), None);
    }
}
