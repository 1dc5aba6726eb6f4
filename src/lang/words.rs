//! Numbers of things in words.

/// `1 step`, `10 steps`, `2 classes`, `3 batches`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {}", of_count(count as f64, noun))
}

/// A noun as it stands behind a number: `step`, `steps`.
pub fn of_count(count: f64, noun: &str) -> String {
    let sibilant = ["s", "tch", "x"].iter().any(|end| noun.ends_with(end));
    match (count == 1.0, sibilant) {
        (true, _) => noun.to_owned(),
        (false, true) => format!("{noun}es"),
        (false, false) => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "class"), "1 class");
        assert_eq!(counted(0, "sample"), "0 samples");
        assert_eq!(counted(2, "batch"), "2 batches");
        assert_eq!(of_count(0.5, "epoch"), "epochs");
    }
}
