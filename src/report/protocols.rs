//! What stands below a table: how the data that its numbers are of came about.

use super::markdown;

/// The lines of each variant's protocol, once for all variants that share it; empty where none has one.
pub fn text(protocols: &[(String, Vec<String>)]) -> String {
    let mut distinct: Vec<(&[String], Vec<&str>)> = Vec::new();
    for (variant, protocol) in protocols.iter().filter(|(_, protocol)| !protocol.is_empty()) {
        match distinct.iter_mut().find(|(known, _)| known == protocol) {
            Some((_, variants)) if variants.contains(&variant.as_str()) => {}
            Some((_, variants)) => variants.push(variant),
            None => distinct.push((protocol, vec![variant])),
        }
    }
    let shared = distinct.len() == 1 && protocols.iter().all(|(_, protocol)| !protocol.is_empty());
    let mut written = String::new();
    for (protocol, variants) in distinct {
        if !shared {
            written.push_str(&format!("{}:\n", variants.join(", ")));
        }
        for line in protocol.iter().map(|line| line.replace(['\n', '\r'], " ")) {
            written.push_str(&format!("{}{line}\n", if shared { "" } else { "  " }));
        }
    }
    written
}

/// The same as a list, for markdown.
pub fn markdown(written: &str) -> String {
    let items: String = written.lines().map(|line| format!("- {}\n", markdown::line(line))).collect();
    if items.is_empty() { items } else { format!("\n{items}") }
}

#[cfg(test)]
mod tests {
    use super::{markdown, text};

    fn protocol(variant: &str, lines: &[&str]) -> (String, Vec<String>) {
        (variant.to_owned(), lines.iter().map(|line| (*line).to_owned()).collect())
    }

    #[test]
    fn a_shared_protocol_stands_once() {
        let (one, other) = (protocol("sgd", &["a", "b"]), protocol("sam", &["a", "b"]));
        assert_eq!(text(&[one.clone(), other, one]), "a\nb\n");
        assert_eq!(text(&[protocol("sgd", &[])]), "");
    }

    #[test]
    fn in_markdown_it_is_a_list() {
        assert_eq!((markdown("a\nb\n"), markdown("")), ("\n- a\n- b\n".into(), String::new()));
    }

    #[test]
    fn different_ones_name_their_variants() {
        let all = [protocol("a", &["x"]), protocol("b", &[]), protocol("c", &["y"]), protocol("d", &["x"])];
        assert_eq!(text(&all), "a, d:\n  x\nc:\n  y\n");
    }
}
