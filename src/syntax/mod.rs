//! Source text to syntax tree, and back to canonical text.
//!
//! `token` cuts text into tokens, `split` cuts a file into statements, `grammar` asks pest for one statement; `parse`, `clause`, `value`,
//! `call` and `scalar` build the tree. Mistakes whose meaning is plain are `slip`s; where the grammar gives up, `unexpected` says why.

pub mod ast;
mod call;
mod clause;
mod decode;
mod expected;
mod fmt;
mod grammar;
mod keyword;
mod literal;
mod parse;
mod scalar;
mod slip;
mod split;
mod token;
mod unexpected;
mod value;

#[cfg(test)]
mod tests;

pub use decode::{LARGEST_SOURCE, decode, too_large};
pub use fmt::format;
pub use keyword::{KEYWORDS, Keyword, clause_words, is_reserved, statement_words};
pub use parse::parse;
pub use split::{MAX_DEPTH, statements};
pub use token::{Token, TokenKind, tokens};
