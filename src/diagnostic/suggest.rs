//! The nearest legal word to one that is not legal.

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

#[cfg(test)]
mod tests {
    use super::nearest;

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
