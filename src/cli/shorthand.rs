//! `flatrun FILE` for `flatrun run FILE`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

use super::exit::Failure;
use super::{explain, foreign};
use crate::diagnostic::nearest;

/// Arguments with `run` put before a file that stands where a command may.
///
/// # Errors
/// The word is no file, and no command.
pub fn expand(mut arguments: Vec<OsString>, root: &Command) -> Result<Vec<OsString>, Failure> {
    let Some(word) = first_word(&arguments, root) else { return Ok(arguments) };
    if word == "help" {
        return match unknown_topic(&arguments, root) {
            Some(failure) => Err(failure),
            None => Ok(arguments),
        };
    }
    if is_command(word, root) {
        return Ok(arguments);
    }
    if let Some(failure) = no_command(word, root) {
        return Err(failure);
    }
    arguments.insert(1, "run".into());
    Ok(arguments)
}

/// `flatrun help lesam`: help of something that is no command.
fn unknown_topic(arguments: &[OsString], root: &Command) -> Option<Failure> {
    let topic = arguments.iter().skip_while(|argument| *argument != "help").nth(1)?;
    let text = topic.to_str().filter(|text| !text.starts_with('-') && !is_command(topic, root))?;
    let failure = Failure::usage(format!("there is no command `{text}`"));
    Some(match (foreign::command(text), explain::knows(text)) {
        (Some(help), _) => with_help(failure, help),
        (None, true) => {
            failure.help(format!("`flatrun explain {text}` explains it as a word of the language"))
        }
        (None, false) => with_neighbour(failure, text, root),
    })
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

/// What to say of a word that is no command and looks like no file.
fn no_command(word: &OsStr, root: &Command) -> Option<Failure> {
    let text = word.to_str()?;
    let known = foreign::command(text);
    let is_file = text.contains(['.', '/', '\\']) || Path::new(text).is_file();
    if is_file || known.is_none() && Path::new(text).exists() {
        return None;
    }
    let failure = Failure::usage(format!("there is no command and no file `{text}`"));
    if let Some(help) = known {
        return Some(with_help(failure, help));
    }
    nearest(text, names(root)).or_else(|| nearest(text, foreign::commands()))?;
    Some(with_neighbour(failure, text, root))
}

fn with_help(failure: Failure, help: &[&str]) -> Failure {
    help.iter().fold(failure, |failure, help| failure.help(*help))
}

/// The nearest command, or what the nearest command of another program is here.
fn with_neighbour(failure: Failure, text: &str, root: &Command) -> Failure {
    if let Some(near) = nearest(text, names(root)) {
        return failure.help(format!("the nearest command is `{near}`"));
    }
    match nearest(text, foreign::commands()).and_then(foreign::command) {
        Some(help) => with_help(failure, help),
        None => failure.help("`flatrun --help` lists the commands"),
    }
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
        for word in ["chekc", "predict", "train", "rm", "trian"] {
            let line = format!("flatrun {word} a.flat");
            assert_eq!(expanded(&line), format!("there is no command and no file `{word}`"));
        }
        assert_eq!(expanded("flatrun help predict"), "there is no command `predict`");
        assert_eq!(expanded("flatrun help lesam"), "there is no command `lesam`");
        assert_eq!(expanded("flatrun help check"), "flatrun help check");
    }
}
