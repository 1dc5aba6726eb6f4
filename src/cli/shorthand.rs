//! `flatrun FILE` for `flatrun run FILE`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

use super::exit::Failure;
use crate::diagnostic::nearest;

/// Arguments with `run` put before a file that stands where a command may.
///
/// # Errors
/// The word is no file and looks like a command that is written differently.
pub fn expand(mut arguments: Vec<OsString>, root: &Command) -> Result<Vec<OsString>, Failure> {
    let Some(word) = first_word(&arguments, root) else { return Ok(arguments) };
    if is_command(word, root) {
        return Ok(arguments);
    }
    if let Some(failure) = misspelt(word, root) {
        return Err(failure);
    }
    arguments.insert(1, "run".into());
    Ok(arguments)
}

/// The first argument that is neither an option nor the value of one.
fn first_word<'a>(arguments: &'a [OsString], root: &Command) -> Option<&'a OsStr> {
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let Some(text) = argument.to_str() else { return Some(argument) };
        match text.strip_prefix("--") {
            Some("") => return rest.next().map(OsString::as_os_str),
            Some(option) if takes_value(option, root) => {
                rest.next();
            }
            Some(_) => {}
            None if text.starts_with('-') && text != "-" => {}
            None => return Some(argument),
        }
    }
    None
}

fn takes_value(option: &str, root: &Command) -> bool {
    let of_run = root.find_subcommand("run").into_iter().flat_map(Command::get_arguments);
    let mut known = root.get_arguments().chain(of_run);
    known.any(|argument| argument.get_long() == Some(option) && argument.get_action().takes_values())
}

fn names(root: &Command) -> impl Iterator<Item = &str> {
    root.get_subcommands().flat_map(Command::get_name_and_visible_aliases).chain(["help"])
}

fn is_command(word: &OsStr, root: &Command) -> bool {
    names(root).any(|name| name == word)
}

fn misspelt(word: &OsStr, root: &Command) -> Option<Failure> {
    let text = word.to_str()?;
    let is_file = text.contains(['.', '/', '\\']) || Path::new(text).exists();
    let near = nearest(text, names(root)).filter(|_| !is_file)?;
    let failure = Failure::usage(format!("there is no command and no file `{text}`"));
    Some(failure.help(format!("the nearest command is `{near}`")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn expanded(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        match expand(arguments, &Cli::command()) {
            Ok(arguments) => arguments.join(OsStr::new(" ")).into_string().unwrap(),
            Err(failure) => failure.message,
        }
    }

    #[test]
    fn a_file_is_run() {
        assert_eq!(expanded("flatrun a.flat"), "flatrun run a.flat");
        assert_eq!(expanded("flatrun --set check=1 a.flat"), "flatrun run --set check=1 a.flat");
        assert_eq!(
            expanded("flatrun --color never --smoke a.flat"),
            "flatrun run --color never --smoke a.flat"
        );
        assert_eq!(expanded("flatrun -"), "flatrun run -");
        assert_eq!(expanded("flatrun -- check"), "flatrun -- check");
    }

    #[test]
    fn commands_stay() {
        for line in [
            "flatrun check a",
            "flatrun lint a",
            "flatrun --color always fmt a",
            "flatrun --version",
            "flatrun help",
        ] {
            assert_eq!(expanded(line), line);
        }
    }

    #[test]
    fn a_misspelt_command_is_told() {
        assert_eq!(expanded("flatrun chekc a.flat"), "there is no command and no file `chekc`");
    }
}
