//! Auto-PGD (Croce and Hein, "Reliable evaluation of adversarial robustness", ICML 2020, algorithm 1): ascent with
//! momentum, whose step halves where the loss stalls.

use burn::tensor::{Bool, Int, Tensor};

use super::GoOn;
use super::ball::{Ball, per_sample};
use super::criterion::Criterion;
use super::kernel::{put, read, rows};
use super::victim::{Victim, input_gradient, wrong};
use crate::ops::Ops;

/// Share of a window's steps that must raise the loss.
const RHO: f64 = 0.75;

/// Share of the projected step in a move; the rest follows the move before.
const MOMENTUM: f64 = 0.75;

/// First step in units of the radius.
const FIRST_STEP: f64 = 2.0;

/// One attack on one batch.
pub struct Apgd<'a, B: Ops> {
    pub victim: Victim<'a, B>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
    pub ball: Ball<B>,
    pub criterion: Criterion<B>,
    pub steps: usize,
}

/// What the attack found.
pub struct Climbed<B: Ops> {
    /// The first misclassified iterate, or that of the highest loss, `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    /// Loss there.
    pub losses: Vec<f64>,
    pub wrong: Vec<bool>,
}

/// The samples that are still classified correctly.
struct Climb<B: Ops> {
    rows: Vec<usize>,
    labels: Tensor<B, 1, Int>,
    ball: Ball<B>,
    criterion: Criterion<B>,
    now: Point<B>,
    previous: Tensor<B, 4>,
    best: Point<B>,
    /// `[m]`.
    step: Tensor<B, 1>,
    /// Steps of this window that raised the loss, `[m]`.
    rises: Tensor<B, 1>,
    /// Whether the step was halved at the last checkpoint, `[m]`.
    halved: Tensor<B, 1, Bool>,
    /// Highest loss at the last checkpoint, `[m]`.
    checked: Tensor<B, 1>,
}

/// Images, their losses and the gradients of these.
#[derive(Clone)]
struct Point<B: Ops> {
    x: Tensor<B, 4>,
    loss: Tensor<B, 1>,
    gradient: Tensor<B, 4>,
}

impl<B: Ops> Apgd<'_, B> {
    /// Climbs from `start`; a sample leaves the batch at its first misclassified iterate.
    pub fn run(&self, start: Tensor<B, 4>, go_on: GoOn<'_>) -> Climbed<B> {
        let n = start.dims()[0];
        let x = self.ball.project(start);
        let (now, fallen) = self.look(x, &self.labels, &self.criterion);
        let mut found = Climbed { x: now.x.clone(), losses: vec![0.0; n], wrong: vec![false; n] };
        let mut climb = self.begin(now);
        found.release(&mut climb, &fallen);
        let mut windows = Windows::new(self.steps);
        for number in 0..self.steps {
            if climb.rows.is_empty() || !go_on() {
                break;
            }
            let x = climb.next(if number == 0 { 1.0 } else { MOMENTUM });
            let (now, fallen) = self.look(x, &climb.labels, &climb.criterion);
            climb.arrive(now);
            found.release(&mut climb, &fallen);
            if let Some(length) = windows.ends(number)
                && !climb.rows.is_empty()
            {
                climb.check(length);
            }
        }
        found.finish(&climb);
        found
    }

    fn look(
        &self,
        x: Tensor<B, 4>,
        labels: &Tensor<B, 1, Int>,
        criterion: &Criterion<B>,
    ) -> (Point<B>, Vec<bool>) {
        let trace = self.victim.trace(x.clone());
        let (loss, cotangent) = criterion.at(trace.logits.clone(), labels);
        let fallen = read(wrong(&trace.logits, labels));
        (Point { x, loss, gradient: input_gradient(&trace, cotangent) }, fallen)
    }

    fn begin(&self, now: Point<B>) -> Climb<B> {
        Climb {
            rows: (0..now.x.dims()[0]).collect(),
            labels: self.labels.clone(),
            ball: self.ball.clone(),
            criterion: self.criterion.clone(),
            previous: now.x.clone(),
            best: now.clone(),
            step: self.ball.radius.clone() * FIRST_STEP,
            rises: now.loss.zeros_like(),
            // So that only a lack of rises ends the first window.
            halved: now.loss.ones_like().greater_elem(0.0),
            checked: now.loss.clone(),
            now,
        }
    }
}

impl<B: Ops> Climb<B> {
    /// The next iterate: a projected step, of which `share` is taken beside the last move.
    fn next(&self, share: f64) -> Tensor<B, 4> {
        let x = self.now.x.clone();
        let target = self.ball.ascend(x.clone(), self.now.gradient.clone(), &self.step);
        let inertia = x.clone() - self.previous.clone();
        self.ball.project(x.clone() + (target - x) * share + inertia * (1.0 - share))
    }

    fn arrive(&mut self, now: Point<B>) {
        let risen = now.loss.clone().greater(self.now.loss.clone());
        self.rises = self.rises.clone() + now.loss.ones_like().mask_fill(risen.bool_not(), 0.0);
        let better = now.loss.clone().greater(self.best.loss.clone());
        self.best = self.best.clone().replaced(&better, now.clone());
        self.previous = std::mem::replace(&mut self.now, now).x;
    }

    /// Halves the step and returns to the best point where the window rose too rarely, or found nothing better at an
    /// unchanged step.
    fn check(&mut self, length: usize) {
        let rare = self.rises.clone().lower_equal_elem(RHO * length as f64);
        let flat = self.checked.clone().greater_equal(self.best.loss.clone());
        let halve = rare.bool_or(flat.bool_and(self.halved.clone().bool_not()));
        self.step = self.step.clone().mask_where(halve.clone(), self.step.clone() / 2.0);
        let loss = self.now.loss.clone();
        self.now = self.now.clone().replaced(&halve, self.best.clone());
        // The next comparison is with the last loss that was seen, not with the best.
        self.now.loss = loss;
        self.rises = self.rises.zeros_like();
        self.halved = halve;
        self.checked = self.best.loss.clone();
    }

    fn keep(&mut self, kept: &[usize]) {
        let device = self.now.x.device();
        let on_device = rows::<B>(kept, &device);
        self.rows = kept.iter().map(|&row| self.rows[row]).collect();
        let pick = |values: &Tensor<B, 1>| values.clone().select(0, on_device.clone());
        (self.step, self.rises, self.checked) = (pick(&self.step), pick(&self.rises), pick(&self.checked));
        let halved = self.halved.clone().int().select(0, on_device.clone());
        self.halved = halved.greater_elem(0);
        self.labels = self.labels.clone().select(0, on_device.clone());
        self.ball = self.ball.select(&on_device);
        self.criterion = self.criterion.select(&on_device);
        self.previous = self.previous.clone().select(0, on_device.clone());
        self.now = self.now.select(&on_device);
        self.best = self.best.select(&on_device);
    }
}

impl<B: Ops> Point<B> {
    /// `other` where `mask` (`[m]`) is set.
    fn replaced(self, mask: &Tensor<B, 1, Bool>, other: Self) -> Self {
        let [m, h, w, c] = self.x.dims();
        let image = mask.clone().reshape([m, 1, 1, 1]).expand([m, h, w, c]);
        Self {
            x: self.x.mask_where(image.clone(), other.x),
            loss: self.loss.mask_where(mask.clone(), other.loss),
            gradient: self.gradient.mask_where(image, other.gradient),
        }
    }

    fn select(&self, rows: &Tensor<B, 1, Int>) -> Self {
        Self {
            x: self.x.clone().select(0, rows.clone()),
            loss: self.loss.clone().select(0, rows.clone()),
            gradient: self.gradient.clone().select(0, rows.clone()),
        }
    }
}

impl<B: Ops> Climbed<B> {
    /// Lets the samples go that have fallen.
    fn release(&mut self, climb: &mut Climb<B>, fallen: &[bool]) {
        if !fallen.contains(&true) {
            return;
        }
        self.record(&climb.rows, &climb.now);
        climb.rows.iter().zip(fallen).for_each(|(&row, &fallen)| self.wrong[row] = fallen);
        let kept: Vec<usize> = (0..fallen.len()).filter(|&row| !fallen[row]).collect();
        if kept.is_empty() {
            climb.rows.clear();
        } else {
            climb.keep(&kept);
        }
    }

    fn finish(&mut self, climb: &Climb<B>) {
        if !climb.rows.is_empty() {
            self.record(&climb.rows, &climb.best);
        }
    }

    fn record(&mut self, rows: &[usize], point: &Point<B>) {
        self.x = put(self.x.clone(), rows, point.x.clone());
        let losses = point.loss.to_data();
        rows.iter()
            .zip(losses.convert::<f64>().iter::<f64>())
            .for_each(|(&row, loss)| self.losses[row] = loss);
    }
}

/// When the step is looked at: after 22 % of the steps, then after windows that shrink by 3 % down to 6 %.
struct Windows {
    length: usize,
    shrink: usize,
    least: usize,
    next: usize,
}

impl Windows {
    fn new(steps: usize) -> Self {
        let share = |percent: usize| (steps * percent / 100).max(1);
        Self { length: share(22), shrink: share(3), least: share(6), next: share(22) }
    }

    /// Length of the window that the step `number` (from 0) is the last of.
    fn ends(&mut self, number: usize) -> Option<usize> {
        if number + 1 != self.next {
            return None;
        }
        let length = self.length;
        self.length = length.saturating_sub(self.shrink).max(self.least);
        self.next += self.length;
        Some(length)
    }
}

/// Where an attack of AutoAttack begins: on the boundary of the ball.
pub fn boundary_start<B: Ops>(ball: &Ball<B>, direction: Tensor<B, 4>) -> Tensor<B, 4> {
    ball.center.clone() + direction * per_sample(&ball.radius)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_of_a_hundred_steps_are_the_published_ones() {
        let mut windows = Windows::new(100);
        let ends: Vec<usize> =
            (0..100).filter(|&number| windows.ends(number).is_some()).map(|n| n + 1).collect();
        assert_eq!(ends, [22, 41, 57, 70, 80, 87, 93, 99]);
    }
}
