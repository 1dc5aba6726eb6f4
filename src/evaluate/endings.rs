//! Whether the numbers of a finished run can be those of a trained classifier. docs/notes.md says it to users.
//!
//! A note costs a reader's time: one that stands beside a sound number is worse than one that is missing. So each rule
//! asks for more than a sound run can give.

use crate::data::Corpus;
use crate::train::state::EpochRow;

/// A network that learned nothing gets a note in all but this share of cases. Of networks that learned a little this rule
/// may doubt some, those that no test set of this size tells from guessing.
const LUCK: f64 = 0.05;

/// Where luck alone may win more than this share of what guessing misses, there are too few samples to say anything:
/// fewer than about 45 of two classes, 10 of ten.
const FEW: f64 = 0.25;

/// A loss counts as none of a classifier above so many times `ln classes`, that of a network which knows nothing. Adversarial
/// training and confident mistakes on test images reach once or twice; three times on training, validation and test
/// images alike is further from any image than not to look at it.
const LOST: f64 = 3.0;

/// More than half: the rule, not the exception.
const MOST: f64 = 0.5;

/// Published settings of `lesam` reach `clip` in most steps once a network fits (96 % in the quickstart), since the radius is the
/// budget over a gradient that vanishes. Only where it is reached all the time has the budget no say.
const ALWAYS: f64 = 0.99;

/// What a run recorded.
pub struct Ending<'a> {
    /// All epochs of all phases, in order.
    pub rows: &'a [EpochRow],
    /// What was measured at the end, by name.
    pub values: &'a [(String, f64)],
    pub test: &'a Corpus,
}

impl Ending<'_> {
    /// Doubts about the run's numbers, each with what to try.
    pub fn doubts(&self) -> Vec<String> {
        let ended = [self.chance(), self.lost()].into_iter().flatten();
        ended.chain(self.phases().flat_map(|phase| [idle(phase), clipped(phase)]).flatten()).collect()
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn phases(&self) -> impl Iterator<Item = &[EpochRow]> {
        self.rows.chunk_by(|one, other| one.phase == other.phase)
    }

    fn chance(&self) -> Option<String> {
        let accuracy = self.value("accuracy")?;
        let Guess { share, samples } = Guess::at(self.test);
        let most = lucky(samples, share);
        let right = (accuracy * samples as f64).round() as usize;
        let few = (most as f64 / samples as f64 - share) > FEW * (1.0 - share);
        (share < 1.0 && !few && right <= most).then(|| {
            format!(
                "the accuracy is that of guessing: the most frequent class alone gives {:.1} %, and luck up to {:.1} %; \
                 see whether the training loss in metrics.csv fell, try another learning rate or more steps, and look \
                 at the labels",
                100.0 * share,
                100.0 * most as f64 / samples as f64
            )
        })
    }

    fn lost(&self) -> Option<String> {
        let last = self.rows.last()?;
        let losses = [last.adversarial_loss.or(last.train_loss), last.validation_loss, self.value("loss")];
        let least = losses.into_iter().flatten().min_by(f64::total_cmp)?;
        let nothing = (self.test.classes as f64).ln();
        (self.test.classes > 1 && least > LOST * nothing).then(|| {
            format!(
                "the loss ended at {least:.1}, and a network that knows nothing has ln {} = {nothing:.2}: training broke \
                 down; try a smaller learning rate, a warm-up, or `clip` at the optimizer",
                self.test.classes
            )
        })
    }
}

/// What a guess gives.
struct Guess {
    /// Accuracy of whoever always names the most frequent class.
    share: f64,
    /// As many samples would vary as much as the accuracy does.
    samples: usize,
}

impl Guess {
    /// Groups that count alike are averaged, as their accuracy is.
    fn at(test: &Corpus) -> Self {
        let one = vec![0; test.len()];
        let (of, groups): (&[u16], usize) = match &test.groups {
            Some(groups) if groups.equal => (&groups.of, groups.names.len()),
            _ => (&one, 1),
        };
        let mut counts = vec![vec![0usize; test.classes]; groups];
        test.labels.iter().zip(of).for_each(|(&label, &group)| {
            counts[usize::from(group)][usize::from(label)] += 1;
        });
        let counts: Vec<(Vec<usize>, f64)> = counts
            .into_iter()
            .map(|counts| (counts.iter().sum::<usize>() as f64, counts))
            .filter(|(size, _)| *size > 0.0)
            .map(|(size, counts)| (counts, size))
            .collect();
        let there = counts.len() as f64;
        let of_class = |class: usize| {
            counts.iter().map(|(counts, size)| counts[class] as f64 / size).sum::<f64>() / there
        };
        let share = (0..test.classes).map(of_class).fold(0.0, f64::max);
        let spread: f64 = counts.iter().map(|(_, size)| 1.0 / size).sum();
        Self { share, samples: (there * there / spread) as usize }
    }
}

/// The fewest right guesses of `n` at `p` each that are exceeded in no more than [`LUCK`] of all tries.
fn lucky(n: usize, p: f64) -> usize {
    if p >= 1.0 {
        return n;
    }
    let (odds, mut log) = ((p / (1.0 - p)).ln(), n as f64 * (1.0 - p).ln());
    let mut sum = 0.0;
    for k in 0..n {
        sum += log.exp();
        if sum >= 1.0 - LUCK {
            return k;
        }
        log += odds + ((n - k) as f64 / (k + 1) as f64).ln();
    }
    n
}

/// `phase 2: ` where there is more to the run.
fn place(phase: &[EpochRow]) -> String {
    phase.first().map_or_else(String::new, |row| format!("phase {}: ", row.phase))
}

fn steps(rows: &[EpochRow]) -> Vec<u64> {
    let ends = rows.iter().map(|row| row.step);
    let before = [0].into_iter().chain(rows.iter().map(|row| row.step));
    ends.zip(before).map(|(end, before)| end.saturating_sub(before)).collect()
}

fn idle(phase: &[EpochRow]) -> Option<String> {
    let total: u64 = steps(phase).iter().sum();
    let [skipped, empty] = [|row: &EpochRow| row.skipped, |row: &EpochRow| row.empty]
        .map(|of| phase.iter().map(of).sum::<u64>());
    let most = (skipped + empty) as f64 > MOST * total as f64;
    let try_this = if skipped >= empty {
        "loss or gradient was not finite; try a smaller learning rate, or `clip` at the optimizer"
    } else {
        "all sample weights were zero; try a larger `fraction` or `lambda` of the curriculum"
    };
    most.then(|| format!("{}{} of {total} steps changed nothing: {try_this}", place(phase), skipped + empty))
}

fn clipped(phase: &[EpochRow]) -> Option<String> {
    let known = phase.iter().zip(steps(phase)).filter_map(|(row, steps)| Some((row.clipped?, steps as f64)));
    let (cut, total) =
        known.fold((0.0, 0.0), |(cut, total), (share, steps)| (cut + share * steps, total + steps));
    (cut > ALWAYS * total).then(|| {
        format!(
            "{}the radius was cut to `clip` in {:.0} % of the steps, so that `budget` decided nothing and the radius was constant: set a \
             smaller `budget`, or a larger `clip`",
            place(phase),
            100.0 * cut / total
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Groups, Shape};

    fn corpus(counts: &[usize]) -> Corpus {
        let labels: Vec<u16> =
            counts.iter().enumerate().flat_map(|(class, &count)| vec![class as u16; count]).collect();
        let shape = Shape { height: 1, width: 1, channels: 1 };
        Corpus::in_memory(vec![0; labels.len()], labels, shape, counts.len(), 255)
    }

    fn doubts(counts: &[usize], values: &[(&str, f64)], rows: &[EpochRow]) -> Vec<String> {
        let values: Vec<(String, f64)> =
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Ending { rows, values: &values, test: &corpus(counts) }.doubts()
    }

    fn row(phase: usize, step: u64) -> EpochRow {
        EpochRow { phase, step, ..EpochRow::default() }
    }

    #[test]
    fn luck_is_the_binomial_distributions() {
        // scipy.stats.binom.ppf(0.95, n, p)
        for (n, p, expected) in
            [(10, 0.5, 8), (360, 0.1, 46), (10_000, 0.1, 1050), (100, 0.9, 95), (43, 0.5, 27)]
        {
            assert_eq!(lucky(n, p), expected, "{n} {p}");
        }
        assert!((50_000..50_700).contains(&lucky(100_000, 0.5)));
    }

    #[test]
    fn guessing_is_told_from_knowing() {
        let ten = [36; 10];
        assert!(doubts(&ten, &[("accuracy", 0.1)], &[])[0].contains("gives 10.0 %, and luck up to 12.8 %"));
        assert!(doubts(&ten, &[("accuracy", 0.0)], &[])[0].starts_with("the accuracy is that of guessing"));
        assert_eq!(doubts(&ten, &[("accuracy", 0.14)], &[]), [""; 0]);
        assert_eq!(doubts(&ten, &[("pgd.accuracy", 0.0)], &[]), [""; 0]);
        // Always the same answer.
        assert!(doubts(&[900, 100], &[("accuracy", 0.9)], &[])[0].contains("gives 90.0 %"));
        assert_eq!(doubts(&[900, 100], &[("accuracy", 0.95)], &[]), [""; 0]);
    }

    #[test]
    fn few_images_say_nothing() {
        for right in 0..=10 {
            assert_eq!(doubts(&[5, 5], &[("accuracy", f64::from(right) / 10.0)], &[]), [""; 0]);
        }
        assert_eq!(doubts(&[7], &[("accuracy", 1.0)], &[]), [""; 0]);
    }

    #[test]
    fn groups_that_count_alike_are_averaged() {
        let mut test = corpus(&[100, 100]);
        let of: Vec<u16> = (0..200).map(|place| u16::from(place >= 150)).collect();
        test.groups =
            Some(Groups { names: ["a".to_owned(), "b".to_owned()].into(), of: of.into(), equal: true });
        let Guess { share, samples } = Guess::at(&test);
        // Of the second class a third and all.
        assert!((share - (50.0 / 150.0 + 1.0) / 2.0).abs() < 1e-12, "{share}");
        assert_eq!(samples, 150);
    }

    #[test]
    fn a_loss_counts_where_all_that_is_known_is_lost() {
        let lost = EpochRow { train_loss: Some(40.0), validation_loss: Some(9.0), ..row(1, 10) };
        assert!(doubts(&[5; 10], &[("loss", 30.0)], std::slice::from_ref(&lost))[0].contains("ended at 9.0"));
        let memorised = EpochRow { train_loss: Some(0.0), ..lost.clone() };
        assert_eq!(doubts(&[5; 10], &[("loss", 30.0)], &[memorised]), [""; 0]);
        let late = EpochRow { validation_loss: Some(1.0), ..lost };
        assert_eq!(doubts(&[5; 10], &[("loss", f64::NAN)], &[late]), [""; 0]);
    }

    #[test]
    fn most_of_a_phase_is_more_than_half_of_its_steps() {
        let idle = |skipped, empty| EpochRow { skipped, empty, ..row(2, 24) };
        let found = doubts(&[5, 5], &[], &[row(1, 100), idle(13, 0)]);
        assert!(
            found[0].starts_with("phase 2: 13 of 24 steps changed nothing: loss or gradient"),
            "{found:?}"
        );
        assert!(doubts(&[5, 5], &[], &[idle(1, 20)])[0].contains("all sample weights were zero"));
        assert_eq!(doubts(&[5, 5], &[], &[idle(12, 0)]), [""; 0]);
    }

    #[test]
    fn a_radius_that_is_always_cut_is_no_budgets() {
        let clipped = |step, share| EpochRow { clipped: Some(share), ..row(1, step) };
        let found = doubts(&[5, 5], &[], &[clipped(10, 1.0), clipped(40, 0.999)]);
        assert!(found[0].contains("in 100 % of the steps"), "{found:?}");
        assert_eq!(doubts(&[5, 5], &[], &[clipped(10, 0.9), clipped(40, 1.0)]), [""; 0]);
    }
}
