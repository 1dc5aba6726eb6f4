//! `model`: the architecture, the weights it starts from, and whether the data fit it.

use std::path::PathBuf;

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Architecture, Form, Normalize, Parameter};
use crate::lang::edition;
use crate::lang::program::Model;
use crate::lang::value::Value;
use crate::lang::world::DatasetInfo;
use crate::syntax::ast::{Argument, Expr, ExprKind};

impl<'a> Checker<'a> {
    pub(super) fn model(&mut self, outline: &Outline<'a>) -> Option<Model> {
        let written = outline.value("model").unwrap_or(self.default(edition::MODEL));
        let architecture =
            Architecture::read(self, written, &Parameter::new("model", Architecture::FORM, ""));
        let from = outline.clause("model", "from").map(|path| self.weights(path));
        let from = match from {
            Some(path) => Some(path?),
            None => None,
        };
        Some(Model { architecture: architecture?, from })
    }

    /// Initial weights: a file that is there.
    fn weights(&mut self, written: &'a Expr) -> Option<PathBuf> {
        self.at("from", |checker| checker.record_written(written));
        let path = PathBuf::read(self, written, &Parameter::new("from", PathBuf::FORM, ""))?;
        if self.world.exists(&path) {
            return Some(path);
        }
        let span = self.resolve(written).span;
        let message = format!("the weights `{}` are not there", path.display());
        let finding = Diagnostic::new(Code::MissingFile, span, message, "no such file")
            .help("paths start at the working directory")
            .help("without `from`, weights are drawn from the seed");
        self.report(finding);
        None
    }

    /// Whether images of the data's size and channels can go through the network.
    pub(super) fn model_fits(&mut self, outline: &Outline<'a>, model: &Model) {
        let Some(info) = self.info else { return };
        let written = outline.value("model").or(outline.value("data"));
        let (name, normalize) = written.map_or_else(Default::default, |expr| self.model_places(expr));
        if let Some(finding) = constants_mismatch(&model.architecture, info, normalize) {
            self.report(finding);
        }
        if let Some(finding) = too_small(&model.architecture, info, name) {
            self.report(finding);
        }
    }

    /// The places of a model's name and of its `normalize`.
    fn model_places(&self, written: &'a Expr) -> (Span, Span) {
        let resolved = self.resolve(written);
        let ExprKind::Call(call) = &resolved.kind else { return (resolved.span, resolved.span) };
        let named =
            |argument: &&Argument| argument.name.as_ref().is_some_and(|name| name.text == "normalize");
        let normalize = call.arguments.iter().flatten().find(named);
        (call.name.span, normalize.map_or(call.name.span, |argument| argument.value.span))
    }
}

fn constants_mismatch(architecture: &Architecture, info: DatasetInfo, span: Span) -> Option<Diagnostic> {
    let Normalize::Constants { mean, .. } = architecture.normalize() else { return None };
    let message = format!(
        "`normalize` has constants for {} channels, but the images have {}",
        mean.len(),
        info.channels
    );
    let finding = Diagnostic::new(Code::UnequalLengths, span, message, "one number per channel");
    (mean.len() != info.channels)
        .then(|| finding.help("`normalize = dataset` takes the constants of the data set"))
}

/// The smallest side of an image that a network's strides and kernels leave something of.
fn smallest_side(architecture: &Architecture) -> usize {
    match architecture {
        Architecture::SatCnn(_) => 16,
        Architecture::Mlp(_)
        | Architecture::Cnn(_)
        | Architecture::Resnet18(_)
        | Architecture::PreactResnet20(_) => 1,
    }
}

fn too_small(architecture: &Architecture, info: DatasetInfo, span: Span) -> Option<Diagnostic> {
    let (side, least) = (info.height.min(info.width), smallest_side(architecture));
    let name = architecture.name();
    let message = format!(
        "`{name}` needs images of at least {least}x{least} pixels, these are {}x{}",
        info.height, info.width
    );
    let finding = Diagnostic::new(Code::ImageTooSmall, span, message, "nothing would be left of an image");
    (side < least).then(|| finding.help("`model cnn` takes images from 8x8 pixels on"))
}

/// The place of a path in quotes.
pub(super) fn path_place(name: &'static str) -> Parameter {
    Parameter::new(name, Form::of(PathBuf::FORM.noun), "")
}
