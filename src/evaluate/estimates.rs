//! How well H-SAT's estimates rank samples by the sharpness of their own loss (Sitawarin et al. 2021, section C.2 and
//! Figure 7).

use burn::tensor::{Int, Tensor, TensorData};

use super::field::{Axis, Column, Field};
use super::measure::{Headway, MeasureError, Measurements};
use super::pgd::attacked;
use super::{Session, Subject, evenly_spaced, victim};
use crate::attack::Victim;
use crate::data::{Batch as Host, Generator, Purpose};
use crate::lang::catalog::{Estimate, EstimatesEvaluator};
use crate::model::StateDict;
use crate::ops::{Ops, Vector};
use crate::train::Batch;
use crate::train::adversary::{curvature, look_around};

/// Samples of a smoke run.
const SMOKE: usize = 2;

/// The first is what the others estimate.
const COLUMNS: [&str; 5] = ["exact", "lower", "symmetric", "upper", "literal"];

const ESTIMATES: [Estimate; 4] = [Estimate::Lower, Estimate::Symmetric, Estimate::Upper, Estimate::Literal];

/// Rank correlations of the estimates with the largest absolute eigenvalue of each sample's Hessian at its attacked
/// image, and the field of all values.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn correlations<B: Ops>(
    spec: &EstimatesEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let wanted = if subject.smoke { spec.samples.min(SMOKE) } else { spec.samples };
    let probes = evenly_spaced(subject.train_indices, wanted);
    let mut found: [Vec<f64>; 5] = session.state("estimates").unwrap_or_default();
    for group in probes[found[0].len().min(probes.len())..].chunks(spec.group) {
        let host = Host::of(subject.train, group)?;
        let values = group_values(spec, subject, state, Batch::upload(host, subject.device), session)?;
        found.iter_mut().zip(values).for_each(|(all, values)| all.extend(values));
        session.advance("estimates", Headway::samples("estimates", found[0].len(), probes.len()), &found)?;
    }
    let [exact, estimates @ ..] = &found;
    let named = COLUMNS[1..].iter().zip(estimates);
    let values = named.map(|(name, values)| (format!("estimates.{name}.spearman"), spearman(exact, values)));
    let mut values: Vec<(String, f64)> = values.collect();
    let ratios = exact.iter().zip(&found[1]).map(|(exact, lower)| lower / exact).collect();
    values.push(("estimates.lower.ratio".into(), median(ratios)));
    let axis = Axis::new("sample", probes.iter().map(|&index| f64::from(index)).collect());
    let columns = COLUMNS.iter().zip(found.clone()).map(|(name, values)| Column::new(name, values));
    let fields = vec![Field::line("estimates", spec.label(), axis, columns.collect())];
    Ok(Measurements { values, fields, warnings: Vec::new() })
}

/// Exact values and estimates of samples that share a direction.
fn group_values<B: Ops>(
    spec: &EstimatesEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    batch: Batch<B>,
    session: &mut Session<'_, '_>,
) -> Result<[Vec<f64>; 5], MeasureError> {
    let victim = victim(subject, state);
    let x = attacked(&spec.attack(), &victim, &batch);
    let losses = look_around(&victim, x.clone(), &batch.labels, Estimate::Lower);
    let estimates = ESTIMATES.map(|estimate| host(curvature(estimate, &losses)));
    let mut exact = Vec::with_capacity(batch.len());
    for (row, &place) in batch.places.iter().enumerate() {
        let alone = (x.clone().narrow(0, row, 1), batch.labels.clone().narrow(0, row, 1));
        exact.push(sharpness(&victim, alone, spec.iterations, place));
        session.tell(Headway::samples("eigenvalues of a group", row + 1, batch.len()))?;
    }
    let [lower, symmetric, upper, literal] = estimates;
    Ok([exact, lower, symmetric, upper, literal])
}

/// Largest absolute eigenvalue of the Hessian of one sample's cross-entropy, by power iteration.
fn sharpness<B: Ops>(
    victim: &Victim<'_, B>,
    (x, label): (Tensor<B, 4>, Tensor<B, 1, Int>),
    iterations: usize,
    place: u32,
) -> f64 {
    let trace = victim.trace(x);
    let one = victim.weights.number(1.0);
    let mut v = unit(random(victim.weights, place));
    let mut quotient = one.zeros_like();
    for _ in 0..iterations {
        let product = trace.hessian_product(label.clone(), &one, &v);
        quotient = v.dot(&product);
        v = unit(product);
    }
    host(quotient.abs()).first().copied().unwrap_or(f64::NAN)
}

fn unit<B: Ops>(vector: Vector<B>) -> Vector<B> {
    let norm = vector.norm().clamp_min(f64::from(f32::MIN_POSITIVE));
    vector.scale(&norm.recip())
}

fn random<B: Ops>(like: &Vector<B>, place: u32) -> Vector<B> {
    let mut generator = Generator::keyed(Purpose::Eigenvector, &[u64::MAX, u64::from(place)]);
    let mut drawn = |part: &Tensor<B, 1>| {
        let values: Vec<f64> = (0..part.dims()[0]).map(|_| generator.normal()).collect();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&part.device(), part.dtype()))
    };
    Vector(like.0.iter().map(&mut drawn).collect())
}

fn host<B: Ops>(values: Tensor<B, 1>) -> Vec<f64> {
    values.into_data().convert::<f64>().iter::<f64>().collect()
}

/// Rank correlation. NaN where all values are equal.
fn spearman(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (ranks(one), ranks(other));
    let middle = (one.len() as f64 - 1.0) / 2.0;
    let sum =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum() };
    sum(&one, &other) / (sum(&one, &one) * sum(&other, &other)).sqrt()
}

/// Places of the values in rising order, from 0; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| other.total_cmp(value).is_lt()).count();
        let equal = values.iter().filter(|other| other.total_cmp(value).is_eq()).count();
        below as f64 + (equal as f64 - 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => (values[half - 1] + values[half]) / 2.0,
        _ => values[half],
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};

    use super::*;
    use crate::lang::world::DatasetInfo;
    use crate::model::{Normalization, Statistics, known};

    /// The Hessian of a linear softmax is `(diag(p) - p p') x (x, 1)(x, 1)'`, for two classes of norm
    /// `2 p q (|x|^2 + 1)`.
    #[test]
    fn a_linear_network_has_the_sharpness_of_its_closed_form() {
        let info = DatasetInfo { train: 1, test: 1, classes: 2, channels: 1, height: 2, width: 2 };
        let model = known::model("mlp(hidden = [], normalize = none)", &info).unwrap();
        let tensor = |values: &[f32]| {
            Tensor::<Flex, 1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &FlexDevice)
        };
        let weights = Vector(vec![tensor(&[0.5, -0.2, 0.1, 0.9, -0.3, 0.4, 0.8, 0.2]), tensor(&[0.1, -0.1])]);
        let x = [0.2, 0.9, 0.4, 0.7];
        let [a, b] = [[0.5, -0.2, 0.1, 0.9, 0.1], [-0.3, 0.4, 0.8, 0.2, -0.1]]
            .map(|w| w[4] + x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>());
        let p = 1.0 / (1.0 + (b - a).exp());
        let expected = 2.0 * p * (1.0 - p) * (x.iter().map(|x| x * x).sum::<f64>() + 1.0);
        let statistics = Statistics { running: Vec::new(), frozen: Vec::new() };
        let victim = Victim {
            model: &model,
            weights: &weights,
            statistics: &statistics,
            normalization: Normalization::Running,
        };
        let image = tensor(&x.map(|x| x as f32)).reshape([1, 2, 2, 1]);
        let label = Tensor::from_data(TensorData::new(vec![0i64], [1]), &FlexDevice);
        let found = sharpness(&victim, (image, label), 30, 0);
        assert!((found / expected - 1.0).abs() < 1e-5, "{found}, expected {expected}");
    }

    #[test]
    fn ranks_and_not_values_are_correlated() {
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0], &[0.1, 0.2, 30.0, 400.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[9.0, 5.0, 1.0]) + 1.0).abs() < 1e-12);
        // 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) without ties.
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]) - 0.8).abs() < 1e-12);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
        assert!(spearman(&[1.0, 2.0], &[3.0, 3.0]).is_nan());
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (2.0, 2.5));
    }
}
