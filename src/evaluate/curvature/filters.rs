//! Filters: the parts of a weight that make one output each, and directions that are as long as they are
//! (Li et al., NeurIPS 2018).

use crate::model::Layout;

/// Added to a direction's length, so that none divides by zero.
const TINY: f64 = 1e-10;

/// One filter in the values of all parameters, or a whole parameter of one axis.
struct Part {
    first: usize,
    length: usize,
    filter: bool,
}

/// Filters of weights (rows of matrices), and parameters of one axis (biases, normalisations).
fn parts(layout: &Layout) -> Vec<Part> {
    let mut all = Vec::new();
    let mut first = 0;
    for parameter in &layout.parameters {
        let (count, filter) = match parameter.shape.as_slice() {
            [filters, _, ..] => ((*filters).max(1), true),
            _ => (1, false),
        };
        let length = parameter.len() / count;
        for _ in 0..count {
            all.push(Part { first, length, filter });
            first += length;
        }
    }
    all
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Makes every filter of `direction` as long as that of `weights`, and everything else 0.
pub fn normalize(direction: &mut [f64], weights: &[f64], layout: &Layout) {
    for Part { first, length: count, filter } in parts(layout) {
        let range = first..first + count;
        let own = &mut direction[range.clone()];
        let factor = if filter { length(&weights[range]) / (length(own) + TINY) } else { 0.0 };
        own.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Multiplies every filter of `noise` by the length of that of `weights`; everything else stays.
pub fn scale(noise: &mut [f64], weights: &[f64], layout: &Layout) {
    for Part { first, length: count, filter } in parts(layout) {
        if filter {
            let range = first..first + count;
            let factor = length(&weights[range.clone()]);
            noise[range].iter_mut().for_each(|value| *value *= factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::normal;
    use super::*;
    use crate::model::{Init, Parameter, Role};

    fn layout() -> Layout {
        let parameter = |name: &str, shape: &[usize]| Parameter {
            name: name.into(),
            shape: shape.to_vec(),
            role: Role::Weight,
            init: Init::Constant(0.0),
            place: 0,
            head: false,
        };
        let parameters =
            vec![parameter("conv", &[4, 3, 2, 2]), parameter("scale", &[4]), parameter("linear", &[5, 4])];
        Layout { parameters, ..Layout::default() }
    }

    #[test]
    fn filters_of_a_direction_are_as_long_as_those_of_the_weights() {
        let layout = layout();
        let count = layout.parameter_count();
        let (weights, mut direction) = (normal(count, &[1]), normal(count, &[2]));
        let noise = direction.clone();
        normalize(&mut direction, &weights, &layout);
        for filter in 0..4 {
            let range = 12 * filter..12 * (filter + 1);
            assert!((length(&direction[range.clone()]) - length(&weights[range])).abs() < 1e-8);
        }
        assert_eq!(direction[48..52], [0.0; 4], "parameters of one axis do not move");
        for row in 0..5 {
            let range = 52 + 4 * row..52 + 4 * (row + 1);
            assert!((length(&direction[range.clone()]) - length(&weights[range])).abs() < 1e-8);
        }
        let mut scaled = noise.clone();
        scale(&mut scaled, &weights, &layout);
        assert_eq!(scaled[48..52], noise[48..52]);
        assert!((scaled[0] - noise[0] * length(&weights[..12])).abs() < 1e-12);
    }
}
