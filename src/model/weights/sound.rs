//! Values that no network works with.

/// What is wrong with the values of a tensor, as a sentence.
pub(super) fn unsound(name: &str, values: &[f32]) -> Option<String> {
    let of = values.len();
    if let Some((place, all)) = wrong(values, |value| !value.is_finite()) {
        let shown = if values[place].is_nan() { "no number (NaN)" } else { "infinite" };
        return Some(format!(
            "`{name}` has {all} of {of} values that are not finite: value {place} is {shown}"
        ));
    }
    if !name.ends_with("running_var") {
        return None;
    }
    let (place, all) = wrong(values, |value| value < 0.0)?;
    Some(format!("`{name}` has {all} of {of} variances below zero: value {place} is {}", values[place]))
}

/// The place of the first value that is wrong, and how many are.
fn wrong(values: &[f32], is: impl Fn(f32) -> bool) -> Option<(usize, usize)> {
    let place = values.iter().position(|value| is(*value))?;
    Some((place, values.iter().filter(|value| is(**value)).count()))
}

#[cfg(test)]
mod tests {
    use super::unsound;

    #[test]
    fn values_are_named_by_their_tensor() {
        let said = |name, values: &[f32]| unsound(name, values).unwrap();
        let nan = said("fc.weight", &[1.0, f32::NAN, f32::INFINITY]);
        assert_eq!(nan, "`fc.weight` has 2 of 3 values that are not finite: value 1 is no number (NaN)");
        assert!(said("fc.bias", &[f32::NEG_INFINITY]).ends_with("value 0 is infinite"));
        let variance = said("bn.running_var", &[0.0, -0.5]);
        assert_eq!(variance, "`bn.running_var` has 1 of 2 variances below zero: value 1 is -0.5");
        assert_eq!(unsound("bn.running_mean", &[-0.5]), None);
    }
}
