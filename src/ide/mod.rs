//! What editors ask about a file: pure functions of its text and a byte offset, and the language server over them.
//!
//! Editors ask about half-written text, which has no syntax tree. So `site` reads the tokens before the cursor and says
//! what may stand there; completion, hover and names are built on it. `position` alone knows how editors count columns.

mod bindings;
mod capabilities;
mod completion;
mod formatting;
mod frames;
mod hover;
mod markdown;
mod offer;
mod position;
mod protocol;
mod requests;
mod server;
mod site;
mod slot;
mod symbols;

pub use bindings::{Misnamed, definition, references, rename, renamed};
pub use completion::{Completion, Completions, Offered, completions};
pub use formatting::formatting;
pub use frames::{Threads, stdio};
pub use hover::{Hover, hover};
pub use position::Lines;
pub use server::{End, LARGEST_DOCUMENT, serve};
pub use symbols::{Symbol, SymbolKind, symbols};
