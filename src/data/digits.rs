//! The embedded digits: 1,797 images of 8×8 pixels (see `DIGITS.md` for their origin and licence).
//!
//! The split is fixed: the first 1,437 records train, the last 360 test. Records stand in the
//! published order.

use super::corpus::{ChannelStatistics, Dataset, Samples, Shape, Traits};
use super::error::DataError;
use super::input::Input;
use super::names;

pub const TRAIN: usize = 1437;
pub const TEST: usize = 360;
pub const CLASSES: usize = 10;
pub const SHAPE: Shape = Shape { height: 8, width: 8, channels: 1 };

const SCALE: u8 = 16;
const RECORD: usize = 1 + 64;
const RECORDS: &[u8] = include_bytes!("digits_8x8.bin.gz");

pub fn open() -> Result<Dataset, DataError> {
    let mut input = Input::embedded("embedded digits", RECORDS);
    let records = input.rest(((TRAIN + TEST) * RECORD) as u64)?;
    let (train, test) = records.split_at(TRAIN * RECORD);
    let train = samples(train);
    let traits = Traits {
        classes: CLASSES,
        scale: SCALE,
        channels: ChannelStatistics::of(&train, SCALE),
        class_names: &names::DIGITS,
    };
    Ok(traits.dataset(train, samples(test)))
}

fn samples(records: &[u8]) -> Samples {
    let records = records.chunks_exact(RECORD);
    Samples {
        labels: records.clone().map(|record| record[0].into()).collect(),
        images: records.flat_map(|record| &record[1..]).copied().collect(),
        shape: SHAPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(labels: &[u16]) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts
    }

    #[test]
    fn split_and_constants_are_fixed() {
        let Dataset { train, test, .. } = open().unwrap();
        assert_eq!(counts(&train.labels), [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]);
        assert_eq!(counts(&test.labels), [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]);
        assert!((train.mean[0] - 0.305386).abs() < 1e-6, "{:?}", train.mean);
        assert!((train.std[0] - 0.375507).abs() < 1e-6, "{:?}", train.std);
        assert_eq!(test.mean, train.mean);
    }

    #[test]
    fn pixels_span_zero_to_one() {
        let Dataset { train, test, .. } = open().unwrap();
        let brightest = train.bytes().iter().chain(test.bytes()).max();
        assert_eq!(brightest, Some(&SCALE));
        assert_eq!(&train.raw(0).unwrap().bytes[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!(train.labels[0], 0);
    }
}
