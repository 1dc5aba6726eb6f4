//! The language server: one thread, whole texts, one message after another.
//!
//! Messages that wait are looked at before work begins: a request that was cancelled is not answered with a result,
//! and findings are sent only when nothing else is waiting, so that fast typing is checked once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self, Notification as _};
use lsp_types::request::{self, Request as _};
use lsp_types::{
    CancelParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, DocumentSymbolResponse, GotoDefinitionResponse, NumberOrString,
    PublishDiagnosticsParams, TextDocumentPositionParams, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::capabilities;
use super::requests::Document;
use crate::diagnostic::shown;
use crate::lang::{self, Settings, World};
use crate::syntax;

/// A document of more bytes is not read, and that is its only finding. A check must be done before the next key is hit.
pub const LARGEST_DOCUMENT: usize = 1 << 20;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `exit` after `shutdown`.
    Orderly,
    /// `exit` without `shutdown`.
    Abrupt,
    /// No more messages come.
    InputEnded,
    /// Nobody reads the answers.
    OutputClosed,
}

/// Answers messages until the client ends the session or goes away.
pub fn serve(connection: &Connection, world: &dyn World) -> End {
    let mut server = Server {
        connection,
        world,
        waiting: VecDeque::new(),
        documents: BTreeMap::new(),
        unchecked: BTreeSet::new(),
        state: State::New,
    };
    server.run()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Running,
    ShutDown,
}

struct Server<'a> {
    connection: &'a Connection,
    world: &'a dyn World,
    waiting: VecDeque<Message>,
    documents: BTreeMap<String, Document>,
    /// Files whose findings are not those of their text.
    unchecked: BTreeSet<String>,
    state: State,
}

/// Why a request has no result.
struct Refusal {
    code: ErrorCode,
    message: String,
}

impl Refusal {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Server<'_> {
    fn run(&mut self) -> End {
        while let Some(message) = self.next() {
            let sent = match message {
                Message::Request(request) => self.answer(request),
                Message::Notification(note) if note.method == notification::Exit::METHOD => {
                    return self.end();
                }
                Message::Notification(note) => self.note(note),
                Message::Response(_) => true,
            };
            if !sent {
                return End::OutputClosed;
            }
        }
        End::InputEnded
    }

    fn end(&self) -> End {
        if self.state == State::ShutDown { End::Orderly } else { End::Abrupt }
    }

    /// The next message; files that changed are checked when there is none yet.
    fn next(&mut self) -> Option<Message> {
        self.waiting.extend(self.connection.receiver.try_iter());
        while self.waiting.is_empty() {
            let Some(file) = self.unchecked.pop_first() else { return self.connection.receiver.recv().ok() };
            self.check(&file);
            self.waiting.extend(self.connection.receiver.try_iter());
        }
        self.waiting.pop_front()
    }

    /// Whether the client is still there.
    fn send(&self, message: impl Into<Message>) -> bool {
        self.connection.sender.send(message.into()).is_ok()
    }

    fn is_cancelled(&self, id: &RequestId) -> bool {
        self.waiting.iter().any(|message| matches!(message, Message::Notification(note) if cancels(note, id)))
    }

    fn answer(&mut self, request: Request) -> bool {
        let id = request.id.clone();
        let cancelled = Refusal::new(ErrorCode::RequestCanceled, "the request was cancelled");
        let result = if self.is_cancelled(&id) { Err(cancelled) } else { self.result(request) };
        self.send(match result {
            Ok(value) => Response::new_ok(id, value),
            Err(refusal) => Response::new_err(id, refusal.code as i32, refusal.message),
        })
    }

    fn result(&mut self, request: Request) -> Result<Value, Refusal> {
        match (self.state, request.method.as_str()) {
            (State::New, request::Initialize::METHOD) => {
                self.state = State::Running;
                json(&capabilities::introduction())
            }
            (State::New, _) => Err(Refusal::new(ErrorCode::ServerNotInitialized, "`initialize` comes first")),
            (State::Running, request::Shutdown::METHOD) => {
                self.state = State::ShutDown;
                Ok(Value::Null)
            }
            (State::Running, request::Initialize::METHOD) => {
                Err(Refusal::new(ErrorCode::InvalidRequest, "the session has begun already"))
            }
            (State::Running, _) => self.about_a_file(request),
            (State::ShutDown, _) => Err(Refusal::new(ErrorCode::InvalidRequest, "the session was shut down")),
        }
    }

    fn about_a_file(&mut self, request: Request) -> Result<Value, Refusal> {
        let params = request.params;
        if self.is_too_large(&params) {
            return Ok(Value::Null);
        }
        match request.method.as_str() {
            request::HoverRequest::METHOD => self.at(params, |file, at| json(&file.hover(at.position))),
            request::Completion::METHOD => self.at(params, |file, at| json(&file.completion(at.position))),
            request::GotoDefinition::METHOD => self.at(params, |file, at| {
                json(&file.definition(at.position).map(GotoDefinitionResponse::Scalar))
            }),
            request::PrepareRenameRequest::METHOD => {
                self.at(params, |file, at| json(&file.prepare_rename(at.position)))
            }
            request::References::METHOD => {
                let params: lsp_types::ReferenceParams = read(params)?;
                let at = params.text_document_position;
                let with_definition = params.context.include_declaration;
                json(&self.file(&at.text_document.uri)?.references(at.position, with_definition))
            }
            request::Rename::METHOD => {
                let params: lsp_types::RenameParams = read(params)?;
                let file = self.file(&params.text_document_position.text_document.uri)?;
                let renamed = file.rename(&params);
                json(&renamed.map_err(|reason| Refusal::new(ErrorCode::InvalidParams, reason.to_string()))?)
            }
            request::DocumentSymbolRequest::METHOD => {
                let params: lsp_types::DocumentSymbolParams = read(params)?;
                let file = self.file(&params.text_document.uri)?;
                json(&DocumentSymbolResponse::Nested(file.symbols()))
            }
            request::Formatting::METHOD => {
                let params: lsp_types::DocumentFormattingParams = read(params)?;
                json(&self.file(&params.text_document.uri)?.formatting())
            }
            request::CodeActionRequest::METHOD => self.actions(params),
            method => Err(Refusal::new(ErrorCode::MethodNotFound, format!("unknown request `{method}`"))),
        }
    }

    fn at(
        &self,
        params: Value,
        answer: impl FnOnce(&Document, TextDocumentPositionParams) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let params: TextDocumentPositionParams = read(params)?;
        answer(self.file(&params.text_document.uri)?, params)
    }

    /// Fixes are those of the text as it is now, so a file that waits for its check gets it first.
    fn actions(&mut self, params: Value) -> Result<Value, Refusal> {
        let params: lsp_types::CodeActionParams = read(params)?;
        let uri = &params.text_document.uri;
        if self.unchecked.remove(uri.as_str()) {
            self.check(uri.as_str());
        }
        json(&self.file(uri)?.actions(&params))
    }

    /// Whether a request is about a document that is not read; about it there is nothing to say.
    fn is_too_large(&self, params: &Value) -> bool {
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str);
        uri.and_then(|uri| self.documents.get(uri)).is_some_and(|file| file.too_large)
    }

    fn file(&self, uri: &Uri) -> Result<&Document, Refusal> {
        let unknown = || Refusal::new(ErrorCode::InvalidParams, format!("`{}` is not open", uri.as_str()));
        self.documents.get(uri.as_str()).ok_or_else(unknown)
    }

    /// Whether the client is still there. A notification that cannot be read has no answer and changes nothing.
    fn note(&mut self, note: Notification) -> bool {
        let params = note.params;
        match note.method.as_str() {
            notification::DidOpenTextDocument::METHOD => self.opened(params),
            notification::DidChangeTextDocument::METHOD => self.changed(params),
            notification::DidSaveTextDocument::METHOD => self.saved(params),
            notification::DidCloseTextDocument::METHOD => return self.closed(params),
            _ => None,
        };
        true
    }

    fn opened(&mut self, params: Value) -> Option<()> {
        let opened: DidOpenTextDocumentParams = read(params).ok()?;
        let file = opened.text_document;
        self.store(file.uri, file.text, Some(file.version))
    }

    fn changed(&mut self, params: Value) -> Option<()> {
        let changed: DidChangeTextDocumentParams = read(params).ok()?;
        // Texts are whole, so the last one is the text.
        let text = changed.content_changes.into_iter().next_back()?.text;
        let file = changed.text_document;
        self.store(file.uri, text, Some(file.version))
    }

    /// Data files may have come since the last check.
    fn saved(&mut self, params: Value) -> Option<()> {
        let saved: DidSaveTextDocumentParams = read(params).ok()?;
        let uri = saved.text_document.uri;
        self.documents.contains_key(uri.as_str()).then(|| self.unchecked.insert(uri.as_str().to_owned()))?;
        Some(())
    }

    fn store(&mut self, uri: Uri, text: String, version: Option<i32>) -> Option<()> {
        let name = uri.as_str().to_owned();
        self.unchecked.insert(name.clone());
        let too_large = text.len() > LARGEST_DOCUMENT;
        let text = if too_large { String::new() } else { text };
        self.documents.insert(name, Document { uri, text, version, too_large, findings: Vec::new() });
        Some(())
    }

    fn closed(&mut self, params: Value) -> bool {
        let Ok(closed) = read::<DidCloseTextDocumentParams>(params) else { return true };
        let uri = closed.text_document.uri;
        self.unchecked.remove(uri.as_str());
        match self.documents.remove(uri.as_str()) {
            Some(_) => self.publish(uri, Vec::new(), None),
            None => true,
        }
    }

    /// Where nobody reads the findings, the next answer tells.
    fn check(&mut self, name: &str) {
        let Some(file) = self.documents.get_mut(name) else { return };
        file.findings = match file.too_large {
            true => vec![syntax::too_large(LARGEST_DOCUMENT)],
            false => shown(&lang::check(&file.text, &Settings::default(), self.world).diagnostics),
        };
        let (uri, found, version) = (file.uri.clone(), file.diagnostics(), file.version);
        self.publish(uri, found, version);
    }

    fn publish(&self, uri: Uri, found: Vec<lsp_types::Diagnostic>, version: Option<i32>) -> bool {
        let params = PublishDiagnosticsParams::new(uri, found, version);
        self.send(Notification::new(notification::PublishDiagnostics::METHOD.to_owned(), params))
    }
}

fn cancels(note: &Notification, id: &RequestId) -> bool {
    if note.method != notification::Cancel::METHOD {
        return false;
    }
    match read::<CancelParams>(note.params.clone()).map(|params| params.id) {
        Ok(NumberOrString::Number(number)) => RequestId::from(number) == *id,
        Ok(NumberOrString::String(text)) => RequestId::from(text) == *id,
        Err(_) => false,
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal::new(ErrorCode::InvalidParams, error.to_string()))
}

fn json(answer: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer).map_err(|error| Refusal::new(ErrorCode::InternalError, error.to_string()))
}
