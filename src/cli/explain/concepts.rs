//! `flatrun explain "early stopping"`: what people look for that is no word of the language.

/// Something that people look for.
#[derive(Debug)]
pub struct Concept {
    /// What it may be called; the first is its title.
    pub names: &'static [&'static str],
    pub text: &'static str,
    /// A whole file, or a command.
    pub example: &'static str,
}

/// Every such concept.
#[rustfmt::skip]
pub const CONCEPTS: &[Concept] = &[
    Concept {
        names: &["continue", "train longer", "longer", "more epochs", "extend", "keep training", "finetune", "fine-tune", "fine-tuning"],
        text: "Three ways to go on.\n\
               A run that was stopped or killed: `flatrun FILE --resume` goes on from its last checkpoint.\n\
               A run that is done, for longer: write another phase behind it, `then 5 epochs`, with the optimizer it is to have. \
               The phases that are unchanged are taken from the earlier run, and only the new one trains; its optimizer begins \
               without momentum, and its schedules begin anew.\n\
               A longer duration in place, `train 10 epochs` for `train 5 epochs`, is another program: it trains from the beginning, \
               since a schedule such as `cosine` spans the whole phase.\n\
               Weights of a file, of this program or another: `model resnet18 from \"weights.safetensors\"`.",
        example: "train 5 epochs under sam(rho = 0.05)\n  then 5 epochs under sam(rho = 0.05)",
    },
    Concept {
        names: &["resume", "restart", "interrupted", "ctrl-c"],
        text: "Ctrl-C writes a checkpoint and ends; a kill loses what came after the last one. `flatrun FILE --resume` goes on from there \
               and ends with the numbers that an unbroken run would have had. `flatrun FILE --restart` throws away what the earlier run \
               left. The run is found by what the file says: an edited file is another run.",
        example: "flatrun FILE --resume",
    },
    Concept {
        names: &["checkpoint", "checkpoints", "checkpointing"],
        text: "Checkpoints are written by themselves while a phase trains, and removed when it is done; they hold all that `--resume` \
               needs. They are not for other programs: `export \"weights.safetensors\"` writes the weights under PyTorch's names.",
        example: "export \"weights.safetensors\"",
    },
    Concept {
        names: &["early stopping", "patience", "overfitting", "best weights", "best model"],
        text: "Training is never stopped early: every run takes as long as the file says, so that runs can be compared. \
               `select best(accuracy)` reports and exports the weights that were best on the validation split after any epoch.",
        example: "data digits validation 10%\ntrain 20 epochs under sam\nselect best(accuracy)",
    },
    Concept {
        names: &["learning rate", "learning-rate schedule", "lr schedule", "scheduler", "warm-up", "decay"],
        text: "The learning rate belongs to the optimizer: `optimize sgd(lr = 0.1)`. A schedule stands in place of the number and spans \
               the phase: `cosine`, `linear`, `exp`, `steps`, with `warmup(..) then` before it.",
        example: "optimize sgd(lr = warmup(5 epochs) then cosine(0.05 -> 0))\ntrain 20 epochs",
    },
    Concept {
        names: &["epoch", "iterations", "duration", "training time"],
        text: "How long it trains stands behind `train`, with its unit: `train 200 epochs` or `train 5000 steps`. An epoch is one pass \
               over the training split, a step one batch. Phases follow each other with `then`.",
        example: "train 5 epochs under sgd\n  then 5 epochs under sam",
    },
    Concept {
        names: &["gpu", "cuda", "nvidia", "card", "accelerator"],
        text: "`device cuda(0)` is the first NVIDIA card; the program must be built for it: `cargo build --release --features cuda`. \
               `--device cpu` overrides the file for one run. Without `device` a run is on the CPU.",
        example: "device cpu",
    },
    Concept {
        names: &["batch size", "minibatch", "mini-batch", "gradient accumulation", "out of memory", "memory"],
        text: "`data digits batch 128` takes 128 samples per step. Where they do not fit into memory, `micro 32` takes the batch in \
               parts of 32 and averages their gradients. `flatrun plan FILE` estimates the memory.",
        example: "data digits batch 128 micro 32",
    },
    Concept {
        names: &["seed", "reproducibility", "random seed", "determinism", "repeat"],
        text: "`seeds 0..3` runs the file under the seeds 0, 1 and 2; tables show mean ± std. A seed decides the first weights, the order \
               of samples and every draw, so the same file gives the same numbers again.",
        example: "seeds 0..3",
    },
    Concept {
        names: &["sweep", "grid search", "hyperparameters", "hyperparameter search", "tuning", "variants", "choice"],
        text: "`each [..]` stands in place of any value or component. The file then means every combination of its choices, each a \
               variant with a row of the table.",
        example: "optimize sgd(lr = each [0.1, 0.03])\nunder each [sgd, sam(rho = 0.05)]",
    },
    Concept {
        names: &["pretrained", "pretrained weights", "transfer learning", "load weights", "checkpoint of another program"],
        text: "`model resnet18 from \"weights.pth\"` begins from a file of PyTorch or safetensors. `head = new` draws the last layer for \
               other classes; `freeze = [\"layer1\"]` keeps layers as they are.",
        example: "model resnet18(head = new)",
    },
    Concept {
        names: &["own data", "custom data", "custom dataset", "image folder", "images"],
        text: "`data folder(root = \"..\")` reads images in folders, one per class, below `train` and `val`; `data idx(..)` reads four files \
               in the form of MNIST's. `flatrun check FILE` says what is wrong with them.",
        example: "data digits",
    },
    Concept {
        names: &["adversarial training", "robustness", "attack", "pgd training"],
        text: "`against at(eps = 8/255)` trains on attacked images; `evaluate pgd, autoattack` measures under attack. Radii are in units \
               of the pixel range, which is [0, 1].",
        example: "train 5 epochs against at(eps = 8/255)\nevaluate accuracy, pgd(eps = 8/255)",
    },
    Concept {
        names: &["sharpness-aware minimization", "flat minima", "flatness", "sharpness aware"],
        text: "`under sam(rho = 0.05)` takes each step with the gradient at the worst point near the weights. `flatrun catalog --kind minimizer` \
               lists what else may stand there; `evaluate hessian(top = 5), sharpness` measures how flat the end is.",
        example: "under sam(rho = 0.05)\nevaluate accuracy, sharpness",
    },
    Concept {
        names: &["predict", "inference", "use the model", "deploy"],
        text: "There is no command for single images. `export \"weights.safetensors\"` writes the weights under PyTorch's names, for any program \
               that reads them.",
        example: "export \"weights.safetensors\"",
    },
    Concept {
        names: &["output folder", "runs folder", "results", "where are the results", "report", "tensorboard", "logs"],
        text: "Every run has a folder below `runs`, named by the file and what it says: weights, metrics, events and `report.html`. \
               `flatrun runs` lists them, `flatrun report RUN ..` prints their tables again and joins several; `--runs DIR` puts them elsewhere.",
        example: "flatrun report RUN --tensorboard board",
    },
    Concept {
        names: &["cross-validation", "validation split", "holdout"],
        text: "`data digits validation 10%` holds a tenth of the training split out; `select best(accuracy)` and measurements on the way use it. \
               The test part is measured at the end.",
        example: "data digits validation 10%",
    },
    Concept {
        names: &["mixed precision", "amp", "half precision", "fp16"],
        text: "`precision bf16` takes convolutions and products in bf16; weights and losses stay in f32. Other formats are not built.",
        example: "precision f32",
    },
    Concept {
        names: &["parameter", "setting", "flag", "command line", "override"],
        text: "`--set PATH=VALUE` changes one value of the file for one run, and may be given again. Paths are those of `flatrun plan FILE` and \
               `resolved.json`: `optimize.lr`, `data.batch`, `train.0.duration`, `train.0.under.rho`.",
        example: "flatrun FILE --set optimize.lr=0.1 --set train.0.duration=\"5 epochs\"",
    },
];

/// The concept of this name, however it is written.
pub fn find(name: &str) -> Option<&'static Concept> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(name);
    CONCEPTS.iter().find(|concept| concept.names.iter().any(|name| plain(name) == wanted))
}

impl Concept {
    pub fn page(&self) -> String {
        let example = self.example.replace('\n', "\n  ");
        format!("{}\n\n{}\n\nExample\n  {example}\n", self.names[0], self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::source::Source;
    use crate::diagnostic::Level;
    use crate::lang::Settings;

    #[test]
    fn examples_of_files_are_sound() {
        for concept in CONCEPTS.iter().filter(|concept| !concept.example.starts_with("flatrun")) {
            let source = Source::for_test("a.flat", &format!("{}\n", concept.example));
            let findings = source.check(&Settings::default()).diagnostics;
            let wrong = findings.iter().find(|finding| finding.level() == Level::Error);
            assert!(wrong.is_none(), "{}: {wrong:?}", concept.names[0]);
        }
    }

    #[test]
    fn a_concept_is_found_however_it_is_written() {
        for name in ["early stopping", "Early-Stopping", "early_stopping", "GPU", "learningrate"] {
            assert!(find(name).is_some(), "{name}");
        }
        assert!(find("cooking").is_none());
    }
}
