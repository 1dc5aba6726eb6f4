//! Names that read the same are the same, whichever code points they are made of: `é` is one letter or `e` with an accent.
//!
//! Names of parts, domains and classes are held composed (NFC); a path on disk keeps the name that stands there.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use super::listing::joined;

/// The composed form of a name.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// The order of composed names; of two that read the same, that of their bytes.
pub fn by_letters(one: &str, other: &str) -> Ordering {
    match one.is_ascii() && other.is_ascii() {
        true => one.cmp(other),
        false => one.nfc().cmp(other.nfc()).then_with(|| one.cmp(other)),
    }
}

/// Puts names in order: by their numbers where all are whole numbers, else by their letters.
pub fn sort<T>(items: &mut [T], name: impl Fn(&T) -> &str) {
    match items.iter().all(|item| is_number(name(item))) {
        true => items.sort_by(|one, other| by_number(name(one), name(other))),
        false => items.sort_by(|one, other| by_letters(name(one), name(other))),
    }
}

/// Whether a name is a whole number: digits alone.
pub fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Numbers of any length; `01` and `1` are equal and in the order of their bytes.
fn by_number(one: &str, other: &str) -> Ordering {
    let [a, b] = [one, other].map(|name| name.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b)).then_with(|| one.cmp(other))
}

/// A folder below `root` as it stands there, found by letters: `café/train` where the disk has another form of `é`.
pub fn standing(root: &Path, path: &str) -> Option<String> {
    if root.join(path).is_dir() {
        return Some(path.to_owned());
    }
    let mut found = String::new();
    for wanted in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let entries = fs::read_dir(root.join(&found)).ok()?.flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let name = names.find(|name| composed(name) == composed(wanted))?;
        found = joined(&found, &name);
    }
    root.join(&found).is_dir().then_some(found)
}

/// The code points in which two names differ that read the same: `U+00E9` and `U+0065 U+0301`.
pub fn difference(one: &str, other: &str) -> (String, String) {
    let [mut a, mut b] = [one, other].map(|name| name.chars().collect::<Vec<char>>());
    while a.last().is_some_and(|last| b.last() == Some(last)) {
        a.pop();
        b.pop();
    }
    let same = a.iter().zip(&b).take_while(|(one, other)| one == other).count();
    let points = |chars: &[char]| {
        chars[same..].iter().map(|&char| format!("U+{:04X}", u32::from(char))).collect::<Vec<_>>().join(" ")
    };
    (points(&a), points(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSED: &str = "caf\u{e9}";
    const DECOMPOSED: &str = "cafe\u{301}";

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        sort(&mut names, |name| name);
        names
    }

    #[test]
    fn whole_numbers_are_in_the_order_of_the_numbers() {
        assert_eq!(sorted(&["10", "2", "1"]), ["1", "2", "10"]);
        assert_eq!(sorted(&["010", "9", "1", "01"]), ["01", "1", "9", "010"]);
        let long = "123456789012345678901234567890";
        assert_eq!(sorted(&[long, "7"]), ["7", long]);
    }

    #[test]
    fn other_names_are_in_the_order_of_their_letters() {
        assert_eq!(sorted(&["10", "2", "a"]), ["10", "2", "a"]);
        assert_eq!(sorted(&["b", "a", "B"]), ["B", "a", "b"]);
        assert_eq!(sorted(&["zoo", DECOMPOSED, "cafz"]), ["cafz", DECOMPOSED, "zoo"]);
        assert_eq!(sorted(&["zoo", COMPOSED, "cafz"]), ["cafz", COMPOSED, "zoo"]);
    }

    #[test]
    fn names_that_read_the_same_are_told_apart_by_their_code_points() {
        assert_eq!(composed(DECOMPOSED), COMPOSED);
        assert_eq!(difference(COMPOSED, DECOMPOSED), ("U+00E9".into(), "U+0065 U+0301".into()));
        let (one, other) = difference("caf\u{e9}s", "cafe\u{301}s");
        assert_eq!((one.as_str(), other.as_str()), ("U+00E9", "U+0065 U+0301"));
    }

    #[test]
    fn a_folder_is_found_by_its_letters() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(DECOMPOSED).join("train")).unwrap();
        let found = standing(root.path(), &format!("{COMPOSED}/train"));
        assert_eq!(found, Some(format!("{DECOMPOSED}/train")));
        assert_eq!(standing(root.path(), "cafe"), None);
        assert_eq!(standing(root.path(), ".").as_deref(), Some("."));
    }
}
