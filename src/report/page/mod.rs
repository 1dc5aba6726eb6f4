//! One page of HTML that needs nothing beside it.

mod settings;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::draw::page_style;
use super::figures::{Figure, Section};
use super::study::Study;
use super::table::{Row, Summary, Table, heading, in_percent};
use super::{RunRecord, State, notes};
use crate::lang::words::counted;
use crate::report::date;

/// By it a page is known as one of ours.
pub const GENERATOR: &str = "flatrun report";

/// Folder of the figures' files, beside the page.
pub const FIGURES: &str = "report";

/// The whole page; well-formed XML too.
pub fn page(study: &Study, results: &[Figure], sections: &[Section]) -> String {
    let title = title(study);
    let style = format!("{}{}", page_style(), include_str!("style.css"));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (PreEscaped("<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"))
                (PreEscaped(format!("<meta name=\"generator\" content=\"{GENERATOR} {}\"/>", env!("CARGO_PKG_VERSION"))))
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                (top(study, &title, sections))
                (legend(study))
                main {
                    (first(study, results))
                    @let before = results.len();
                    @for (index, section) in sections.iter().enumerate() {
                        @let earlier: usize = sections[..index].iter().map(|section| section.figures.len()).sum();
                        (figures_of(section, before + earlier))
                    }
                    (settings::settings(study))
                    (programs(study))
                }
                footer { p { "Written by " (GENERATOR) " " (env!("CARGO_PKG_VERSION")) ". Each figure is also a file in " code { (FIGURES) "/" } "." } }
                div #tip hidden="hidden" {}
                script { (PreEscaped("//<![CDATA[\n")) (PreEscaped(include_str!("script.js"))) (PreEscaped("//]]>")) }
            }
        }
    };
    page.into_string()
}

fn title(study: &Study) -> String {
    let mut titles: Vec<String> = Vec::new();
    for run in &study.runs {
        let title = run.title.clone().unwrap_or_else(|| run.name());
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles.join(" · ")
}

fn top(study: &Study, title: &str, sections: &[Section]) -> Markup {
    html! {
        header {
            h1 { (title) }
            @for run in &study.runs { (run_line(run)) }
            nav {
                a href="#results" { "Results" }
                @for section in sections { a href={ "#" (anchor(section.title)) } { (section.title) } }
                a href="#settings" { "Settings" }
                a href="#program" { "Program" }
            }
        }
    }
}

fn anchor(title: &str) -> String {
    super::figures::file_name(&[title])
}

/// Folder, state, size and date of a run.
fn run_line(run: &RunRecord) -> Markup {
    let (state, class) = state(run);
    let seeds = run.seeds.iter().map(|seed| seed.seed).collect::<std::collections::BTreeSet<_>>().len();
    html! {
        ul.meta {
            li { code { (run.name()) } }
            li class=(class) { (state) }
            li { (counted(run.variants().len(), "variant")) ", " (counted(seeds, "seed")) }
            @if let Some(began) = run.began() { li { "begun " (date(began)) } }
        }
    }
}

fn state(run: &RunRecord) -> (String, &'static str) {
    let count = |is: fn(&State) -> bool| run.seeds.iter().filter(|seed| is(&seed.state)).count();
    let failed = count(|state| matches!(state, State::Failed(_)));
    let open = count(|state| matches!(state, State::Interrupted { .. } | State::Damaged));
    let of = run.seeds.len();
    match (run.running, failed, open) {
        (true, ..) => ("running".into(), "state open"),
        (_, 0, 0) => ("finished".into(), "state"),
        (_, 0, open) => (format!("{open} of {of} unfinished"), "state open"),
        (_, failed, 0) => (format!("{failed} of {of} failed"), "state bad"),
        (_, failed, open) => (format!("{failed} of {of} failed, {open} unfinished"), "state bad"),
    }
}

/// Which variant is which; says it once for the page.
fn legend(study: &Study) -> Markup {
    html! {
        div.legend {
            ul {
                @for variant in &study.variants {
                    li data-variant={ "v" (variant.style.index()) } {
                        svg.figure viewBox="0 0 22 10" { path.line.(variant.style.stroke()) d="M1 5h20" {} }
                        (variant.name)
                    }
                }
            }
        }
    }
}

/// The table, what is wrong, and the results as figures.
fn first(study: &Study, results: &[Figure]) -> Markup {
    let table = study.table();
    html! {
        h2 #results { "Results" }
        p.note { "Mean ± one standard deviation (n − 1 in the denominator) over seeds. A variant has the same colour everywhere; curves that coincide are dashed in turn." }
        (table_of(study, &table))
        (alerts(study))
        div.figures { @for (index, figure) in results.iter().enumerate() { (figure_of(figure, index + 1)) } }
    }
}

/// More measurements than this stand below each other, and the variants beside each other.
const BESIDE: usize = 8;

fn table_of(study: &Study, table: &Table) -> Markup {
    html! {
        div.table {
            @if table.measurements.len() > BESIDE.max(table.rows.len()) { (by_measurement(study, table)) } @else { (by_variant(study, table)) }
        }
    }
}

fn by_variant(study: &Study, table: &Table) -> Markup {
    html! {
        table {
            thead { tr { th { "variant" } th { "n" } @for name in &table.measurements { th { (breakable(&heading(name))) } } } }
            tbody {
                @for row in &table.rows {
                    tr {
                        td { (variant_of(study, row)) }
                        td { (row.count()) }
                        @for (name, cell) in table.measurements.iter().zip(&row.cells) { td { (cell_of(name, *cell, row.seeds)) } }
                    }
                }
            }
        }
    }
}

fn by_measurement(study: &Study, table: &Table) -> Markup {
    html! {
        table {
            thead { tr { th { "measurement" } @for row in &table.rows { th { (variant_of(study, row)) " (n = " (row.count()) ")" } } } }
            tbody {
                @for (index, name) in table.measurements.iter().enumerate() {
                    tr {
                        td { (breakable(&heading(name))) }
                        @for row in &table.rows { td { (cell_of(name, row.cells[index], row.seeds)) } }
                    }
                }
            }
        }
    }
}

fn variant_of(study: &Study, row: &Row) -> Markup {
    let style =
        study.variants.iter().find(|variant| variant.name == row.variant).map(|variant| variant.style);
    html! { @if let Some(style) = style { span.swatch.(style.fill()) {} } (breakable(&row.variant)) }
}

/// A name that may be broken after its punctuation, and nowhere else.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['.', ',', '(', '_', '-', ':']) { span.part { (part) } } }
}

fn cell_of(name: &str, cell: Option<Summary>, seeds: usize) -> Markup {
    let Some(summary) = cell else { return html! { "–" } };
    let shown = summary.shown(in_percent(name));
    let (mean, std) = shown.split_once(" ± ").map_or((shown.as_str(), None), |(mean, std)| (mean, Some(std)));
    html! {
        (mean)
        @if let Some(std) = std { span.std { " ± " (std) } }
        @if summary.n != seeds { span.n { " (n = " (summary.n) ")" } }
    }
}

/// What a reader must know before believing the numbers; what has no results comes first.
fn alerts(study: &Study) -> Markup {
    let notes = study.notes();
    let mut all = notes::shared(&notes);
    all.sort_by_key(|note| !note.grave);
    html! {
        @if !all.is_empty() || study.damage().next().is_some() {
            ul.alerts {
                @for note in &all {
                    li.bad[note.grave] { (note.variant) @if !note.grave { ":" } " " (note.message) " " span.note { "(" (seed_list(&note.seeds)) ")" } }
                }
                @for damage in study.damage() { li.bad { code { (damage.path.display()) } ": " (damage.cause) } }
            }
        }
    }
}

/// `seed 3`, `seeds 0, 1, 2`, `40 seeds`.
fn seed_list(seeds: &[u64]) -> String {
    match seeds {
        [seed] => format!("seed {seed}"),
        seeds if seeds.len() > 10 => counted(seeds.len(), "seed"),
        seeds => format!("seeds {}", seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn figures_of(section: &Section, before: usize) -> Markup {
    html! {
        h2 id=(anchor(section.title)) { (section.title) }
        p.note { (section.note) }
        div.figures { @for (index, figure) in section.figures.iter().enumerate() { (figure_of(figure, before + index + 1)) } }
    }
}

fn figure_of(figure: &Figure, number: usize) -> Markup {
    html! {
        figure.first[figure.first] id={ "figure-" (figure.id) } {
            h3 { (figure.title) }
            (PreEscaped(figure.drawing.inline(&figure.title)))
            figcaption {
                b { "Figure " (number) "." } " " (figure.caption) " "
                a.file href={ (FIGURES) "/" (figure.id) ".svg" } { "SVG" }
            }
        }
    }
}

fn programs(study: &Study) -> Markup {
    let mut texts: Vec<(String, &str)> = Vec::new();
    for (variant, seed) in study.all() {
        let Some(text) = &seed.history.program else { continue };
        if !texts.iter().any(|(_, known)| known == text) {
            texts.push((study.runs[variant.run].name(), text));
        }
    }
    html! {
        h2 #program { "Program" }
        @for (run, text) in &texts {
            @if texts.len() > 1 { h3 { (run) } }
            pre { (text) }
        }
    }
}
