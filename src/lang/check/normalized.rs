//! Radii divided by a standard deviation, as for inputs that are normalised before the attack.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Norm, Source};
use crate::lang::value::mistakes::distance;

/// Standard deviations that published code normalises with.
struct Constants {
    of: &'static str,
    /// Per channel; their mean is used for all channels too.
    std: &'static [f64],
}

const MNIST: Constants = Constants { of: "MNIST", std: &[0.3081] };
const FASHION: Constants = Constants { of: "Fashion-MNIST", std: &[0.3530] };
const CIFAR10: Constants = Constants { of: "CIFAR-10", std: &[0.2470, 0.2435, 0.2616] };
/// Means of the deviations of single images, in many scripts for CIFAR-10.
const CIFAR10_IMAGES: Constants = Constants { of: "CIFAR-10", std: &[0.2023, 0.1994, 0.2010] };
const CIFAR100: Constants = Constants { of: "CIFAR-100", std: &[0.2675, 0.2565, 0.2761] };
const IMAGENET: Constants = Constants { of: "ImageNet", std: &[0.229, 0.224, 0.225] };

/// Grey levels, of 255, that papers attack with.
const USUAL_LEVELS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// Radii on images of one channel.
const USUAL_GREY: [f64; 2] = [0.3, 0.1];

/// A quotient is written with few digits, and by a deviation that was rounded.
const TOLERANCE: f64 = 0.02;

/// What a radius was before it was divided.
#[derive(Debug, PartialEq)]
struct Divided {
    radius: f64,
    std: f64,
    of: &'static str,
}

impl Checker<'_> {
    /// The first radius that is hardly one of pixels.
    pub(super) fn lint_normalized_radius(&mut self, source: &Source, radii: &[(Norm, f64, Span)]) {
        let known = constants(source, self.info.map(|info| info.channels));
        let linf = radii.iter().filter(|(norm, ..)| *norm == Norm::Linf);
        let found = linf.into_iter().find_map(|(_, eps, span)| Some((divided(&known, *eps)?, *span)));
        let Some((Divided { radius, std, of }, span)) = found else { return };
        let (radius, rounded) = (distance(radius), (std * 1e4).round() / 1e4);
        let message = format!("`eps` looks like {radius} divided by {rounded}, a standard deviation of {of}");
        let finding = Diagnostic::new(Code::NormalizedRadius, span, message, "normalised inside the network");
        self.report(finding.help(format!("attacks see pixels in [0, 1]: write `eps = {radius}`")));
    }
}

/// The constants that images of such a source may have been divided by, its own first.
fn constants(source: &Source, channels: Option<usize>) -> Vec<Constants> {
    let mut known = match (source, channels) {
        (Source::Longtail(tail), _) => return constants(&tail.source, channels),
        (Source::Mnist(_) | Source::FashionMnist(_) | Source::Digits(_), _) | (_, Some(1)) => {
            vec![MNIST, FASHION]
        }
        _ => vec![CIFAR10, CIFAR10_IMAGES, CIFAR100, IMAGENET],
    };
    let own = match source {
        Source::FashionMnist(_) => FASHION.of,
        Source::Cifar100(_) => CIFAR100.of,
        Source::Folder(_) | Source::Domains(_) => IMAGENET.of,
        _ => known[0].of,
    };
    known.sort_by_key(|constants| constants.of != own);
    known
}

/// What a radius is a quotient of, by the first constants that give it.
fn divided(known: &[Constants], eps: f64) -> Option<Divided> {
    if is_of_pixels(eps) {
        return None;
    }
    known.iter().find_map(|constants| {
        let mean = constants.std.iter().sum::<f64>() / constants.std.len() as f64;
        let grey = USUAL_GREY.into_iter().filter(|_| constants.std.len() == 1);
        let usual: Vec<f64> = USUAL_LEVELS.into_iter().map(|levels| levels / 255.0).chain(grey).collect();
        let error = |found: &Divided| (eps * found.std / found.radius - 1.0).abs();
        let deviations = constants.std.iter().copied().chain([mean]);
        let all = deviations
            .flat_map(|std| usual.iter().map(move |&radius| Divided { radius, std, of: constants.of }));
        all.min_by(|a, b| error(a).total_cmp(&error(b))).filter(|nearest| error(nearest) <= TOLERANCE)
    })
}

/// A whole number of grey levels, a usual number of them in decimals, `0.031`, or a round number, `0.3`, `0.25`.
fn is_of_pixels(eps: f64) -> bool {
    let levels = eps * 255.0;
    let is_whole = |value: f64| (value - value.round()).abs() < 1e-6;
    let digits = digits(eps);
    let rounding = if digits <= 2 { 0.025 } else { 0.001 };
    let usual = USUAL_LEVELS.iter().any(|usual| (levels / usual - 1.0).abs() < rounding);
    is_whole(levels) || is_whole(eps * 20.0) || digits == 1 || usual
}

/// Digits of a number as it is written.
fn digits(value: f64) -> usize {
    let written = format!("{value:e}");
    written.split('e').next().unwrap_or_default().chars().filter(char::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOR: [Constants; 4] = [CIFAR10, CIFAR10_IMAGES, CIFAR100, IMAGENET];

    fn found(known: &[Constants], eps: f64) -> Option<(f64, &'static str)> {
        divided(known, eps).map(|found| ((found.radius * 255.0).round(), found.of))
    }

    #[test]
    fn every_usual_radius_over_every_deviation_is_seen() {
        for constants in COLOR {
            let mean = constants.std.iter().sum::<f64>() / 3.0;
            for std in constants.std.iter().copied().chain([mean]) {
                for levels in USUAL_LEVELS {
                    // To four digits, as it would be printed.
                    let eps: f64 = format!("{:.3e}", levels / 255.0 / std).parse().expect("a number");
                    assert!(divided(&COLOR, eps).is_some(), "{eps}: {levels} over {std}");
                }
            }
        }
        for constants in [MNIST, FASHION] {
            for radius in USUAL_GREY {
                let eps: f64 = format!("{:.3e}", radius / constants.std[0]).parse().expect("a number");
                let found = divided(&[constants.of, ""].map(|of| Constants { of, ..constants }), eps);
                let found = found.unwrap_or_else(|| panic!("{eps}"));
                assert_eq!((found.radius, found.of), (radius, constants.of));
            }
        }
    }

    #[test]
    fn the_nearest_quotient_is_named() {
        assert_eq!(found(&COLOR, 0.127), Some((8.0, "CIFAR-10")));
        assert_eq!(found(&COLOR, 0.1255), Some((8.0, "CIFAR-10")));
        assert_eq!(found(&COLOR, 0.14), Some((8.0, "ImageNet")));
        assert_eq!(found(&COLOR, 0.0353), Some((2.0, "ImageNet")));
        assert_eq!(found(&COLOR, 0.0635), Some((4.0, "CIFAR-10")));
    }

    #[test]
    fn radii_of_pixels_are_left_alone() {
        let grey = [MNIST, FASHION];
        for eps in [
            0.3,
            0.1,
            0.2,
            0.25,
            0.15,
            0.05,
            0.03,
            0.031,
            0.0314,
            0.0157,
            0.016,
            0.0078,
            8.0 / 255.0,
            33.0 / 255.0,
        ] {
            assert_eq!(divided(&COLOR, eps), None, "{eps}");
            assert_eq!(divided(&grey, eps), None, "{eps}");
        }
    }
}
