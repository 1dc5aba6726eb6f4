//! `model`: the architecture, the weights it starts from, and whether the data fit it.

use std::path::PathBuf;

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span, is_slip, nearest};
use crate::lang::catalog::{Architecture, Form, Head, Normalize, Parameter, Vit, Wrn};
use crate::lang::edition;
use crate::lang::program::Model;
use crate::lang::value::{Arguments, Value};
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
        let model = Model { architecture: architecture?, from };
        if let Some(written) = outline.value("model") {
            self.layers_exist(&model.architecture, written);
            self.head_is_loaded(&model, written);
            self.norms_can_freeze(&model.architecture, written);
        }
        Some(model)
    }

    /// Whether the network has the layers that `freeze` names; what lies inside a layer is known when it is built.
    fn layers_exist(&mut self, architecture: &Architecture, written: &'a Expr) {
        let Some(list) = self.argument(written, "freeze") else { return };
        let ExprKind::List(items, _) = &self.resolve(list).kind else { return };
        let layers = architecture.layers();
        for item in items {
            let item = self.resolve(item);
            let ExprKind::Text(text) = &item.kind else { continue };
            if !layers.iter().any(|layer| Some(layer.as_str()) == text.split('.').next()) {
                self.report(unknown_layer(architecture, &layers, text, item.span));
            }
        }
    }

    /// Whether there are weights whose head could be replaced.
    fn head_is_loaded(&mut self, model: &Model, written: &'a Expr) {
        let Some(head) = self.argument(written, "head") else { return };
        if model.from.is_some() || model.architecture.tuning().head == Head::Keep {
            return;
        }
        let message = "`head = new` has no effect: every layer is drawn anew without `from`";
        let finding = Diagnostic::new(Code::UnusedValue, head.span, message, "without effect");
        self.report(
            finding.help("leave it out, or name a file: `model resnet18(head = new) from \"weights.pth\"`"),
        );
    }

    /// Whether there are running statistics that could stay as they are.
    fn norms_can_freeze(&mut self, architecture: &Architecture, written: &'a Expr) {
        let Some(freeze) = self.argument(written, "freeze_bn") else { return };
        if !architecture.tuning().freeze_bn || architecture.has_batch_norm() {
            return;
        }
        let name = architecture.name();
        let message = format!("`freeze_bn = true` has no effect: `{name}` has no batch normalisation");
        let finding = Diagnostic::new(Code::UnusedValue, freeze.span, message, "without effect");
        self.report(finding.help("leave it out; `freeze = [..]` keeps layers as they are"));
    }

    /// What is written for a parameter of the model.
    fn argument(&self, written: &'a Expr, name: &str) -> Option<&'a Expr> {
        let ExprKind::Call(call) = &self.resolve(written).kind else { return None };
        let named = |argument: &&Argument| argument.name.as_ref().is_some_and(|own| own.text == name);
        call.arguments.iter().flatten().find(named).map(|argument| &argument.value)
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
        let small = too_small(&model.architecture, info, name);
        let misfits = [
            constants_mismatch(&model.architecture, info, normalize),
            small.or_else(|| patches_misfit(&model.architecture, info, name)),
        ];
        if misfits.iter().all(Option::is_none) {
            self.network_stands(outline, model, info, name);
        }
        misfits.into_iter().flatten().for_each(|finding| self.report(finding));
    }

    /// Whether the network can be built, has something to train, and starts from weights that are its own.
    fn network_stands(&mut self, outline: &Outline<'a>, model: &Model, info: DatasetInfo, name: Span) {
        let known = self.networks.iter().find(|(asked, images, _)| asked == model && *images == info);
        let answer = match known {
            Some((.., answer)) => answer.clone(),
            None => {
                let answer = self.world.network(model, &info);
                self.networks.push((model.clone(), info, answer.clone()));
                answer
            }
        };
        let Err(error) = answer else { return };
        let freeze = || {
            let list = self.argument(outline.value("model")?, "freeze")?;
            Some(self.named_in(list, &error.message).unwrap_or(self.resolve(list).span))
        };
        let from = || outline.clause("model", "from").map(|path| self.resolve(path).span);
        let (place, label) = match error.code {
            Code::NothingTrains => (freeze(), "every layer is in it"),
            Code::UnknownLayer => (freeze(), "not the beginning of any weight's name"),
            Code::NetworkTooLarge => (None, "too many parameters"),
            Code::UnusableWeights | Code::MissingFile => (from(), "no weights to read"),
            Code::UnfittingWeights => (from(), "weights of another network"),
            _ => (None, "this network"),
        };
        let finding = Diagnostic::new(error.code, place.unwrap_or(name), error.message, label);
        self.report(error.help.iter().fold(finding, |finding, help| finding.help(help.as_str())));
    }

    /// The element of a list of texts that a message names.
    fn named_in(&self, list: &'a Expr, message: &str) -> Option<Span> {
        let ExprKind::List(items, _) = &self.resolve(list).kind else { return None };
        let mut items = items.iter().map(|item| self.resolve(item));
        let named = items.find(|item| match &item.kind {
            ExprKind::Text(text) => message.contains(&format!("`{text}`")),
            _ => false,
        });
        named.map(|item| item.span)
    }

    /// The places of a model's name and of its `normalize`.
    fn model_places(&self, written: &'a Expr) -> (Span, Span) {
        let resolved = self.resolve(written);
        let ExprKind::Call(call) = &resolved.kind else { return (resolved.span, resolved.span) };
        let normalize = self.argument(written, "normalize");
        (call.name.span, normalize.map_or(call.name.span, |value| value.span))
    }
}

/// Images that are not made of whole patches.
fn patches_misfit(architecture: &Architecture, info: DatasetInfo, span: Span) -> Option<Diagnostic> {
    let problem = architecture.misfit([info.height, info.width])?;
    let finding = Diagnostic::new(Code::UnfittingSizes, span, problem, "some pixels would be left out");
    Some(finding.help("resize the images, or choose another patch: `model vit(patch = 4)`"))
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

fn unknown_layer(architecture: &Architecture, layers: &[String], text: &str, span: Span) -> Diagnostic {
    let message = format!("`{}` has no layer `{text}`", architecture.name());
    let finding =
        Diagnostic::new(Code::UnknownLayer, span, message, "not the beginning of any weight's name");
    let first = text.split('.').next().unwrap_or_default();
    match nearest(first, layers.iter().map(String::as_str)) {
        Some(near) if first == text && is_slip(text, near) => {
            let quoted = format!("\"{near}\"");
            finding.help(format!("the nearest layer is `{near}`")).fix(
                format!("replace by `{quoted}`"),
                span,
                quoted,
            )
        }
        Some(near) => finding.help(format!("the nearest layer is `{near}`")),
        None => finding.help(format!("its layers are {}", layers.join(", "))),
    }
}

/// A depth that blocks of two convolutions in three stages add up to.
pub(crate) fn wrn<'a>(net: Wrn, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Wrn> {
    let fits = net.depth >= 10 && (net.depth - 4).is_multiple_of(6);
    if fits {
        return Some(net);
    }
    let span = arguments.written("depth").map_or(arguments.span, |written| checker.resolve(written).span);
    let message = format!("a wide ResNet cannot have {} layers", net.depth);
    let finding = Diagnostic::new(Code::UnfittingSizes, span, message, "not 6 n + 4");
    let blocks = net.depth.saturating_sub(4).div_euclid(6).max(1);
    checker.report(finding.help(format!("the nearest depth below is {}", 6 * blocks + 4)));
    None
}

/// Heads that share the width.
pub(crate) fn vit<'a>(net: Vit, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Vit> {
    if net.width.is_multiple_of(net.heads) {
        return Some(net);
    }
    let (written, label) = match (arguments.written("heads"), arguments.written("width")) {
        (Some(heads), _) => (Some(heads), "does not divide the width"),
        (None, width) => (width, "not a multiple of the heads"),
    };
    let span = written.map_or(arguments.span, |written| checker.resolve(written).span);
    let message = format!("{} heads cannot share {} channels", net.heads, net.width);
    let finding = Diagnostic::new(Code::UnfittingSizes, span, message, label);
    checker.report(finding.help(format!("`width = {}` would do", net.width.next_multiple_of(net.heads))));
    None
}

fn too_small(architecture: &Architecture, info: DatasetInfo, span: Span) -> Option<Diagnostic> {
    let (side, least) = (info.height.min(info.width), architecture.smallest_side());
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
