//! The nearest legal word to one that is not legal, and whether it can only be the one that was meant.

/// The candidate that `word` most likely means: one that differs in case alone, else the closest by edit distance, where a swapped
/// pair of letters is one edit and at most a third of the letters (at least one) may differ. Of equally close candidates the one with
/// the same first letter wins, then the first. Words of one letter have no neighbours.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let same = candidates.iter().find(|candidate| candidate.eq_ignore_ascii_case(word));
    if let Some(candidate) = same {
        return Some(candidate);
    }
    let length = word.chars().count();
    // No candidate is near a word much longer than any name; the distance is quadratic in the length.
    if !(2..=64).contains(&length) {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let rank = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        (strsim::osa_distance(&word, &candidate), candidate.chars().next() != word.chars().next())
    };
    let within = |candidate: &&str| rank(candidate).0 <= (length / 3).max(1);
    candidates.into_iter().filter(within).min_by_key(|candidate| rank(candidate))
}

/// Whether `word` can only be a slip of the hand for `meant`: another case, `-` for `_`, or in a name of more than five letters a
/// swapped pair or a letter doubled or not doubled. Names of other digits are other things: `resnet152` is not `resnet18`.
pub fn is_slip(word: &str, meant: &str) -> bool {
    let plain = |text: &str| -> Vec<char> { text.to_ascii_lowercase().replace('-', "_").chars().collect() };
    let digits = |text: &[char]| -> Vec<char> { text.iter().copied().filter(char::is_ascii_digit).collect() };
    let (word, meant) = (plain(word), plain(meant));
    if word == meant {
        return true;
    }
    let long = word.len().min(meant.len()) > 5 && word.len() <= 64;
    long && digits(&word) == digits(&meant) && (is_swapped(&word, &meant) || is_doubled(&word, &meant))
}

/// Whether two neighbours have changed places.
fn is_swapped(word: &[char], meant: &[char]) -> bool {
    let Some(at) = first_difference(word, meant) else { return false };
    word.len() == meant.len()
        && word.get(at + 1) == Some(&meant[at])
        && meant.get(at + 1) == Some(&word[at])
        && word[at + 2..] == meant[at + 2..]
}

/// Whether one has a letter twice in a row that the other has once.
fn is_doubled(word: &[char], meant: &[char]) -> bool {
    let (short, long) = if word.len() < meant.len() { (word, meant) } else { (meant, word) };
    let at = first_difference(short, long).unwrap_or(short.len());
    long.len() == short.len() + 1 && at > 0 && long[at] == long[at - 1] && long[at + 1..] == short[at..]
}

/// The first place where two words differ, within both of them.
fn first_difference(word: &[char], other: &[char]) -> Option<usize> {
    word.iter().zip(other).position(|(one, other)| one != other)
}

#[cfg(test)]
mod tests {
    use super::{is_slip, nearest};

    #[test]
    fn what_can_only_be_a_slip() {
        for (word, meant) in [
            ("SGD", "sgd"),
            ("LESAM-plus", "lesam_plus"),
            ("fishersma", "fishersam"),
            ("momentumm", "momentum"),
            ("acumulate", "accumulate"),
            ("cifra10", "cifar10"),
            ("optimmize", "optimize"),
        ] {
            assert!(is_slip(word, meant), "{word} is {meant}");
        }
    }

    #[test]
    fn what_may_be_another_name() {
        for (word, meant) in [
            ("resnet152", "resnet18"),
            ("resnet20", "resnet50"),
            ("resnet81", "resnet18"),
            ("cifar110", "cifar10"),
            ("nadam", "adam"),
            ("adamm", "adam"),
            ("kmnist", "mnist"),
            ("gsma", "gsam"),
            ("budgt", "budget"),
            ("fsahersam", "fishersam"),
            ("momentun", "momentum"),
            ("", ""),
        ] {
            assert!(word == meant || !is_slip(word, meant), "{word} is not {meant}");
        }
        assert!(!is_slip(&"a".repeat(100_000), &"a".repeat(99_999)));
    }

    #[test]
    fn a_third_of_the_letters_may_differ() {
        assert_eq!(nearest("optimzer", ["data", "model", "optimize"]), Some("optimize"));
        assert_eq!(nearest("opt", ["optimize"]), None);
        assert_eq!(nearest("f302", ["F0201", "F0302"]), Some("F0302"));
        assert_eq!(nearest("resnet", ["resnet18", "resnet34"]), Some("resnet18"));
    }

    #[test]
    fn a_swapped_pair_is_one_edit() {
        assert_eq!(nearest("amd", ["gdm", "adm", "loss"]), Some("adm"));
        assert_eq!(nearest("lesma", ["sam", "lesam"]), Some("lesam"));
    }

    #[test]
    fn case_alone_comes_first() {
        assert_eq!(nearest("SGD", ["sgm", "sgd"]), Some("sgd"));
        assert_eq!(nearest("LeSAM", ["lesam"]), Some("lesam"));
        assert_eq!(nearest("Lesma", ["lesam"]), Some("lesam"));
    }

    #[test]
    fn of_equally_close_ones_the_first_letter_decides() {
        assert_eq!(nearest("spp", ["app", "ssp", "spl"]), Some("ssp"));
    }

    #[test]
    fn one_letter_and_endless_words_have_no_neighbour() {
        assert_eq!(nearest("a", ["at"]), None);
        assert_eq!(nearest("", ["at"]), None);
        assert_eq!(nearest(&"a".repeat(100_000), ["at"]), None);
    }

    #[test]
    fn letters_outside_ascii_do_not_break_it() {
        assert_eq!(nearest("éam", ["sam"]), Some("sam"));
    }
}
