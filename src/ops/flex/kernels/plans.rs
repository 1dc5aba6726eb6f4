//! Which plans a convolution is computed by. They are remembered, since networks ask for the same ones in every step.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::direct::Shape;
use super::geometry::Geometry;
use super::lanes::width;
use super::plan::Plan;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    Output,
    InputGrad,
    WeightGrad,
}

/// Most that is remembered; it is forgotten all at once, since networks change seldom.
const MOST: usize = 128;
/// Most runs, steps and rows of plans that are remembered: of longer ones the making is a small share of the work.
const LENGTH: usize = 2048;

type Known = HashMap<(Geometry, Of), Arc<[Plan]>>;
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// The plans of a convolution's images, in their order; those of `Output` and `InputGrad` in runs of register tiles.
pub fn plans(geometry: &Geometry, of: Of) -> Arc<[Plan]> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(plans) = known().get(&(*geometry, of)) {
        return Arc::clone(plans);
    }
    let plans: Arc<[Plan]> = match of {
        Of::Output => by_runs(geometry, geometry.outputs, |some, run, group| some.forward(run, group)).into(),
        Of::InputGrad => {
            by_runs(geometry, geometry.inputs, |some, run, group| some.input_grad(run, group)).into()
        }
        // One run per row of the output.
        Of::WeightGrad => [geometry.forward(usize::MAX, 1)].into(),
    };
    let phases = plans.iter().flat_map(|plan| &plan.phases);
    let length = phases.map(|phase| phase.runs.len() + phase.steps.len() + phase.rows.len()).sum::<usize>();
    if length <= LENGTH {
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((*geometry, of), Arc::clone(&plans));
    }
    plans
}

/// Image by image or some together: runs of several images where that leaves out a twentieth of the products or more.
/// Images that are left over go one by one.
fn by_runs(
    geometry: &Geometry,
    channels: usize,
    plan: impl Fn(&Geometry, usize, usize) -> Plan,
) -> Vec<Plan> {
    let run = Shape::of(width(), channels).run;
    let single = plan(geometry, run, 1);
    let images = geometry.images / run * run;
    if images == 0 {
        return vec![single];
    }
    let grouped = plan(&Geometry { images, ..*geometry }, run, run);
    if 20 * grouped.products(run) > 19 * single.products(run) {
        return vec![single];
    }
    let left = geometry.images - images;
    let rest = (left > 0).then(|| plan(&Geometry { images: left, ..*geometry }, run, 1));
    std::iter::once(grouped).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::{Geometry, KNOWN, MOST, Of, plans};

    fn geometry(images: usize, size: usize) -> Geometry {
        let [inputs, outputs, kernel, stride, padding] = [8, 8, 3, 1, 1];
        Geometry { images, input: [size; 2], inputs, output: [size; 2], outputs, kernel, stride, padding }
    }

    #[test]
    fn every_image_has_its_plan_and_plans_of_other_sizes_are_others() {
        // More sizes than are remembered, each asked for twice.
        for images in (1..MOST + 40).flat_map(|images| [images, images]) {
            for of in [Of::Output, Of::InputGrad, Of::WeightGrad] {
                let plans = plans(&geometry(images, 4), of);
                assert_eq!(plans.iter().map(|plan| plan.images).sum::<usize>(), images, "{of:?}");
                assert!(plans.iter().all(|plan| plan.images.is_multiple_of(plan.group)));
                assert!(KNOWN.lock().unwrap().len() <= MOST);
            }
        }
    }
}
