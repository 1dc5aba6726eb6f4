//! The look of variants, in light and in dark.

use std::fmt::Write;

/// Name, colour on white, colour on near-black. `c0` to `c7` are those of Okabe and Ito (2008), which people of any
/// colour vision tell apart, darkened or lightened where the ground asks for it.
pub const THEME: [(&str, &str, &str); 17] = [
    ("ground", "#ffffff", "#14171c"),
    ("raised", "#f5f7f9", "#1d2229"),
    ("ink", "#1c2127", "#e8ebef"),
    ("soft", "#57606b", "#a3adb9"),
    ("edge", "#c4cad1", "#454d58"),
    ("grid", "#e9ecef", "#2a3039"),
    ("bad", "#b3261e", "#ff8a80"),
    ("warn", "#8a5a00", "#f2b63c"),
    ("accent", "#0b5cad", "#6cb6ff"),
    ("c0", "#0072b2", "#4da6e0"),
    ("c1", "#d55e00", "#ff8a3d"),
    ("c2", "#009e73", "#2fc79c"),
    ("c3", "#b8578f", "#e59bc6"),
    ("c4", "#d18f00", "#f0bb3f"),
    ("c5", "#3a9bd9", "#9bd3f7"),
    ("c6", "#4a4a4a", "#d0d0d0"),
    ("c7", "#7d7a00", "#d9d24a"),
];

const COLORS: usize = 8;

/// Lines of variants that share a colour.
const DASHES: [&str; 3] = ["", "6 3", "2 2.5"];

const RULES: &str = "\
.figure{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.figure text{fill:var(--soft)}
.figure .label{fill:var(--ink)}
.figure .halo{fill:var(--ink);stroke:var(--ground);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
.figure .grid{stroke:var(--grid);stroke-width:1;fill:none}
.figure .edge{stroke:var(--edge);stroke-width:1;fill:none}
.figure .rule{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3;fill:none}
.figure .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.figure .thin{stroke-width:1.1;opacity:.75}
.figure .band{stroke:none;opacity:.16}
.figure .faint{opacity:.45;stroke:none}
.figure .iso{fill:none;stroke:#fff;stroke-opacity:.55;stroke-width:.7}
.figure .cell{shape-rendering:crispEdges}
.figure .hole{fill:var(--edge);stroke:none}
";

/// How a variant looks in every figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    variant: usize,
}

impl Style {
    /// Of the variant at `index`; colours come again with other dashes.
    pub fn of(index: usize) -> Self {
        Self { variant: index }
    }

    /// Classes of a line.
    pub fn stroke(self) -> String {
        let dash = self.variant / COLORS % DASHES.len();
        let dashed = if dash == 0 { String::new() } else { format!(" d{dash}") };
        format!("s{}{dashed}", self.variant % COLORS)
    }

    /// Class of a filled shape.
    pub fn fill(self) -> String {
        format!("f{}", self.variant % COLORS)
    }

    /// Class of everything of the variant.
    pub fn group(self) -> String {
        format!("variant v{}", self.variant)
    }

    pub fn index(self) -> usize {
        self.variant
    }
}

fn rules() -> String {
    let mut rules = RULES.to_owned();
    for color in 0..COLORS {
        let _ = writeln!(
            rules,
            ".figure .s{color}{{stroke:var(--c{color})}}.figure .f{color}{{fill:var(--c{color})}}"
        );
    }
    for (index, dash) in DASHES.iter().enumerate().skip(1) {
        let _ = writeln!(rules, ".figure .d{index}{{stroke-dasharray:{dash}}}");
    }
    rules
}

/// The style of figures in a page: both themes, as the reader's system asks; light on paper.
pub fn page_style() -> String {
    let variables = |dark: bool| -> String {
        let value = |(name, on_light, on_dark): &(&str, &str, &str)| {
            format!("--{name}:{};", if dark { on_dark } else { on_light })
        };
        THEME.iter().map(value).collect()
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n{}",
        variables(false),
        variables(true),
        rules()
    )
}

/// The style of a figure in a file of its own: light, without variables, which few programs but browsers know.
pub fn file_style() -> String {
    let light = |style: String, (name, color, _): &(&str, &str, &str)| {
        style.replace(&format!("var(--{name})"), color)
    };
    THEME.iter().fold(rules(), light)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_need_no_variables() {
        assert!(!file_style().contains("var("), "{}", file_style());
    }

    #[test]
    fn two_dozen_variants_look_different() {
        let looks: std::collections::BTreeSet<_> = (0..24).map(|index| Style::of(index).stroke()).collect();
        assert_eq!(looks.len(), 24);
    }

    /// Contrast of WCAG 2.1: 3 for lines, 4.5 for text.
    #[test]
    fn colours_stand_out_from_their_ground() {
        let luminance = |color: &str| {
            let part = |at: usize| {
                let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let contrast = |one: &str, other: &str| {
            let (one, other) = (luminance(one), luminance(other));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        let (_, light, dark) = THEME[0];
        for (name, on_light, on_dark) in THEME {
            let least = match name {
                "ink" | "soft" | "bad" | "warn" | "accent" => 4.5,
                "ground" | "raised" | "edge" | "grid" => continue,
                _ => 2.7,
            };
            for (color, ground) in [(on_light, light), (on_dark, dark)] {
                assert!(contrast(color, ground) >= least, "{name}: {}", contrast(color, ground));
            }
        }
    }
}
