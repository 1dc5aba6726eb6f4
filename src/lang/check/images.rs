//! What is done to images, and the size they have after it.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Adversary, Augmentation, Fit, Jitter, Parameter, Resize, Source};
use crate::lang::program::{Experiment, Origin};
use crate::lang::value::{Arguments, Value, mistakes};
use crate::lang::view::{size_after, view_of, written};
use crate::lang::world::{ImageSizes, Size, SourceInfo};
use crate::syntax::ast::{Expr, ExprKind};

impl<'a> Checker<'a> {
    /// The list after `augment`; empty where there is none.
    pub(super) fn augment(&mut self, outline: &Outline<'a>) -> Option<Vec<Augmentation>> {
        match outline.clause("data", "augment") {
            Some(list) => self.augmentations("augment", list),
            None => Some(Vec::new()),
        }
    }

    /// What images are seen through where nothing is drawn: the list after `test`, or what `augment` says of it.
    pub(super) fn view(
        &mut self,
        outline: &Outline<'a>,
        augment: Option<&[Augmentation]>,
    ) -> Option<Vec<Augmentation>> {
        let Some(list) = outline.clause("data", "test") else {
            let view = view_of(augment?);
            if !view.is_empty() {
                self.at("test", |checker| checker.record(written(&view), Origin::Default));
            }
            return Some(view);
        };
        let view = self.augmentations("test", list)?;
        let drawn = view.iter().position(Augmentation::is_for_training);
        if let Some(index) = drawn {
            self.random_view(self.item(list, index), view[index].name());
            return None;
        }
        Some(view)
    }

    fn augmentations(&mut self, clause: &'static str, list: &'a Expr) -> Option<Vec<Augmentation>> {
        let resolved = self.resolve(list);
        let items = match &resolved.kind {
            ExprKind::List(items, None) => items.as_slice(),
            ExprKind::Call(_) => std::slice::from_ref(resolved),
            _ => {
                let form = match clause {
                    "test" => "a list of augmentations, `[resize(256), center_crop(224)]`",
                    _ => "a list of augmentations, `[crop(pad = 4), flip]`",
                };
                let place = Parameter::new(clause, crate::lang::catalog::Form::of(form), "");
                return mistakes::wrong_type(self, list, &place);
            }
        };
        let place = Parameter::new(clause, Augmentation::FORM, "");
        let read: Vec<Option<Augmentation>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.at(&format!("{clause}.{index}"), |checker| Augmentation::read(checker, item, &place))
            })
            .collect();
        read.into_iter().collect()
    }

    /// The place of an element of a list.
    pub(super) fn item(&self, list: &'a Expr, index: usize) -> Span {
        let resolved = self.resolve(list);
        match &resolved.kind {
            ExprKind::List(items, _) => items.get(index).map_or(resolved.span, |item| item.span),
            _ => resolved.span,
        }
    }

    fn random_view(&mut self, span: Span, name: &str) {
        let message = format!("`{name}` is for training: `test` takes `resize` and `center_crop`");
        let finding = Diagnostic::new(Code::RandomView, span, message, "draws, mixes or changes labels");
        self.report(finding.help("write it in `augment`, or leave it out"));
    }

    /// Size of the images as the network sees them, the same in training and in evaluation.
    pub(super) fn image_size(
        &mut self,
        outline: &Outline<'a>,
        source: &Source,
        info: &SourceInfo,
        lists: (&[Augmentation], &[Augmentation]),
    ) -> Option<Size> {
        let (augment, view) = lists;
        let after = |size| size_after(augment, size).zip(size_after(view, size));
        let place = outline.value("data").map_or(Span::default(), |data| self.resolve(data).span);
        let (trained, tested) = match after(info.size) {
            Some(sizes) => sizes,
            None => match self.world.image_sizes(source) {
                Ok(ImageSizes { size: Some(size), .. }) => after(Some(size))?,
                Ok(ImageSizes { examples, .. }) => {
                    let finding = self.mixed_sizes(outline, place, &examples, lists);
                    self.report(finding);
                    return None;
                }
                Err(error) => {
                    let finding = self.unusable(source, &error, outline.value("data")?);
                    self.report(finding);
                    return None;
                }
            },
        };
        if trained == tested {
            return Some(tested);
        }
        self.report(other_size(outline, place, trained, tested));
        None
    }

    /// Images of several sizes, and how the lists that the file has would bring them to one.
    fn mixed_sizes(
        &self,
        outline: &Outline<'a>,
        data: Span,
        examples: &[String],
        (augment, view): (&[Augmentation], &[Augmentation]),
    ) -> Diagnostic {
        let clause = match size_after(augment, None) {
            Some(_) => "test",
            None => "augment",
        };
        let list = if clause == "test" { view } else { augment };
        let written = outline.clause("data", clause).map(|list| self.resolve(list).span);
        let message = match examples {
            [one, other, ..] => format!("the images are of several sizes: {one}, {other}"),
            _ => "the images are of several sizes".to_owned(),
        };
        let label = "a network takes images of one size";
        let finding = Diagnostic::new(Code::MixedSizes, written.unwrap_or(data), message, label);
        let shorter = list.iter().find_map(|augmentation| match augmentation {
            Augmentation::Resize(Resize { size, fit: Fit::Shorter }) => Some(*size),
            _ => None,
        });
        if let Some(size) = shorter {
            return finding
                .help(format!("`resize({size})` sets the shorter side and leaves the other as it comes"))
                .help(format!(
                    "write `center_crop({size})` behind it, or `resize({size}, fit = exact)` instead"
                ));
        }
        let inside = |span: Span| self.slice(span).trim_matches(['[', ']', ' ', ',']);
        let others = match written.map(inside) {
            Some(items) if !list.is_empty() => format!(", {items}"),
            Some(_) => String::new(),
            None => ", flip".to_owned(),
        };
        let finding = match clause {
            "test" => finding.help(format!("write `test [resize(256), center_crop(224){others}]`")),
            _ => finding
                .help(format!("write `augment [random_resized_crop(224){others}]`"))
                .help(format!("or `augment [resize(256), center_crop(224){others}]`")),
        };
        finding.help("another size may stand for 224, with a little more in `resize`")
    }

    /// A crop that may show nothing of its image.
    pub(super) fn lint_crops(&mut self, outline: &Outline<'a>, augment: &[Augmentation]) {
        let Some(info) = self.source_info else { return };
        for (index, augmentation) in augment.iter().enumerate() {
            let Augmentation::Crop(crop) = augmentation else { continue };
            let Some(size) = size_after(&augment[..index], info.size) else { continue };
            if crop.pad < size.height.min(size.width) {
                continue;
            }
            let list = outline.clause("data", "augment");
            let span = list.map_or(Span::default(), |list| self.item(list, index));
            let message = format!("`pad = {}` may move images of {size} pixels out of sight", crop.pad);
            let finding =
                Diagnostic::new(Code::SuspiciousMagnitude, span, message, "as wide as the image, or wider");
            self.report(finding.help("an eighth of the side is usual: `crop(pad = 4)` for 32x32 pixels"));
        }
    }

    /// Soft labels need a loss that is defined for them.
    pub(super) fn soft_labels_fit(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let adversaries = experiment.phases.iter().filter_map(|phase| phase.adversary.as_ref());
        let adversaries: Vec<&Adversary> = adversaries.collect();
        for (index, augmentation) in experiment.data.augment.iter().enumerate() {
            let refused = match augmentation {
                Augmentation::Mixup(_) => adversaries.first(),
                Augmentation::LabelSmoothing(_) => {
                    adversaries.iter().find(|adversary| !takes_soft(adversary))
                }
                _ => None,
            };
            let Some(adversary) = refused else { continue };
            let span =
                outline.clause("data", "augment").map_or(Span::default(), |list| self.item(list, index));
            self.report(no_soft_labels(span, augmentation, adversary));
        }
    }
}

/// Whether the training loss of an adversary is the plain cross-entropy.
fn takes_soft(adversary: &Adversary) -> bool {
    !matches!(adversary, Adversary::Mart(_) | Adversary::Trades(_) | Adversary::Cat20(_) | Adversary::Dat(_))
}

fn no_soft_labels(span: Span, augmentation: &Augmentation, adversary: &Adversary) -> Diagnostic {
    let (name, adversary) = (augmentation.name(), adversary.name());
    let (reason, instead) = match augmentation {
        Augmentation::Mixup(_) => {
            ("an attack needs the one label it goes against", "train without `against`")
        }
        _ => ("its loss is defined for a single label", "train against another adversary, such as `at`"),
    };
    let message = format!("`{name}` cannot be combined with `against {adversary}`: {reason}");
    Diagnostic::new(Code::NoSoftLabels, span, message, "labels become soft here")
        .help(format!("leave out `{name}`, or {instead}"))
}

fn other_size(outline: &Outline<'_>, data: Span, trained: Size, tested: Size) -> Diagnostic {
    let clause = outline.clause("data", "test").or_else(|| outline.clause("data", "augment"));
    let span = clause.map_or(data, |list| list.span);
    let message = format!("training images have {trained} pixels, those measured on have {tested}");
    Diagnostic::new(Code::SizesDiffer, span, message, "another size than in training")
        .help("end `augment` and `test` at the same size")
}

/// A jitter that changes something.
pub(crate) fn check_jitter<'a>(
    jitter: Jitter,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Jitter> {
    if arguments.has_strays() {
        // Values that stand nowhere are reported, and are not zero.
        return Some(jitter);
    }
    let amounts = [jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue];
    if amounts.iter().all(|amount| *amount == 0.0) {
        let message = "`jitter` without an amount changes nothing";
        let finding = Diagnostic::new(Code::UnusedValue, arguments.span, message, "all amounts are 0");
        checker.report(finding.help("for example `jitter(brightness = 0.3, contrast = 0.3)`"));
    }
    Some(jitter)
}
