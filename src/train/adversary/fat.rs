//! FAT (Zhang et al., ICML 2020): a sample takes `tau` more steps once it is misclassified.

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Choice, Rule, View};
use crate::lang::catalog::Fat;
use crate::ops::Ops;

/// Counts the steps that misclassified samples still take.
pub struct Friendly {
    /// Steps left after misclassification, by place in the batch.
    left: Vec<usize>,
}

impl Friendly {
    pub fn new(samples: usize, tau: usize) -> Self {
        Self { left: vec![tau; samples] }
    }

    fn goes_on(&mut self, row: usize, wrong: bool) -> bool {
        let left = &mut self.left[row];
        let more = !wrong || *left > 0;
        *left -= usize::from(wrong && more);
        more
    }
}

impl<B: Ops> Rule<B> for Friendly {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        let wrong = view.wrong();
        Choice::Stay(view.rows.iter().zip(wrong).map(|(&row, wrong)| self.goes_on(row, wrong)).collect())
    }
}

pub fn attack<B: Ops>(spec: &Fat, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let tau = spec.tau.as_ref().map_or(0.0, |tau| tau.at(scene.clock));
    let settings = Settings {
        noise: (spec.noise > 0.0).then_some(spec.noise),
        ..scene.settings(spec.norm, spec.eps, spec.step, spec.steps)
    };
    // A rise of equal steps may land a hair below a whole number.
    let mut rule = Friendly::new(scene.batch.len(), (tau + 1e-9).floor() as usize);
    let found = scene.run(&settings, &mut rule, 0);
    scene.assault(&settings, found).at_lambda(tau)
}
