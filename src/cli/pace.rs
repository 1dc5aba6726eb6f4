//! How long the rest of a phase takes, by what was measured of it.

/// An estimate that grows by less than this share is the noise of the one before, and is not told.
const NOISE: f64 = 0.25;

/// Time that steps took, and what lies between them: validation, measurements, checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    steps: Mean,
    /// After an epoch.
    epochs: Mean,
    /// What was told last.
    told: Option<f64>,
}

/// Seconds of things of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    count: u64,
    sum: f64,
    first: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64) {
        if self.count == 0 {
            self.first = seconds;
        }
        self.count += 1;
        self.sum += seconds;
    }

    /// Without the first, which makes plans and fills buffers, once there are others.
    fn get(&self) -> f64 {
        match self.count {
            0 => 0.0,
            1 => self.first,
            count => (self.sum - self.first) / (count - 1) as f64,
        }
    }
}

impl Pace {
    /// A step took so long.
    pub fn step(&mut self, seconds: f64) {
        self.steps.add(seconds);
    }

    /// What follows an epoch took so long.
    pub fn epoch(&mut self, seconds: f64) {
        self.epochs.add(seconds);
    }

    /// Seconds for so many steps and ends of epochs; `None` before the first step.
    pub fn left(&mut self, steps: u64, epochs: u64) -> Option<f64> {
        if self.steps.count == 0 {
            return None;
        }
        let estimate = self.steps.get() * steps as f64 + self.epochs.get() * epochs as f64;
        let told =
            self.told.filter(|told| (*told..told * (1.0 + NOISE)).contains(&estimate)).unwrap_or(estimate);
        self.told = Some(told);
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Estimates after each epoch of ten, of ten steps each.
    fn estimates(step: impl Fn(u64) -> f64, epoch: f64) -> Vec<f64> {
        let mut pace = Pace::default();
        let mut found = Vec::new();
        for number in 0..10 {
            (0..10).for_each(|place| pace.step(step(10 * number + place)));
            pace.epoch(epoch);
            found.extend(pace.left(90 - 10 * number, 9 - number));
        }
        found
    }

    #[test]
    fn steps_and_what_follows_an_epoch_are_measured_apart() {
        let mut pace = Pace::default();
        assert_eq!(pace.left(10, 1), None);
        (0..3).for_each(|_| pace.step(2.0));
        assert_eq!(pace.left(7, 1), Some(14.0), "nothing is known of the end of an epoch");
        pace.epoch(30.0);
        assert_eq!(pace.left(10, 1), Some(50.0));
    }

    #[test]
    fn a_slow_first_step_does_not_count() {
        let mut pace = Pace::default();
        pace.step(60.0);
        pace.step(1.0);
        assert_eq!(pace.left(100, 0), Some(100.0));
    }

    #[test]
    fn estimates_fall_where_steps_take_about_as_long() {
        for epoch in [0.0, 5.0] {
            let found = estimates(|step| 1.0 + 0.2 * (step as f64 * 0.7).sin(), epoch);
            assert!(found.is_sorted_by(|one, next| next <= one), "{found:?}");
            assert!(found[9] == 0.0 && (found[0] - (90.0 + 9.0 * epoch)).abs() < 10.0, "{found:?}");
        }
    }

    #[test]
    fn what_really_takes_longer_is_told() {
        let found = estimates(|step| if step < 20 { 1.0 } else { 10.0 }, 0.0);
        assert!(found[2] > found[1], "{found:?}");
    }
}
