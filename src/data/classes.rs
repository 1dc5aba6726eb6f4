//! What must hold of classes, whatever samples were taken away: two of them at least, and images of each to train on.

use super::error::DataError;
use super::split::quotas;
use crate::diagnostic::Code;
use crate::lang::program::Validation;

/// Whether classes of these names and sizes can be learned once `validation` is taken; a data set may come without images of a
/// class, and nothing may be taken away that leaves it so.
///
/// # Errors
/// A single class; a validation split that is empty, or takes all images or all of a class.
pub fn learnable(names: &[String], sizes: &[usize], validation: Option<Validation>) -> Result<(), DataError> {
    if sizes.len() < 2 {
        let message =
            format!("the data set has a single class, {}: there is nothing to tell apart", name(names, 0));
        let error = DataError::Classes { code: Code::SingleClass, message, help: Vec::new() };
        return Err(error.with_help("put the images of a second class beside it"));
    }
    let Some(validation) = validation else { return Ok(()) };
    let quotas = quotas(sizes, validation)?;
    match sizes.iter().zip(quotas).position(|(&size, quota)| size > 0 && size == quota) {
        None => Ok(()),
        Some(class) => Err(emptied("`validation`", names, class, sizes[class])),
    }
}

/// The error about a class that `what` takes all `size` images of.
pub(super) fn emptied(what: &str, names: &[String], class: usize, size: usize) -> DataError {
    let images = if size == 1 { "the only image".to_owned() } else { format!("all {size} images") };
    let message =
        format!("{what} takes {images} of the class {}: none is left to train on", name(names, class));
    let error = DataError::Classes { code: Code::ValidationTakesAll, message, help: Vec::new() };
    error.with_help("write a smaller share, or add images to the class")
}

/// The classes that come without a training image.
pub fn without_images(names: &[String], sizes: &[usize]) -> Vec<String> {
    let empty = sizes.iter().enumerate().filter(|(_, size)| **size == 0);
    empty.map(|(class, _)| name(names, class)).collect()
}

/// `crow`, or the number of a class without a name.
fn name(names: &[String], class: usize) -> String {
    names.get(class).map_or_else(|| class.to_string(), |name| format!("`{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sizes: &[usize], validation: Option<Validation>) -> Option<(Code, String)> {
        let names = ["crow", "gull"].map(str::to_owned);
        let error = learnable(&names, sizes, validation).err()?;
        Some((error.finding().unwrap().0, error.to_string()))
    }

    #[test]
    fn a_split_that_takes_a_class_is_refused() {
        assert_eq!(message(&[9, 1], Some(Validation::Count(1))), None);
        let taken = "`validation` takes the only image of the class `gull`: none is left to train on";
        let found = message(&[9, 1], Some(Validation::Fraction(0.6)));
        assert_eq!(found, Some((Code::ValidationTakesAll, taken.into())));
        let found = message(&[4, 2, 4], Some(Validation::Count(9)));
        assert!(found.unwrap().1.contains("all 4 images of the class `crow`"));
    }

    #[test]
    fn a_single_class_is_refused() {
        let found = message(&[9], None);
        let expected = "the data set has a single class, `crow`: there is nothing to tell apart";
        assert_eq!(found, Some((Code::SingleClass, expected.into())));
    }

    #[test]
    fn a_class_that_never_had_an_image_is_named() {
        assert_eq!(message(&[9, 0, 9], Some(Validation::Fraction(0.5))), None);
        assert_eq!(without_images(&[], &[9, 0, 9, 0]), ["1", "3"]);
        assert_eq!(without_images(&["a".into(), "b".into()], &[0, 1]), ["`a`"]);
    }
}
