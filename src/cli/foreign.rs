//! Commands and options of other programs, and how the same is said here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::exit::Failure;

/// Commands that there are elsewhere.
#[rustfmt::skip]
const COMMANDS: &[(&[&str], &[&str])] = &[
    (&["train", "fit", "start", "launch", "exec"], &["`flatrun FILE` checks, trains, measures and reports"]),
    (&["resume", "continue", "restart"], &[
        "`flatrun FILE --resume` goes on with a run that was stopped; `--restart` begins it again",
        "`flatrun explain continue` says how a run is trained longer",
    ]),
    (&["eval", "evaluate", "test", "measure", "score", "benchmark"], &[
        "what is measured stands in the file, as in `evaluate accuracy, loss`, and `flatrun FILE` measures it",
        "a network of another program is measured with `model resnet18 from \"weights.pth\"`",
    ]),
    (&["predict", "infer", "inference", "apply", "classify"], &[
        "there is no command for single images: `export \"weights.safetensors\"` in the file writes the weights under PyTorch's names",
    ]),
    (&["export", "save", "convert"], &[
        "write `export \"weights.safetensors\"` in the file: a run that is done writes the weights without training again",
    ]),
    (&["init", "new", "create", "template", "example"], &[
        "a file of one line is whole: `curriculum ssp(adm) under lesam(budget = 0.4, clip = 0.35)`",
        "`flatrun catalog` lists what may stand in a file",
    ]),
    (&["list", "ls", "status", "ps", "history"], &["`flatrun runs` lists what was run, `flatrun catalog` every component"]),
    (&["rm", "remove", "delete", "clean", "clear", "gc", "prune"], &[
        "`flatrun runs rm NAME` removes a run, `flatrun runs gc` what no run needs, and `flatrun runs` lists the names",
    ]),
    (&["format", "prettify"], &["`flatrun fmt FILE` brings a file into canonical form"]),
    (&["validate", "verify"], &["`flatrun check FILE` finds every mistake without training"]),
    (&["docs", "doc", "man", "info", "describe", "about"], &["`flatrun explain NAME` explains a component, a statement or a finding"]),
    (&["components", "models", "datasets", "optimizers", "minimizers"], &["`flatrun catalog` lists every component of the language"]),
    (&["plot", "figures", "results", "table", "show", "summary", "view", "compare", "diff"], &["`flatrun report RUN ..` prints tables and draws plots of runs"]),
    (&["tensorboard", "log", "logs", "wandb"], &["`flatrun report RUN --tensorboard DIR` writes event files"]),
    (&["draw", "dot", "viz"], &["`flatrun graph FILE` draws the stages of a program"]),
    (&["sweep", "tune", "grid", "search", "hyperopt"], &["a choice stands in the file: `optimize sgd(lr = each [0.1, 0.03, 0.01])`"]),
    (&["dry-run", "dryrun", "estimate", "config"], &["`flatrun plan FILE` shows the stages of a run and what they cost"]),
    (&["version"], &["`flatrun --version` prints the version"]),
    (&["server", "serve", "language-server"], &["`flatrun lsp` speaks the language server protocol"]),
];

/// Options that there are elsewhere; `{}` is the value that was given.
#[rustfmt::skip]
const OPTIONS: &[(&[&str], &str, &str)] = &[
    (&["epochs", "epoch", "n-epochs", "num-epochs", "max-epochs", "e"], "5",
        "write `train {} epochs` in the file, or `--set train.0.duration=\"{} epochs\"`"),
    (&["steps", "max-steps", "iterations", "iters", "num-steps"], "500",
        "write `train {} steps` in the file, or `--set train.0.duration=\"{} steps\"`"),
    (&["lr", "learning-rate", "rate"], "0.1", "write `optimize sgd(lr = {})` in the file, or `--set optimize.lr={}`"),
    (&["batch-size", "batch", "bs", "b"], "128", "write `batch {}` behind `data` in the file, or `--set data.batch={}`"),
    (&["wd", "weight-decay"], "5e-4", "write `optimize sgd(weight_decay = {})` in the file, or `--set optimize.weight_decay={}`"),
    (&["momentum"], "0.9", "write `optimize sgd(momentum = {})` in the file, or `--set optimize.momentum={}`"),
    (&["rho"], "0.05", "write `under sam(rho = {})` in the file, or `--set under=\"sam(rho = {})\"`"),
    (&["eps", "epsilon"], "8/255", "write `against at(eps = {})` in the file, or `--set against=\"at(eps = {})\"`"),
    (&["optimizer", "optim", "opt"], "adam", "write `optimize {}` in the file, or `--set optimize={}`"),
    (&["model", "arch", "network", "net"], "resnet18", "write `model {}` in the file, or `--set model={}`"),
    (&["data", "dataset"], "cifar10", "write `data {}` in the file, or `--set data={}`"),
    (&["data-dir", "data-path", "root", "data-root"], "DIR", "write `data cifar10(root = \"{}\")` in the file, or `--set data.root={}`"),
    (&["seed", "random-seed", "manual-seed"], "0", "write `--seeds {}`, or `seeds [{}]` in the file"),
    (&["gpu", "gpus", "cuda", "gpu-id", "accelerator"], "0", "write `--device \"cuda({})\"`, or `device cuda({})` in the file"),
    (&["cpu", "no-cuda"], "", "write `--device cpu`"),
    (&["output", "out", "output-dir", "out-dir", "outdir", "save-dir", "run-dir", "logdir", "log-dir", "o", "dir"], "DIR",
        "write `--runs {}`: every run has a folder below it"),
    (&["save", "export", "save-path"], "weights.safetensors", "write `export \"{}\"` in the file, or `--set export={}`"),
    (&["weights", "pretrained", "load", "from", "init-from", "finetune"], "weights.pth",
        "write `from \"{}\"` behind `model` in the file, or `--set model.from={}`"),
    (&["continue", "resume-from", "from-checkpoint", "checkpoint", "ckpt", "restore"], "",
        "write `--resume`: the run is found by its file; checkpoints are not named"),
    (&["force", "overwrite", "f", "clean", "no-cache"], "", "write `--restart`: what an earlier run left is thrown away"),
    (&["dry-run", "n", "plan"], "", "`flatrun plan FILE` shows what a run would do, `--smoke` tries one step of everything"),
    (&["config", "file", "c", "input", "i"], "FILE", "the file stands alone: `flatrun {}`"),
    (&["verbose", "v", "debug"], "", "everything is in `events.jsonl` of the run folder; `--events jsonl` prints it"),
    (&["silent", "q", "no-progress"], "", "write `--quiet`"),
    (&["json"], "", "`check`, `plan`, `graph` and `catalog` take `--format json`, a run takes `--events jsonl`"),
    (&["workers", "num-workers", "threads", "jobs", "j"], "2", "threads are as many as the cores; the variable `RAYON_NUM_THREADS={}` bounds them"),
    (&["amp", "fp16", "bf16", "half", "mixed-precision"], "", "write `precision bf16` in the file, or `--set precision=bf16`"),
    (&["name", "title", "experiment", "run-name"], "NAME", "write `title \"{}\"` in the file, or `--set title=\"{}\"`"),
    (&["tensorboard", "wandb"], "", "`flatrun report RUN --tensorboard DIR` writes event files of a run"),
    (&["validation", "val-split", "validation-split"], "10%", "write `validation {}` behind `data` in the file, or `--set data.validation={}`"),
    (&["early-stopping", "patience"], "", "training is not stopped early: `select best(accuracy)` in the file takes the best weights"),
    (&["test", "eval", "evaluate", "eval-only"], "", "what is measured stands in the file: `evaluate accuracy, loss`"),
    (&["yes", "y"], "", "nothing asks; leave it out"),
];

/// What a command of another program is here.
pub fn command(word: &str) -> Option<&'static [&'static str]> {
    let word = word.to_ascii_lowercase();
    COMMANDS.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, help)| *help)
}

/// Names of the commands that are known from elsewhere.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().flat_map(|(words, _)| words.iter().copied())
}

/// The answer to an option that there is elsewhere, `--epochs 5`; nothing for other errors.
pub fn option(error: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(written)) = error.get(ContextKind::InvalidArg) else { return None };
    let (_, example, help) = OPTIONS.iter().find(|(names, ..)| names.contains(&plain(written).as_str()))?;
    let value = value_of(written, arguments).unwrap_or_else(|| (*example).to_owned());
    let failure = Failure::usage(format!("there is no option `{}`", name_of(written)));
    Some(failure.help(help.replace("{}", &value)))
}

/// `--lr=0.1` without its value.
fn name_of(written: &str) -> &str {
    written.split('=').next().unwrap_or_default()
}

fn plain(written: &str) -> String {
    name_of(written).trim_start_matches('-').replace('_', "-").to_ascii_lowercase()
}

/// What was given to the option: behind `=`, or as the next argument.
fn value_of(written: &str, arguments: &[OsString]) -> Option<String> {
    let mut rest = arguments.iter().filter_map(|argument| argument.to_str());
    let own = rest.find(|argument| name_of(argument) == name_of(written))?;
    let value = match own.split_once('=') {
        Some((_, value)) => value,
        None => rest.next().filter(|next| !next.starts_with("--") && !next.ends_with(".flat"))?,
    };
    let harmless = |c: char| c.is_ascii_alphanumeric() || "./_-%".contains(c);
    (!value.is_empty() && value.len() <= 60 && value.chars().all(harmless)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn answer(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = Cli::command().try_get_matches_from(&arguments).err()?;
        option(&error, &arguments).map(|failure| format!("{}: {}", failure.message, failure.help.join("; ")))
    }

    #[test]
    fn options_of_other_programs_are_answered() {
        for (line, expected) in [
            (
                "flatrun run a.flat --epochs 7",
                "there is no option `--epochs`: write `train 7 epochs` in the file, or `--set train.0.duration=\"7 epochs\"`",
            ),
            (
                "flatrun run --lr=0.3 a.flat",
                "there is no option `--lr`: write `optimize sgd(lr = 0.3)` in the file, or `--set optimize.lr=0.3`",
            ),
            (
                "flatrun run a.flat --gpu",
                "there is no option `--gpu`: write `--device \"cuda(0)\"`, or `device cuda(0)` in the file",
            ),
        ] {
            assert_eq!(answer(line).as_deref(), Some(expected));
        }
        assert_eq!(answer("flatrun check --formt a.flat"), None);
    }

    #[test]
    fn no_command_is_taken_for_a_foreign_one() {
        let root = Cli::command();
        let names = root.get_subcommands().flat_map(clap::Command::get_name_and_visible_aliases);
        let mut names = names.collect::<Vec<_>>();
        assert!(commands().all(|word| !names.contains(&word)));
        names.sort_unstable();
        let mut foreign: Vec<&str> = commands().collect();
        foreign.sort_unstable();
        let before = foreign.len();
        foreign.dedup();
        assert_eq!(foreign.len(), before, "a word stands twice");
    }
}
