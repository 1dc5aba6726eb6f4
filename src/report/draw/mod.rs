//! Figures as SVG: scales, axes, lines, contours, surfaces. Knows nothing of runs.

mod categories;
mod colors;
mod contours;
mod drawing;
mod frame;
mod grid;
mod lines;
mod raster;
mod scale;
mod surface;
mod ticks;

pub use categories::{Category, Dot, dots};
pub use colors::{Style, page_style};
pub use contours::contours;
pub use drawing::Drawing;
pub use frame::Axis;
pub use grid::{Grid, Levels};
pub use lines::{LinePlot, Point, Series, lines};
pub use raster::{Raster, raster};
pub use scale::Scale;
pub use surface::surface;
