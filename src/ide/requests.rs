//! Answers to requests about one open file.

use lsp_types::{
    CodeActionOrCommand, CodeActionParams, CompletionItem, DocumentSymbol, Location, PrepareRenameResponse,
    Range, RenameParams, TextEdit, Uri, WorkspaceEdit,
};

use super::bindings::Misnamed;
use super::position::Lines;
use super::{bindings, completion, formatting, hover, protocol, symbols};
use crate::diagnostic::{Diagnostic, Span};

/// An open file.
pub struct Document {
    pub uri: Uri,
    pub text: String,
    pub version: Option<i32>,
    /// It is larger than what is read; `text` is empty.
    pub too_large: bool,
    /// Findings of the text as it is.
    pub findings: Vec<Diagnostic>,
}

impl Document {
    fn lines(&self) -> Lines<'_> {
        Lines::new(&self.text)
    }

    pub fn diagnostics(&self) -> Vec<lsp_types::Diagnostic> {
        let lines = self.lines();
        self.findings.iter().map(|finding| protocol::diagnostic(finding, &lines, &self.uri)).collect()
    }

    pub fn hover(&self, position: lsp_types::Position) -> Option<lsp_types::Hover> {
        let lines = self.lines();
        hover::hover(&self.text, lines.byte(position)).map(|found| protocol::hover(found, &lines))
    }

    pub fn completion(&self, position: lsp_types::Position) -> Vec<CompletionItem> {
        let lines = self.lines();
        protocol::completion_items(completion::completions(&self.text, lines.byte(position)), &lines)
    }

    pub fn symbols(&self) -> Vec<DocumentSymbol> {
        let lines = self.lines();
        symbols::symbols(&self.text).into_iter().map(|symbol| protocol::symbol(symbol, &lines)).collect()
    }

    pub fn formatting(&self) -> Vec<TextEdit> {
        let lines = self.lines();
        formatting::formatting(&self.text).iter().map(|edit| protocol::text_edit(edit, &lines)).collect()
    }

    /// The fixes of findings that touch the range.
    pub fn actions(&self, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let lines = self.lines();
        let wanted = lines.span(params.range);
        let touches = |span: Span| span.start <= wanted.end && wanted.start <= span.end;
        let fixes = self.findings.iter().filter(|finding| touches(finding.span()));
        let fixes = fixes.filter_map(|finding| Some((finding, finding.fix.as_ref()?)));
        fixes.map(|(finding, fix)| protocol::action(finding, fix, &lines, &self.uri).into()).collect()
    }

    pub fn definition(&self, position: lsp_types::Position) -> Option<Location> {
        let lines = self.lines();
        bindings::definition(&self.text, lines.byte(position)).map(|span| self.location(span, &lines))
    }

    pub fn references(&self, position: lsp_types::Position, with_definition: bool) -> Vec<Location> {
        let lines = self.lines();
        let places = bindings::references(&self.text, lines.byte(position), with_definition);
        places.into_iter().map(|span| self.location(span, &lines)).collect()
    }

    fn location(&self, span: Span, lines: &Lines<'_>) -> Location {
        Location::new(self.uri.clone(), lines.range(span))
    }

    pub fn prepare_rename(&self, position: lsp_types::Position) -> Option<PrepareRenameResponse> {
        let lines = self.lines();
        let range: Range = lines.range(bindings::renamed(&self.text, lines.byte(position))?);
        Some(PrepareRenameResponse::Range(range))
    }

    /// # Errors
    /// As [`bindings::rename`].
    pub fn rename(&self, params: &RenameParams) -> Result<WorkspaceEdit, Misnamed> {
        let lines = self.lines();
        let at = lines.byte(params.text_document_position.position);
        let edits = bindings::rename(&self.text, at, &params.new_name)?;
        Ok(protocol::workspace_edit(&self.uri, &edits, &lines))
    }
}
