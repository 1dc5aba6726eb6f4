//! What a list of augmentations does to images of one size and number of channels.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::Augmentation;
use crate::lang::program::Experiment;
use crate::lang::world::DatasetInfo;

impl<'a> Checker<'a> {
    /// Augmentations that do nothing to these images, or leave nothing of them.
    pub(super) fn lint_augmentations(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let (Some(info), Some(list)) = (self.info, outline.clause("data", "augment")) else { return };
        let augment = &experiment.data.augment;
        for (index, augmentation) in augment.iter().enumerate() {
            let span = self.item(list, index);
            let later = &augment[index + 1..];
            if let Some(finding) = without_effect(augmentation, later, info, span)
                .or_else(|| covers_image(augmentation, info, span))
            {
                self.report(finding);
            }
        }
    }
}

fn without_effect(
    augmentation: &Augmentation,
    later: &[Augmentation],
    info: DatasetInfo,
    span: Span,
) -> Option<Diagnostic> {
    let grey = info.channels == 1;
    let (message, help) = match augmentation {
        Augmentation::Mixup(_) if later.iter().any(|other| matches!(other, Augmentation::Mixup(_))) => {
            ("`mixup` stands twice, and a sample is mixed once: the last one counts", "keep one")
        }
        Augmentation::Grayscale(_) if grey => {
            ("`grayscale` changes nothing: the images are grey", "leave it out")
        }
        Augmentation::Jitter(jitter) if grey && (jitter.saturation > 0.0 || jitter.hue > 0.0) => (
            "`saturation` and `hue` change nothing: the images are grey",
            "`brightness` and `contrast` change grey images",
        ),
        _ => return None,
    };
    Some(Diagnostic::new(Code::UnusedValue, span, message, "without effect").help(help))
}

/// A square that may black out a whole image.
fn covers_image(augmentation: &Augmentation, info: DatasetInfo, span: Span) -> Option<Diagnostic> {
    let Augmentation::Cutout(cutout) = augmentation else { return None };
    let (size, side) = (cutout.size, info.height.min(info.width));
    if size <= side {
        return None;
    }
    let message = format!(
        "a square of {size} pixels is larger than the images, which are {} wide and {} high",
        info.width, info.height
    );
    let finding = Diagnostic::new(Code::SuspiciousMagnitude, span, message, "may leave nothing of an image");
    Some(finding.help(format!("half of the side is usual: `cutout({})`", (side / 2).max(1))))
}
