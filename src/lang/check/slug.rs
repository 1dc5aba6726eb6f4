//! Folder names of variants.

use std::collections::{HashMap, HashSet};

use crate::lang::program::Variant;

const LONGEST: usize = 80;

/// The choices in lower case with everything but letters, digits, `.`, `_` and `-` as `-`.
pub(super) fn of(choices: &[String]) -> String {
    if choices.is_empty() {
        return "main".into();
    }
    let words: Vec<String> = choices.iter().map(|choice| word(choice)).collect();
    let slug = shortened(&words.join("_"), LONGEST);
    if slug.is_empty() { "variant".into() } else { slug }
}

fn word(choice: &str) -> String {
    let safe = choice.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '.' | '_') => letter,
        _ => '-',
    });
    let mut word = String::new();
    for letter in safe {
        if !(letter == '-' && word.ends_with('-')) {
            word.push(letter);
        }
    }
    word.trim_matches(|letter| letter == '-' || letter == '.').to_string()
}

fn shortened(slug: &str, length: usize) -> String {
    slug.get(..length.min(slug.len())).unwrap_or(slug).trim_end_matches(['-', '.', '_']).to_string()
}

/// Numbers the slugs that more than one variant has.
pub(super) fn make_unique(variants: &mut [Variant]) {
    let mut taken: HashSet<String> = HashSet::with_capacity(variants.len());
    let mut next: HashMap<String, usize> = HashMap::new();
    for variant in variants {
        let number = next.entry(variant.slug.clone()).or_insert(1);
        let mut slug = numbered(&variant.slug, *number);
        while !taken.insert(slug.clone()) {
            *number += 1;
            slug = numbered(&variant.slug, *number);
        }
        variant.slug = slug;
    }
}

fn numbered(slug: &str, number: usize) -> String {
    if number == 1 {
        return slug.to_string();
    }
    let ending = format!("-{number}");
    shortened(slug, LONGEST - ending.len()) + &ending
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn choices_become_words_of_a_path() {
        assert_eq!(of(&[]), "main");
        assert_eq!(of(&["ssp(adm)".into(), "sam(rho = 0.05)".into()]), "ssp-adm_sam-rho-0.05");
        assert_eq!(of(&["\"Ä/../x\"".into()]), "..-x".trim_start_matches("..-"));
    }

    #[test]
    fn long_choices_are_cut() {
        let slug = of(&["x".repeat(200)]);
        assert_eq!(slug.len(), 80);
    }
}
