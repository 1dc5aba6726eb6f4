//! What may stand at a place of a text, complete or not, read from the tokens before it.

use super::slot::Slot;
use crate::diagnostic::nearest;
use crate::lang::catalog::{Entry, Kind, Parameter};
use crate::syntax::{Keyword, Token, TokenKind, statement_words};

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
        if next == Some("=")
            && let Some(entry) = self.call().and_then(|frame| frame.entry)
        {
            return entry.parameter(word).map_or(Role::Other, |parameter| Role::Parameter(entry, parameter));
        }
        match self.before {
            Before::Open if self.binds() => Role::Bound,
            Before::Argument if next == Some("=") => Role::Other,
            Before::Open | Before::Argument => Role::Value,
            _ => Role::Other,
        }
    }

    /// Whether an expression at this place may name what a `let` binds.
    pub fn may_refer(&self) -> bool {
        let begins_value = matches!(self.before, Before::Open | Before::Argument);
        begins_value && !self.binds() && self.slot.only_word().is_none()
    }

    /// Whether a count of epochs or steps must stand here, as after `last`.
    pub fn follows_last(&self) -> bool {
        self.before == Before::Open && self.word == Some("last")
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
        let first = self.before == Before::Start;
        let meant = || nearest(word, statement_words()).filter(|_| first).and_then(Keyword::find);
        if let Some(keyword) = self.keyword(word).or_else(meant) {
            return self.begin(keyword);
        }
        self.before = match word {
            "last" if matches!(self.slot, Slot::Words(_)) => Before::Value,
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
        let entry = name.and_then(|name| self.slot.meant(name));
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
        let Some(frame) = self.frames.last_mut() else {
            if sign == "=" && is_let {
                self.slot = Slot::Anything;
            }
            return;
        };
        match sign {
            "," if frame.is_call() => {
                frame.position += 1;
                self.slot = frame.argument(clause);
                self.before = Before::Argument;
            }
            "=" if frame.is_call() => {
                frame.given.extend(word);
                let parameter = word.and_then(|word| frame.entry?.parameter(word));
                self.slot = parameter.map_or(Slot::Nothing, Slot::Parameter);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tokens;

    fn place(text: &str) -> Site<'_> {
        Site::after(text, tokens(text))
    }

    #[test]
    fn a_call_knows_its_component_by_its_place() {
        let kind = |text| place(text).call().and_then(|call| call.entry).map(|entry| entry.kind);
        assert_eq!(kind("evaluate difficulty("), Some(Kind::Evaluator));
        assert_eq!(kind("curriculum spl(adm("), Some(Kind::Difficulty));
        assert_eq!(kind("optimize sgd(lr = steps("), Some(Kind::Schedule));
        assert_eq!(kind("under sgd("), Some(Kind::Optimizer));
        assert_eq!(kind("under adm("), Some(Kind::Optimizer));
        assert_eq!(kind("under resnet18("), None);
    }

    #[test]
    fn a_misspelt_statement_is_the_one_that_was_meant() {
        let statement = |text| place(text).statement.map(|statement| statement.word);
        assert_eq!(statement("curiculum ssp("), Some("curriculum"));
        assert_eq!(statement("something else"), None);
    }
}
