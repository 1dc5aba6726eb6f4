//! What `corruption` needs: a known set of kinds, images it can change, and arrays that are there.

use std::path::Path;

use super::Checker;
use super::ball::written;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{CorruptionEvaluator, KINDS};
use crate::lang::value::Arguments;

pub(crate) fn check_corruption<'a>(
    spec: CorruptionEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<CorruptionEvaluator> {
    if !KINDS.contains(&spec.kinds) {
        let message = format!("`kinds` must be {} or {}, found {}", KINDS[0], KINDS[1], spec.kinds);
        let span = written(checker, arguments, "kinds");
        let finding = Diagnostic::new(Code::OutOfRange, span, message, "no such set of kinds");
        checker.report(
            finding.help("15 is the core set; 19 has speckle_noise, gaussian_blur, spatter and saturate too"),
        );
        return None;
    }
    match &spec.root {
        Some(root) => check_arrays(checker, arguments, root, spec.kinds)?,
        None => check_images(checker, arguments, spec.kinds)?,
    }
    Some(spec)
}

/// Kinds are defined for grey and for coloured images, and saturation for coloured ones alone.
fn check_images<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, kinds: usize) -> Option<()> {
    let Some(info) = checker.info else { return Some(()) };
    let (message, help) = match (info.channels, kinds) {
        (3, _) | (1, 15) => return Some(()),
        (1, _) => (
            "`saturate`, one of the 19 kinds, changes colours; the images of the data set are grey"
                .to_owned(),
            "write `corruption(kinds = 15)`",
        ),
        (channels, _) => (
            format!(
                "`corruption` needs images of one channel or three; those of the data set have {channels}"
            ),
            "leave `corruption` out, or name arrays that were made elsewhere: `corruption(root = \"..\")`",
        ),
    };
    let span = written(checker, arguments, "kinds");
    let finding = Diagnostic::new(Code::UnfittingImages, span, message, "not for these images");
    checker.report(finding.help(help));
    None
}

/// The published arrays are there, whole, and fit the data set.
fn check_arrays<'a>(
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
    root: &Path,
    kinds: usize,
) -> Option<()> {
    let (info, source) = (checker.info?, checker.data_source.clone()?);
    let error = checker.world.corruptions(root, kinds, &source, &info).err();
    let Some(error) = error else { return Some(()) };
    let span = written(checker, arguments, "root");
    let (code, label) = match error.path.as_deref() == Some(root) {
        true => (Code::MissingFile, "not the folder of all arrays"),
        false => (Code::UnusableData, "the folder of the arrays"),
    };
    let message = format!("`corruption` cannot use the published arrays: {error}");
    let finding = Diagnostic::new(code, span, message, label)
        .help("paths start at the working directory")
        .help("without `root` the images are generated, in the style of CIFAR-10-C");
    checker.report(finding);
    None
}
