//! `perturbation`: how far the adversary that trains moves images at the moment (SAT, figure 6).

use super::measure::{Headway, MeasureError, Measurements};
use super::{Moment, Session, Subject, evenly_spaced};
use crate::data::EvalBatches;
use crate::lang::catalog::PerturbationEvaluator;
use crate::ops::Ops;
use crate::train::{Adversary, Batch, Objective};

/// Samples per batch, of which `hsat` moves a share: the paper's.
const BATCH: usize = 128;

/// Mean norm of the perturbations from the clean image, without a random start, where the adversary's own curriculum
/// stands.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn perturbation<B: Ops>(
    spec: &PerturbationEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let Some(adversary) = &moment.phase.adversary else {
        // The checker refuses a file without any adversary; phases before the first have nothing to measure.
        return Ok(Measurements::one("perturbation", f64::NAN));
    };
    let key = [moment.seed, moment.number as u64];
    let mut adversary = Adversary::new(adversary.clone(), key, subject.train.len(), subject.device);
    if let Some(memory) = &moment.adversary {
        adversary.restore(memory.clone());
    }
    let most = subject.at_most.map_or(spec.samples, |batches| spec.samples.min(batches * BATCH));
    let indices = evenly_spaced(subject.train_indices, most);
    let (of, mut done, mut norms, mut lambda) = (indices.len(), 0, 0.0, None);
    for batch in EvalBatches::new(subject.train, indices, BATCH) {
        let batch = Batch::upload(batch?, subject.device);
        let mut objective = Objective::new(subject.model, &moment.state.statistics, batch.len());
        let record = adversary.displace(&mut objective, &moment.state.weights, &batch, &moment.clock);
        norms += batch.len() as f64 * number(record.perturbation);
        lambda = record.lambda.map(number);
        done += batch.len();
        session.tell(Headway::samples("perturbation", done, of))?;
    }
    let mean = ("perturbation".to_owned(), norms / of.max(1) as f64);
    let lambda = lambda.map(|lambda| ("perturbation.lambda".to_owned(), lambda));
    Ok(Measurements { values: std::iter::once(mean).chain(lambda).collect(), ..Measurements::default() })
}

fn number<B: Ops>(value: burn::tensor::Tensor<B, 1>) -> f64 {
    value.into_data().convert::<f64>().iter::<f64>().next().unwrap_or(f64::NAN)
}
