//! `results.csv`: one line for each measurement of each run.

use super::table::csv_line;
use crate::cell::written;

/// What one variant gave under one seed; nothing where the run failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured<'a> {
    pub variant: &'a str,
    pub seed: u64,
    /// Name and value of each measurement.
    pub values: &'a [(String, f64)],
}

/// The columns `variant`, `seed`, `measurement`, `value`; numbers in full.
pub fn long<'a>(runs: impl Iterator<Item = Measured<'a>>) -> String {
    let mut text = "variant,seed,measurement,value\n".to_owned();
    for Measured { variant, seed, values } in runs {
        for (name, value) in values {
            text += &csv_line(&[written(variant), seed.to_string(), written(name), value.to_string()]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_number_and_no_formula() {
        let values = [("accuracy".to_owned(), 0.5), ("=a, b".to_owned(), -0.25)];
        let runs = [
            Measured { variant: "sgd", seed: 0, values: &values },
            Measured { variant: "sam", seed: 3, values: &[] },
        ];
        let text = long(runs.into_iter());
        assert_eq!(text, "variant,seed,measurement,value\nsgd,0,accuracy,0.5\nsgd,0,\"'=a, b\",-0.25\n");
    }
}
