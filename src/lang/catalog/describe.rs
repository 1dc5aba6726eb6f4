//! What `flatrun explain NAME` prints about a component.

use super::{Entry, Parameter, WordEntry};

const WIDTH: usize = 78;

/// A component as text, at most 78 columns wide.
pub fn describe(entry: &Entry) -> String {
    let mut text = String::new();
    let aliases = match entry.facts.aliases {
        [] => String::new(),
        aliases => format!(", also called {}", aliases.join(", ")),
    };
    line(&mut text, &format!("{}: {}{aliases}", entry.name, entry.kind.noun()));
    blank(&mut text);
    wrapped(&mut text, 0, entry.facts.summary);
    section(&mut text, "Usage", &entry.usage());
    rule(&mut text, entry.facts.rule);
    let (shared, own): (Vec<_>, Vec<_>) = entry.parameters.iter().partition(|parameter| parameter.shared);
    parameters(&mut text, "Parameters", &own);
    parameters(&mut text, &format!("Options, as of other {}", entry.kind.plural()), &shared);
    section(&mut text, "Passes per step", entry.facts.passes);
    section(&mut text, "State", entry.facts.state);
    section(&mut text, "Source", entry.facts.source);
    section(&mut text, "Notes", entry.facts.notes);
    example(&mut text, entry);
    text
}

/// A word of the language as text, at most 78 columns wide.
pub fn describe_word(entry: &WordEntry) -> String {
    let mut text = format!("{}: a word of the language\n\n", entry.word);
    wrapped(&mut text, 0, entry.summary);
    section(&mut text, "Usage", entry.usage);
    section(&mut text, "Notes", entry.notes);
    section(&mut text, "Example", entry.example);
    text
}

fn line(text: &mut String, content: &str) {
    text.push_str(content.trim_end());
    text.push('\n');
}

fn blank(text: &mut String) {
    text.push('\n');
}

fn section(text: &mut String, title: &str, content: &str) {
    if !content.is_empty() {
        blank(text);
        line(text, title);
        content.lines().for_each(|paragraph| wrapped(text, 2, paragraph));
    }
}

/// Lines of a formula, kept as they are and broken between words where they are too long.
fn rule(text: &mut String, rule: &str) {
    if !rule.is_empty() {
        blank(text);
        line(text, "Rule");
        rule.lines().for_each(|formula| hanging(text, formula, 2, 4));
    }
}

fn parameters(text: &mut String, title: &str, parameters: &[&Parameter]) {
    if parameters.is_empty() {
        return;
    }
    blank(text);
    line(text, title);
    for parameter in parameters {
        wrapped(text, 2, &format!("{}: {}", parameter.name, parameter.summary()));
        wrapped(text, 6, parameter.text);
        wrapped(text, 6, &parameter.default_line());
    }
}

fn example(text: &mut String, entry: &Entry) {
    blank(text);
    line(text, "Example");
    hanging(text, entry.facts.example, 2, 4);
}

fn wrapped(text: &mut String, indent: usize, content: &str) {
    hanging(text, content, indent, indent);
}

/// Fills lines up to the width; lines after the first are indented by `hang`.
fn hanging(text: &mut String, content: &str, indent: usize, hang: usize) {
    let lead = content.len() - content.trim_start().len();
    let mut current = " ".repeat(indent + lead);
    let mut filled = false;
    for word in words(content) {
        if filled && current.chars().count() + 1 + word.trim_end().chars().count() > WIDTH {
            line(text, &current);
            current = " ".repeat(hang);
            filled = false;
        }
        if filled {
            current.push(' ');
        }
        current.push_str(word);
        filled = true;
    }
    line(text, &current);
}

/// Words with the blanks that align columns kept at their ends.
fn words(content: &str) -> Vec<&str> {
    let content = content.trim();
    let mut words = Vec::new();
    let mut start = 0;
    let bytes = content.as_bytes();
    for at in 1..bytes.len() {
        if bytes[at - 1] == b' ' && bytes[at] != b' ' && at > start {
            words.push(&content[start..at - 1]);
            start = at;
        }
    }
    words.push(&content[start..]);
    words
}

impl Parameter {
    /// Type, unit and range in one line: `a number or a schedule, in units of the loss, > 0`.
    pub fn summary(&self) -> String {
        let mut parts = vec![self.form.expected()];
        if !self.form.choices.is_empty() && !self.form.noun.contains('`') {
            parts.push(self.form.choices.join(", "));
        }
        if !self.unit.is_empty() {
            parts.push(format!("unit: {}", self.unit));
        }
        let range = self.range.to_string();
        if range != "any" {
            parts.push(range);
        }
        if self.rises {
            parts.push("must not fall".into());
        }
        if self.first {
            parts.push("may stand first without its name".into());
        }
        parts.join("; ")
    }

    /// The default and where it comes from.
    pub fn default_line(&self) -> String {
        match (self.default, self.origin) {
            (None, _) => "must be given".into(),
            (Some(default), "") => format!("default: {default}"),
            (Some(default), origin) => format!("default: {default} ({origin})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries;
    use super::{WIDTH, describe};

    #[test]
    fn no_line_is_too_long() {
        for entry in entries() {
            for line in describe(entry).lines() {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", entry.name);
            }
        }
    }
}
