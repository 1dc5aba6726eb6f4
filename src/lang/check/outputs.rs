//! `export`: only where nothing would be lost.

use super::Checker;
use super::choices::Choice;
use super::outline::Outline;
use crate::diagnostic::Diagnostic;
use crate::lang::program::Program;

impl<'a> Checker<'a> {
    /// Whether the weights of every variant and seed may be written where `export` says.
    pub(super) fn outputs_are_free(
        &mut self,
        outline: &Outline<'a>,
        program: &Program,
        combinations: Vec<Choice>,
    ) {
        let Some(written) = outline.value("export") else { return };
        let read = program.weights_read();
        for (variant, choice) in program.variants.iter().zip(combinations) {
            self.choice = choice;
            let mut paths = program.seeds.iter().filter_map(|seed| program.export_path(variant, *seed));
            let Some(error) = paths.find_map(|path| self.world.output(&path, &read).err()) else { continue };
            let span = self.resolve(written).span;
            let finding = Diagnostic::new(error.code, span, error.message, "not a place for weights");
            self.report(error.help.into_iter().fold(finding, Diagnostic::help));
        }
    }
}
