//! The area of a plot between its axes.

use svg::node::element::{Group, Path, Rectangle, Text};

use super::Scale;
use super::ticks::Tick;

/// Width of a character, on average, and height of a line at the size of figures.
const CHARACTER: f64 = 6.1;

const TOP: f64 = 10.0;
const RIGHT: f64 = 14.0;

/// What an axis shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// With its unit.
    pub label: String,
    pub scale: Scale,
}

impl Axis {
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale }
    }
}

/// A rectangle with two axes.
#[derive(Clone, Debug)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    x: Axis,
    y: Axis,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
}

/// About how wide a text is.
pub fn width_of(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

impl Frame {
    /// In a figure of `width` × `height`, as large as the marks of the axes leave it; `right` more is kept free.
    pub fn new(width: f64, height: f64, right: f64, x: Axis, y: Axis) -> Self {
        let y_ticks = y.scale.ticks(((height / 48.0) as usize).max(3));
        let widest = y_ticks.iter().map(|tick| width_of(&tick.label)).fold(0.0, f64::max);
        let left = 30.0 + widest;
        let inner = width - left - RIGHT - right;
        let x_ticks = x.scale.ticks(((inner / 62.0) as usize).max(3));
        Self { left, top: TOP, width: inner, height: height - TOP - 40.0, x, y, x_ticks, y_ticks }
    }

    /// Left, top, width, height; low, high and 1 where logarithmic, of x and of y.
    pub fn ranges(&self) -> String {
        let of = |scale: &Scale| format!("{:e} {:e} {}", scale.low, scale.high, u8::from(scale.log));
        let place =
            [self.left, self.top, self.width, self.height].map(|value| tenth(value).to_string()).join(" ");
        format!("{place} {} {}", of(&self.x.scale), of(&self.y.scale))
    }

    /// Place of a point; `None` where it has none.
    pub fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (x, y) = (self.x(x), self.y(y));
        (x.is_finite() && y.is_finite()).then_some((x, y))
    }

    pub fn x(&self, value: f64) -> f64 {
        self.left + self.x.scale.share(value) * self.width
    }

    pub fn y(&self, value: f64) -> f64 {
        self.top + (1.0 - self.y.scale.share(value)) * self.height
    }

    /// Place of a value, at the lower edge where it lies below or has no logarithm.
    pub fn y_clamped(&self, value: f64) -> f64 {
        let y = self.y(value);
        let bottom = self.top + self.height;
        if y.is_finite() { y.clamp(self.top, bottom) } else { bottom }
    }

    /// Grid lines, which lie under everything.
    pub fn grid(&self) -> Group {
        let right = self.left + self.width;
        let across =
            self.y_ticks.iter().map(|tick| format!("M{:.1} {:.1}H{right:.1}", self.left, self.y(tick.value)));
        let across = Path::new().set("class", "grid").set("d", across.collect::<String>());
        Group::new().add(across).add(self.upright_grid())
    }

    /// Begins further right: what stands to the left of the axis needs room.
    pub fn indent(&mut self, left: f64) {
        self.width -= left - self.left;
        self.left = left;
        self.x_ticks = self.x.scale.ticks(((self.width / 62.0) as usize).max(3));
    }

    /// Grid lines of the x axis alone.
    pub fn upright_grid(&self) -> Path {
        let bottom = self.top + self.height;
        let up =
            self.x_ticks.iter().map(|tick| format!("M{:.1} {bottom:.1}V{:.1}", self.x(tick.value), self.top));
        Path::new().set("class", "grid").set("d", up.collect::<String>())
    }

    /// Edge, and marks and label of the x axis.
    pub fn x_axis(&self) -> Group {
        let (middle, bottom) = (self.left + self.width / 2.0, self.top + self.height);
        let group = self.x_ticks.iter().fold(Group::new().add(self.border()), |group, tick| {
            group.add(text(&tick.label, self.x(tick.value), bottom + 15.0, "middle"))
        });
        group.add(text(&self.x.label, middle, bottom + 33.0, "middle").set("class", "label"))
    }

    /// Edge, marks and labels.
    pub fn axes(&self) -> Group {
        let mut group = self.x_axis();
        for tick in &self.y_ticks {
            group = group.add(text(&tick.label, self.left - 6.0, self.y(tick.value) + 4.0, "end"));
        }
        let (x, y) = (12.0, self.top + self.height / 2.0);
        let turned = text(&self.y.label, x, y, "middle").set("transform", format!("rotate(-90 {x} {y:.1})"));
        group.add(turned.set("class", "label"))
    }

    fn border(&self) -> Rectangle {
        Rectangle::new()
            .set("class", "edge")
            .set("x", tenth(self.left))
            .set("y", tenth(self.top))
            .set("width", tenth(self.width))
            .set("height", tenth(self.height))
    }
}

/// A line of text.
pub fn text(content: &str, x: f64, y: f64, anchor: &str) -> Text {
    Text::new(content).set("x", tenth(x)).set("y", tenth(y)).set("text-anchor", anchor)
}

/// Tenths of a pixel are enough, and short.
pub fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// `M1.0 2.0L3.0 4.0`.
pub fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        path += &format!("{command}{} {}", tenth(x), tenth(y));
    }
    path
}
