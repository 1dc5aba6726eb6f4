//! What casts doubt on a table's numbers, below it.

use super::markdown;

/// Columns that count steps which changed nothing, and why they did not.
pub const IDLE: [(&str, &str); 2] =
    [("skipped", "loss or gradient was not finite"), ("empty", "all sample weights were zero")];

/// A doubt about what one variant gave under one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub variant: String,
    pub seed: u64,
    pub message: String,
    /// There are no results.
    pub grave: bool,
}

/// A doubt, and all seeds of a variant that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared<'n> {
    pub variant: &'n str,
    pub message: &'n str,
    pub grave: bool,
    pub seeds: Vec<u64>,
}

/// What measurements said of their numbers.
pub fn warnings<'w>(variant: &'w str, seed: u64, messages: &'w [String]) -> impl Iterator<Item = Note> + 'w {
    let note = move |message: &String| Note {
        variant: variant.to_owned(),
        seed,
        message: message.clone(),
        grave: false,
    };
    messages.iter().map(note)
}

/// Every doubt once, in the order in which they first came up.
pub fn shared(notes: &[Note]) -> Vec<Shared<'_>> {
    let mut known: Vec<Shared<'_>> = Vec::new();
    for Note { variant, seed, message, grave } in notes {
        match known.iter_mut().find(|shared| shared.variant == variant && shared.message == message) {
            Some(shared) => shared.seeds.push(*seed),
            None => known.push(Shared { variant, message, grave: *grave, seeds: vec![*seed] }),
        }
    }
    known
}

/// A section of text; nothing without doubts.
pub fn section(notes: &[Note]) -> String {
    written(notes, |message| message.replace(['\n', '\r'], " "))
}

/// The same for markdown.
pub fn markdown(notes: &[Note]) -> String {
    written(notes, markdown::line)
}

fn written(notes: &[Note], line_of: fn(&str) -> String) -> String {
    let line = |shared: Shared<'_>| {
        let noun = if shared.seeds.len() == 1 { "seed" } else { "seeds" };
        let seeds: Vec<String> = shared.seeds.iter().map(u64::to_string).collect();
        format!("- {}, {noun} {}: {}\n", shared.variant, seeds.join(", "), line_of(shared.message))
    };
    let lines: String = shared(notes).into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\nNotes\n\n{lines}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_of_several_seeds_stands_once() {
        let note = |variant: &str, seed, message: &str| Note {
            variant: variant.into(),
            seed,
            message: message.into(),
            grave: false,
        };
        let notes =
            [note("at", 0, "masked"), note("at", 1, "flat"), note("at", 1, "masked"), note("sgd", 0, "flat")];
        let expected = "\nNotes\n\n- at, seeds 0, 1: masked\n- at, seed 1: flat\n- sgd, seed 0: flat\n";
        assert_eq!(section(&notes), expected);
        assert_eq!(section(&[]), "");
    }
}
