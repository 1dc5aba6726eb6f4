//! What the training and the test part of a data set hold: classes that can be learned, images of their own, axes in order.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{Layout, Source};
use crate::lang::program::Validation;
use crate::lang::world::{Parts, SourceInfo};
use crate::syntax::ast::{Expr, ExprKind};

/// More rows than this are no channels that stand first: red, green, blue, alpha.
const MOST_CHANNELS: usize = 4;

impl<'a> Checker<'a> {
    /// Every class has images to train on beside the validation split, and test images are others.
    pub(super) fn parts(
        &mut self,
        outline: &Outline<'a>,
        source: &Source,
        written: &'a Expr,
        validation: Option<Validation>,
    ) {
        // Domains hold out themselves, and take no validation split.
        let validation = validation.filter(|_| source.domains().is_none());
        let Parts { unlearnable, absent, shared } = self.ask_parts(source, validation);
        if let Some(error) = unlearnable {
            let split = matches!(error.code, Code::ValidationTakesAll | Code::EmptyValidation);
            let clause = outline.clause("data", "validation").filter(|_| split);
            let label = if split { "takes too much" } else { "this data set" };
            let span = self.resolve(clause.unwrap_or(written)).span;
            let finding = Diagnostic::new(error.code, span, error.to_string(), label);
            self.report(error.help.iter().fold(finding, |finding, help| finding.help(help.as_str())));
        }
        if !absent.is_empty() {
            let span = self.path_span(self.resolve(written));
            let message = format!("no training image has the class {}", first_of(&absent));
            let finding = Diagnostic::new(Code::UntrainedClass, span, message, "a class too many");
            self.report(
                finding
                    .help("the network gets an output that nothing teaches: number the classes without gaps"),
            );
        }
        if let Some(message) = shared {
            self.tests_on_training(written, message);
        }
    }

    fn ask_parts(&mut self, source: &Source, validation: Option<Validation>) -> Parts {
        let asked = |(known, taken, _): &&(Source, Option<Validation>, Parts)| {
            known == source && *taken == validation
        };
        if let Some((.., parts)) = self.parts.iter().find(asked) {
            return parts.clone();
        }
        let parts = self.world.parts(source, validation);
        self.parts.push((source.clone(), validation, parts.clone()));
        parts
    }

    fn tests_on_training(&mut self, written: &'a Expr, message: String) {
        let test = ["test_images", "test"].iter().find_map(|name| self.source_argument(written, name));
        let span = test.map_or_else(|| self.path_span(self.resolve(written)), |test| self.resolve(test).span);
        let finding = Diagnostic::new(
            Code::TestsOnTraining,
            span,
            message,
            "measured on what was trained on",
        )
        .help(
            "a number that is measured on training images says nothing about others: keep test images apart",
        );
        self.report(finding);
    }

    /// `N x 3 x 32 x 32` in the layout that has channels last.
    pub(super) fn ask_layout(&mut self, source: &Source, info: &SourceInfo, written: &'a Expr) {
        if let Source::Longtail(tail) = source {
            return self.ask_layout(&tail.source, info, written);
        }
        let (Source::Idx(idx), Some(size)) = (source, info.size) else { return };
        let doubtful = size.height <= MOST_CHANNELS && info.channels > MOST_CHANNELS;
        if !doubtful || idx.layout == Layout::Nchw || self.source_argument(written, "layout").is_some() {
            return;
        }
        let (rows, columns, channels) = (size.height, size.width, info.channels);
        let message = format!(
            "the images have {rows} rows, {columns} columns, {channels} channels: are the channels first?"
        );
        let images = self.source_argument(written, "images").unwrap_or(written);
        let span = self.resolve(images).span;
        let finding = Diagnostic::new(Code::UnclearAxes, span, message, "read as rows, columns, channels")
            .help(format!(
                "write `layout = nchw` for {rows} channels of {columns} rows and {channels} columns"
            ))
            .help("write `layout = nhwc` if the channels are last");
        self.report(finding);
    }

    /// The value that a source, or the source inside it, gives an argument.
    fn source_argument(&self, source: &'a Expr, name: &str) -> Option<&'a Expr> {
        let ExprKind::Call(call) = &self.resolve(source).kind else { return None };
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let named =
            arguments.iter().find(|argument| argument.name.as_ref().is_some_and(|own| own.text == name));
        match named {
            Some(argument) => Some(&argument.value),
            None => arguments.iter().find_map(|argument| self.source_argument(&argument.value, name)),
        }
    }
}

/// `3`, or `3, and 5 more classes have none`.
fn first_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first}, and {} more classes have none", others.len()),
    }
}
