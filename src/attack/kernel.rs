//! Masked projected gradient ascent.

use std::cell::OnceCell;

use burn::tensor::{Bool, Int, Tensor, TensorData};

use super::ball::Ball;
use super::criterion::Criterion;
use super::draw::Draws;
use super::victim::{Victim, input_gradient, wrong};
use crate::model::Trace;
use crate::ops::Ops;

/// One attack on one batch.
pub struct Attack<'a, B: Ops> {
    pub victim: Victim<'a, B>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
    pub ball: Ball<B>,
    /// Length of a step, `[n]`.
    pub step: Tensor<B, 1>,
    pub steps: usize,
    pub criterion: Criterion<B>,
    /// Normal noise added with every step, and its streams.
    pub noise: Option<(f64, &'a Draws)>,
}

/// Decides which samples an attack goes on with.
pub trait Rule<B: Ops> {
    /// Asked before every step.
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B>;
}

/// Which samples take a step.
pub enum Choice<B: Ops> {
    All,
    /// These many, for this step; the others wait, `[m]`.
    Only(Tensor<B, 1, Bool>, usize),
    /// Those that are not set leave the attack for good, and with them the batch.
    Stay(Vec<bool>),
}

impl<B: Ops> Choice<B> {
    /// Whether all samples leave.
    fn is_nobody(&self) -> bool {
        matches!(self, Choice::Stay(stay) if !stay.contains(&true))
    }

    /// Rows that stay, of `m`.
    fn kept(&self, m: usize) -> Vec<usize> {
        match self {
            Choice::Stay(stay) => (0..m).filter(|&row| stay[row]).collect(),
            Choice::All | Choice::Only(..) => (0..m).collect(),
        }
    }
}

/// Every sample takes every step.
impl<B: Ops> Rule<B> for () {
    fn choose(&mut self, _: &View<'_, B>) -> Choice<B> {
        Choice::All
    }
}

/// An attack before one of its steps, over the `m` samples that are left.
pub struct View<'v, B: Ops> {
    pub victim: &'v Victim<'v, B>,
    /// From 0.
    pub number: usize,
    /// Places of the samples in the batch that was attacked.
    pub rows: &'v [usize],
    pub x: &'v Tensor<B, 4>,
    pub labels: &'v Tensor<B, 1, Int>,
    pub ball: &'v Ball<B>,
    trace: &'v Trace<B>,
    cotangent: Tensor<B, 2>,
    gradient: OnceCell<Tensor<B, 4>>,
}

impl<B: Ops> View<'_, B> {
    /// At the current iterate, `[m, classes]`.
    pub fn logits(&self) -> &Tensor<B, 2> {
        &self.trace.logits
    }

    /// Gradient of each sample's loss for its image, `[m, h, w, c]`; computed when first asked for.
    pub fn gradient(&self) -> &Tensor<B, 4> {
        self.gradient.get_or_init(|| input_gradient(self.trace, self.cotangent.clone()))
    }

    /// Whether each sample is misclassified at the current iterate, on the host.
    pub fn wrong(&self) -> Vec<bool> {
        read(wrong(self.logits(), self.labels))
    }
}

/// A mask on the host.
pub fn read<B: Ops>(mask: Tensor<B, 1, Bool>) -> Vec<bool> {
    mask.into_data().iter::<bool>().collect()
}

/// Passes of an attack, each counted by the samples that were in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub forward: usize,
    pub input_backward: usize,
    pub backward: usize,
    /// Steps taken, summed over samples.
    pub stepped: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.forward += other.forward;
        self.input_backward += other.input_backward;
        self.backward += other.backward;
        self.stepped += other.stepped;
    }
}

/// What an attack found.
pub struct Found<B: Ops> {
    /// `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    pub work: Work,
    /// Samples that took each step.
    pub active: Vec<usize>,
    /// Logits of the first iterate, where a step was tried, `[n, classes]`.
    pub first: Option<Tensor<B, 2>>,
}

/// The samples an attack goes on with.
struct Live<B: Ops> {
    rows: Vec<usize>,
    x: Tensor<B, 4>,
    labels: Tensor<B, 1, Int>,
    ball: Ball<B>,
    step: Tensor<B, 1>,
    criterion: Criterion<B>,
}

impl<B: Ops> Attack<'_, B> {
    /// Takes the steps from `start`.
    pub fn run(&self, start: Tensor<B, 4>, rule: &mut dyn Rule<B>) -> Found<B> {
        let mut live = self.everybody(start);
        let mut found = Found { x: live.x.clone(), work: Work::default(), active: Vec::new(), first: None };
        let n = live.rows.len();
        for number in 0..self.steps {
            if !self.advance(&mut live, &mut found, number, rule) {
                break;
            }
        }
        found.x = if live.rows.len() == n { live.x } else { put(found.x, &live.rows, live.x) };
        found
    }

    fn everybody(&self, start: Tensor<B, 4>) -> Live<B> {
        Live {
            rows: (0..start.dims()[0]).collect(),
            x: self.ball.project(start),
            labels: self.labels.clone(),
            ball: self.ball.clone(),
            step: self.step.clone(),
            criterion: self.criterion.clone(),
        }
    }

    /// One step; false where nobody is left to take it.
    fn advance(
        &self,
        live: &mut Live<B>,
        found: &mut Found<B>,
        number: usize,
        rule: &mut dyn Rule<B>,
    ) -> bool {
        let trace = self.victim.trace(live.x.clone());
        found.work.forward += live.rows.len();
        if number == 0 {
            found.first = Some(trace.logits.clone());
        }
        let (choice, gradient) = self.ask(live, &trace, number, rule);
        found.work.input_backward += gradient.as_ref().map_or(0, |_| live.rows.len());
        let kept = choice.kept(live.rows.len());
        let Some(gradient) = gradient.filter(|_| !kept.is_empty()) else { return false };
        let gradient = live.narrow(&kept, found, gradient);
        let before = found.work.stepped;
        self.step(live, gradient, number, &choice, &mut found.work);
        found.active.push(found.work.stepped - before);
        true
    }

    /// What the rule says of the samples that are left, and the gradients where a step or the rule needs them.
    fn ask(
        &self,
        live: &Live<B>,
        trace: &Trace<B>,
        number: usize,
        rule: &mut dyn Rule<B>,
    ) -> (Choice<B>, Option<Tensor<B, 4>>) {
        let (_, cotangent) = live.criterion.at(trace.logits.clone(), &live.labels);
        let view = View {
            victim: &self.victim,
            number,
            rows: &live.rows,
            x: &live.x,
            labels: &live.labels,
            ball: &live.ball,
            trace,
            cotangent,
            gradient: OnceCell::new(),
        };
        let choice = rule.choose(&view);
        if !choice.is_nobody() {
            view.gradient();
        }
        (choice, view.gradient.into_inner())
    }

    fn step(
        &self,
        live: &mut Live<B>,
        gradient: Tensor<B, 4>,
        number: usize,
        choice: &Choice<B>,
        work: &mut Work,
    ) {
        let mut from = live.x.clone();
        if let Some((deviation, draws)) = self.noise {
            from = from + draws.normal(&live.rows, &live.x, NOISE + number as u64) * deviation;
        }
        let moved = live.ball.ascend(from, gradient, &live.step);
        live.x = match choice {
            Choice::Only(mask, count) => {
                work.stepped += count;
                let [m, h, w, c] = moved.dims();
                let mask = mask.clone().reshape([m, 1, 1, 1]).expand([m, h, w, c]);
                live.x.clone().mask_where(mask, moved)
            }
            Choice::All | Choice::Stay(_) => {
                work.stepped += live.rows.len();
                moved
            }
        };
    }
}

/// First draw of the noise; those before it are starts.
const NOISE: u64 = 1 << 32;

impl<B: Ops> Live<B> {
    /// Lets the samples go that are not kept, with the images they have; the gradients of those that are.
    fn narrow(&mut self, kept: &[usize], found: &mut Found<B>, gradient: Tensor<B, 4>) -> Tensor<B, 4> {
        if kept.len() == self.rows.len() {
            return gradient;
        }
        found.x = put(found.x.clone(), &self.rows, self.x.clone());
        let on_device = rows::<B>(kept, &self.x.device());
        self.keep(kept, &on_device);
        gradient.select(0, on_device)
    }

    fn keep(&mut self, kept: &[usize], on_device: &Tensor<B, 1, Int>) {
        self.rows = kept.iter().map(|&row| self.rows[row]).collect();
        self.x = self.x.clone().select(0, on_device.clone());
        self.labels = self.labels.clone().select(0, on_device.clone());
        self.ball = self.ball.select(on_device);
        self.step = self.step.clone().select(0, on_device.clone());
        self.criterion = self.criterion.select(on_device);
    }
}

/// Row numbers on the device.
pub fn rows<B: Ops>(rows: &[usize], device: &B::Device) -> Tensor<B, 1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}

/// `all` with the images at `places` replaced.
pub(super) fn put<B: Ops>(all: Tensor<B, 4>, places: &[usize], values: Tensor<B, 4>) -> Tensor<B, 4> {
    let [n, h, w, c] = all.dims();
    if places.len() == n {
        return values;
    }
    let mut source: Vec<i64> = (0..n as i64).collect();
    places.iter().zip(n as i64..).for_each(|(&place, row)| source[place] = row);
    let source = Tensor::from_data(TensorData::new(source, [n]), &all.device());
    Tensor::cat(vec![all, values], 0).select(0, source).reshape([n, h, w, c])
}
