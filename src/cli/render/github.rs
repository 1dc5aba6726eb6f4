//! Workflow commands of GitHub: each becomes an annotation on the changed line.

use std::fmt::Write;

use super::place::Lines;
use super::{FileFindings, level_word};
use crate::cli::safe::safe;

/// `::error file=a.flat,line=1,endLine=1,col=12,endColumn=17,title=F0201 unknown-component::message`
pub fn github(files: &[FileFindings]) -> String {
    let mut text = String::new();
    for file in files {
        let lines = Lines::new(&file.source.text);
        let name = property(&file.source.name);
        for finding in &file.shown() {
            let (start, end) = lines.ends(finding.span());
            let (info, level) = (finding.code.info(), level_word(finding.level()));
            let _ = writeln!(
                text,
                "::{} file={},line={},endLine={},col={},endColumn={},title={} {}::{}",
                level,
                name,
                start.line,
                end.line,
                start.column,
                end.column,
                info.id,
                info.slug,
                data(&finding.message),
            );
            if let Some(rest) = finding.rest() {
                let _ = writeln!(text, "::{level} file={name},title={} {}::{rest}", info.id, info.slug);
            }
        }
    }
    text
}

fn data(text: &str) -> String {
    safe(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")).into_owned()
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::fixture;

    #[test]
    fn separators_are_escaped() {
        let expected = "::warning file=a%2Cb.flat,line=1,endLine=1,col=1,endColumn=1,title=L0001 edition-missing\
                        ::no edition\n\
                        ::error file=a%2Cb.flat,line=2,endLine=2,col=7,endColumn=12,title=F0201 unknown-component\
                        ::no minimizer is named `lesma`: 100 %25,%0A\"quoted\"\n";
        assert_eq!(github(&fixture::files()), expected);
    }
}
