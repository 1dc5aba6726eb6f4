//! `flatrun explain rho`: a parameter in every component that has it.

use crate::lang::catalog::{Entry, Parameter, entries};

/// The names of all parameters that are words.
pub fn names() -> impl Iterator<Item = &'static str> {
    let parameters = entries().iter().flat_map(|entry| &entry.parameters);
    parameters.map(|parameter| parameter.name).filter(|name| !name.contains(' '))
}

/// The page of a parameter; `None` where no component has it.
pub fn page(name: &str) -> Option<String> {
    let owners: Vec<(&Entry, &Parameter)> =
        entries().iter().filter_map(|entry| Some((*entry, entry.parameter(name)?))).collect();
    let (first, parameter) = owners.first()?;
    let count = owners.len();
    let of = if count == 1 { format!("`{}`", first.name) } else { format!("{count} components") };
    let mut text = format!("{name}: a parameter of {of}\n\nUsage\n  {}\n\n", usage(first, parameter));
    for (meaning, owners) in by_meaning(&owners) {
        text.push_str(&format!("{}\n", owners.join(", ")));
        meaning.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text.push_str("\n`flatrun explain COMPONENT` says where each default comes from.\n");
    Some(text)
}

fn usage(entry: &Entry, parameter: &Parameter) -> String {
    let value = parameter.default.unwrap_or("..");
    match parameter.first {
        true => {
            format!("{name}({key} = {value}), or {name}({value})", name = entry.name, key = parameter.name)
        }
        false => format!("{}({} = {value})", entry.name, parameter.name),
    }
}

type Meaning = [String; 2];

/// What the parameter means, and the components, with their defaults, in which it means that.
fn by_meaning(owners: &[(&'static Entry, &'static Parameter)]) -> Vec<(Meaning, Vec<String>)> {
    let mut groups: Vec<(Meaning, Vec<String>)> = Vec::new();
    for (entry, parameter) in owners {
        let meaning = [parameter.text.to_owned(), parameter.summary()];
        let owner = match parameter.default {
            Some(default) => format!("{} ({default})", entry.name),
            None => entry.name.to_owned(),
        };
        match groups.iter_mut().find(|(known, _)| *known == meaning) {
            Some((_, owners)) => owners.push(owner),
            None => groups.push((meaning, vec![owner])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_that_has_it_is_named() {
        let page = page("rho").unwrap();
        for entry in entries().iter().filter(|entry| entry.parameter("rho").is_some()) {
            assert!(page.contains(entry.name), "{page}");
        }
        assert!(page.contains("sam (0.05)") && page.contains("radius of the perturbation"), "{page}");
    }

    #[test]
    fn every_parameter_has_a_page() {
        for name in names() {
            assert!(page(name).is_some(), "{name}");
        }
        assert_eq!(page("rhoo"), None);
    }
}
