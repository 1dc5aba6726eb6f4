//! What the functions of this folder give, in the types of the protocol.

use lsp_types::{
    CodeAction, CodeActionKind, CompletionItem, CompletionItemKind, CompletionTextEdit,
    DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, DocumentSymbol, Documentation,
    HoverContents, Location, MarkupContent, MarkupKind, NumberOrString, TextEdit, Uri, WorkspaceEdit,
};

use super::completion::{Completion, Completions, Offered};
use super::hover::Hover;
use super::position::Lines;
use super::symbols::{Symbol, SymbolKind};
use crate::diagnostic::{Code, Diagnostic, Edit, Fix, Level, Span};

fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

/// A finding; what to write instead stands below the message, since editors show nothing else.
pub fn diagnostic(finding: &Diagnostic, lines: &Lines<'_>, uri: &Uri) -> lsp_types::Diagnostic {
    let help = finding.help.iter().map(|help| format!("\nhelp: {help}"));
    let rest = finding.rest().map(|rest| format!("\n{rest}"));
    let related = finding.labels.iter().skip(1).map(|label| DiagnosticRelatedInformation {
        location: Location::new(uri.clone(), lines.range(label.span)),
        message: label.text.clone(),
    });
    let related: Vec<DiagnosticRelatedInformation> = related.collect();
    lsp_types::Diagnostic {
        range: lines.range(finding.span()),
        severity: Some(match finding.level() {
            Level::Error => DiagnosticSeverity::ERROR,
            Level::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(finding.code.info().id.to_owned())),
        source: Some("flat".to_owned()),
        message: std::iter::once(finding.message.clone()).chain(help).chain(rest).collect(),
        related_information: Some(related).filter(|related| !related.is_empty()),
        tags: matches!(finding.code, Code::UnusedLet | Code::UnusedValue)
            .then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..lsp_types::Diagnostic::default()
    }
}

/// The fix of a finding, as something to choose.
pub fn action(finding: &Diagnostic, fix: &Fix, lines: &Lines<'_>, uri: &Uri) -> CodeAction {
    CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic(finding, lines, uri)]),
        edit: Some(workspace_edit(uri, &fix.edits, lines)),
        is_preferred: Some(fix.safe),
        ..CodeAction::default()
    }
}

pub fn text_edit(edit: &Edit, lines: &Lines<'_>) -> TextEdit {
    TextEdit::new(lines.range(edit.span), edit.replacement.clone())
}

#[allow(clippy::mutable_key_type, reason = "the protocol keys changes by uri, which nothing here mutates")]
pub fn workspace_edit(uri: &Uri, edits: &[Edit], lines: &Lines<'_>) -> WorkspaceEdit {
    let edits = edits.iter().map(|edit| text_edit(edit, lines)).collect();
    WorkspaceEdit::new([(uri.clone(), edits)].into())
}

pub fn hover(hover: Hover, lines: &Lines<'_>) -> lsp_types::Hover {
    let contents = HoverContents::Markup(markdown(hover.markdown));
    lsp_types::Hover { contents, range: Some(lines.range(hover.span)) }
}

/// Items in the order they were given, which editors would sort by name.
pub fn completion_items(found: Completions, lines: &Lines<'_>) -> Vec<CompletionItem> {
    let item = |(place, item)| completion_item(item, place, found.span, lines);
    found.items.into_iter().enumerate().map(item).collect()
}

fn completion_item(item: Completion, place: usize, span: Span, lines: &Lines<'_>) -> CompletionItem {
    CompletionItem {
        label: item.label,
        kind: Some(completion_kind(item.kind)),
        detail: Some(item.detail).filter(|detail| !detail.is_empty()),
        documentation: item.documentation.map(|text| Documentation::MarkupContent(markdown(text))),
        sort_text: Some(format!("{place:03}")),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(lines.range(span), item.insert))),
        ..CompletionItem::default()
    }
}

fn completion_kind(kind: Offered) -> CompletionItemKind {
    match kind {
        Offered::Keyword => CompletionItemKind::KEYWORD,
        Offered::Component => CompletionItemKind::FUNCTION,
        Offered::Parameter => CompletionItemKind::FIELD,
        Offered::Value => CompletionItemKind::VALUE,
        Offered::Binding => CompletionItemKind::VARIABLE,
        Offered::Unit => CompletionItemKind::UNIT,
    }
}

pub fn symbol(symbol: Symbol, lines: &Lines<'_>) -> DocumentSymbol {
    let children: Vec<DocumentSymbol> =
        symbol.children.into_iter().map(|child| self::symbol(child, lines)).collect();
    #[allow(deprecated, reason = "the field must be given, and there is no other way to make one")]
    DocumentSymbol {
        name: symbol.name,
        detail: Some(symbol.detail),
        kind: match symbol.kind {
            SymbolKind::Statement => lsp_types::SymbolKind::PROPERTY,
            SymbolKind::Binding => lsp_types::SymbolKind::VARIABLE,
            SymbolKind::Phase => lsp_types::SymbolKind::EVENT,
        },
        tags: None,
        deprecated: None,
        range: lines.range(symbol.span),
        selection_range: lines.range(symbol.selection),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}
