//! The legal values of a numeric parameter.

use std::fmt;

use serde::{Serialize, Serializer};

/// Legal numbers. A schedule may touch an open end, as in `cosine(0.05 -> 0)`, but not cross it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub low: Bound,
    pub high: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    None,
    Open(f64),
    Closed(f64),
}

impl Range {
    pub const ANY: Range = Range { low: Bound::None, high: Bound::None };
    pub const POSITIVE: Range = Range { low: Bound::Open(0.0), high: Bound::None };
    pub const NOT_NEGATIVE: Range = Range { low: Bound::Closed(0.0), high: Bound::None };
    pub const AT_LEAST_ONE: Range = Range { low: Bound::Closed(1.0), high: Bound::None };
    pub const AT_LEAST_TWO: Range = Range { low: Bound::Closed(2.0), high: Bound::None };
    pub const ONE_OR_TWO: Range = Range { low: Bound::Closed(1.0), high: Bound::Closed(2.0) };
    pub const TWO_TO_A_THOUSAND: Range = Range { low: Bound::Closed(2.0), high: Bound::Closed(1001.0) };
    pub const TWO_TO_A_MILLION: Range = Range { low: Bound::Closed(2.0), high: Bound::Closed(1e6) };
    /// [0, 1]
    pub const UNIT: Range = Range { low: Bound::Closed(0.0), high: Bound::Closed(1.0) };
    /// [-1, 1]
    pub const SIGNED_UNIT: Range = Range { low: Bound::Closed(-1.0), high: Bound::Closed(1.0) };
    /// [0, 1)
    pub const BELOW_ONE: Range = Range { low: Bound::Closed(0.0), high: Bound::Open(1.0) };
    /// (0, 1)
    pub const INSIDE_UNIT: Range = Range { low: Bound::Open(0.0), high: Bound::Open(1.0) };
    /// (0, 1]
    pub const SHARE: Range = Range { low: Bound::Open(0.0), high: Bound::Closed(1.0) };

    /// [0, 1/2]
    pub const HALF: Range = Range { low: Bound::Closed(0.0), high: Bound::Closed(0.5) };
    /// [0, 180], in degrees.
    pub const HALF_TURN: Range = Range { low: Bound::Closed(0.0), high: Bound::Closed(180.0) };
    /// [0, 90), in degrees.
    pub const BELOW_QUARTER_TURN: Range = Range { low: Bound::Closed(0.0), high: Bound::Open(90.0) };
    /// Hessian products whose vectors are kept.
    pub const PRODUCTS: Range = Range { low: Bound::Closed(1.0), high: Bound::Closed(10_000.0) };
    /// Layers of a network.
    pub const LAYERS: Range = Range { low: Bound::Closed(1.0), high: Bound::Closed(10_000.0) };
    /// Channels of a layer, or what they are multiplied by.
    pub const CHANNELS: Range = Range { low: Bound::Closed(1.0), high: Bound::Closed(1e6) };
    /// Sides of an image that a network is given, in pixels.
    pub const SIDE: Range = Range { low: Bound::Closed(1.0), high: Bound::Closed(4096.0) };

    pub const fn above(low: f64) -> Self {
        Range { low: Bound::Open(low), high: Bound::None }
    }

    pub fn contains(&self, value: f64) -> bool {
        let above = match self.low {
            Bound::None => true,
            Bound::Open(low) => value > low,
            Bound::Closed(low) => value >= low,
        };
        above && self.below_high(value)
    }

    /// Whether the value lies in the range or on one of its ends.
    pub fn touches(&self, value: f64) -> bool {
        self.contains(value) || self.ends().contains(&value)
    }

    fn below_high(&self, value: f64) -> bool {
        match self.high {
            Bound::None => true,
            Bound::Open(high) => value < high,
            Bound::Closed(high) => value <= high,
        }
    }

    fn ends(&self) -> Vec<f64> {
        let end = |bound| match bound {
            Bound::None => None,
            Bound::Open(end) | Bound::Closed(end) => Some(end),
        };
        [self.low, self.high].into_iter().filter_map(end).collect()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Bound::None, Bound::None) => formatter.write_str("any"),
            (Bound::None, Bound::Open(high)) => write!(formatter, "< {high}"),
            (Bound::None, Bound::Closed(high)) => write!(formatter, "<= {high}"),
            (Bound::Open(low), Bound::None) => write!(formatter, "> {low}"),
            (Bound::Closed(low), Bound::None) => write!(formatter, ">= {low}"),
            (low, high) => write!(formatter, "in {}, {}", opening(low), closing(high)),
        }
    }
}

fn opening(bound: Bound) -> String {
    match bound {
        Bound::Closed(low) => format!("[{low}"),
        Bound::Open(low) => format!("({low}"),
        Bound::None => "(".into(),
    }
}

fn closing(bound: Bound) -> String {
    match bound {
        Bound::Closed(high) => format!("{high}]"),
        Bound::Open(high) => format!("{high})"),
        Bound::None => ")".into(),
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges_read_as_in_mathematics() {
        let shown = [Range::ANY, Range::POSITIVE, Range::AT_LEAST_ONE, Range::BELOW_ONE, Range::SHARE];
        let shown = shown.map(|range| range.to_string());
        assert_eq!(shown, ["any", "> 0", ">= 1", "in [0, 1)", "in (0, 1]"]);
    }

    #[test]
    fn an_open_end_is_touched_but_not_held() {
        assert!(!Range::POSITIVE.contains(0.0) && Range::POSITIVE.touches(0.0));
        assert!(Range::UNIT.contains(1.0) && !Range::UNIT.touches(1.1));
        assert!(!Range::POSITIVE.touches(f64::NAN) && !Range::UNIT.contains(f64::NAN));
    }
}
