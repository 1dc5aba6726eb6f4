//! What casts doubt on a table's numbers, below it.

/// A doubt about what one variant gave under one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub variant: String,
    pub seed: u64,
    pub message: String,
}

/// A section of markdown with every doubt once, in the order in which they first came up; nothing without doubts.
pub fn markdown(notes: &[Note]) -> String {
    let mut known: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for Note { variant, seed, message } in notes {
        match known.iter_mut().find(|(of, said, _)| of == variant && said == message) {
            Some((.., seeds)) => seeds.push(seed.to_string()),
            None => known.push((variant, message, vec![seed.to_string()])),
        }
    }
    let line = |(variant, message, seeds): (&str, &str, Vec<String>)| {
        let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
        format!("- {variant}, {noun} {}: {message}\n", seeds.join(", "))
    };
    let lines: String = known.into_iter().map(line).collect();
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
        };
        let notes =
            [note("at", 0, "masked"), note("at", 1, "flat"), note("at", 1, "masked"), note("sgd", 0, "flat")];
        let expected = "\nNotes\n\n- at, seeds 0, 1: masked\n- at, seed 1: flat\n- sgd, seed 0: flat\n";
        assert_eq!(markdown(&notes), expected);
        assert_eq!(markdown(&[]), "");
    }
}
