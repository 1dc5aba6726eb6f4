//! A whole session with the server, message by message, in this process.

use std::fmt::Write;
use std::path::Path;
use std::thread;

use flatrun::ide::{End, serve};
use lsp_server::{Connection, Message, Notification, Request, RequestId};
use serde_json::{Value, json};

use super::world::{Files, TestWorld};

const URI: &str = "file:///project/a%20b.flat";

/// Sends all messages, then closes; gives what came back and how the server ended.
fn session(messages: Vec<Message>) -> (Vec<Message>, End) {
    let (server, client) = Connection::memory();
    messages.into_iter().for_each(|message| client.sender.send(message).expect("a server"));
    drop(client.sender);
    let end = thread::scope(|scope| scope.spawn(|| serve(&server, &TestWorld(Files::There))).join());
    drop(server);
    (client.receiver.iter().collect(), end.expect("an end"))
}

fn request(id: i32, method: &str, params: Value) -> Message {
    Request { id: RequestId::from(id), method: method.into(), params }.into()
}

fn note(method: &str, params: Value) -> Message {
    Notification { method: method.into(), params }.into()
}

fn hello() -> Vec<Message> {
    vec![request(0, "initialize", json!({ "capabilities": {} })), note("initialized", json!({}))]
}

fn open(text: &str) -> Message {
    let file = json!({ "uri": URI, "languageId": "flat", "version": 1, "text": text });
    note("textDocument/didOpen", json!({ "textDocument": file }))
}

fn at(line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
}

fn with(mut params: Value, more: Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    params
}

fn answer(messages: &[Message], id: i32) -> Result<Value, (i32, String)> {
    let response = messages.iter().find_map(|message| match message {
        Message::Response(response) if response.id == RequestId::from(id) => Some(response.clone()),
        _ => None,
    });
    let result = response.unwrap_or_else(|| panic!("no answer {id} in {messages:#?}")).response_result;
    result.map_err(|error| (error.code, error.message))
}

fn transcript(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let json = serde_json::to_string_pretty(message).expect("json");
        let _ = writeln!(text, "{json}");
    }
    text.replace(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"version\": \"VERSION\"")
}

#[test]
fn a_session_from_beginning_to_end() {
    let text = "# 😀\nlet flat = lesam(0.4)\ncurriculum sspl(ADM)  under flat\n";
    let mut messages = hello();
    messages.push(open(text));
    let range = json!({ "range": { "start": { "line": 2, "character": 17 }, "end": { "line": 2, "character": 17 } } });
    messages.extend([
        request(
            1,
            "textDocument/codeAction",
            with(with(at(0, 0), range), json!({ "context": { "diagnostics": [] } })),
        ),
        request(2, "textDocument/hover", at(2, 28)),
        request(3, "textDocument/definition", at(2, 28)),
        request(
            4,
            "textDocument/references",
            with(at(2, 28), json!({ "context": { "includeDeclaration": true } })),
        ),
        request(5, "textDocument/prepareRename", at(2, 28)),
        request(6, "textDocument/rename", with(at(2, 28), json!({ "newName": "wide" }))),
        request(7, "textDocument/rename", with(at(2, 28), json!({ "newName": "sam" }))),
        request(8, "textDocument/documentSymbol", at(0, 0)),
        request(
            9,
            "textDocument/formatting",
            with(at(0, 0), json!({ "options": { "tabSize": 2, "insertSpaces": true } })),
        ),
        request(10, "textDocument/completion", at(2, 21)),
        request(11, "shutdown", Value::Null),
        note("exit", Value::Null),
    ]);
    let (received, end) = session(messages);
    assert_eq!(end, End::Orderly);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ide/session.txt");
    super::compare(&path, &transcript(&received));
}

#[test]
fn fast_typing_is_checked_once() {
    let change = |version: i32, text: &str| {
        let changes = json!([{ "text": text }]);
        let file = json!({ "uri": URI, "version": version });
        note("textDocument/didChange", json!({ "textDocument": file, "contentChanges": changes }))
    };
    let mut messages = hello();
    messages.extend([open("u"), change(2, "under s"), change(3, "edition 2026\nunder sam\n")]);
    let (received, end) = session(messages);
    assert_eq!(end, End::InputEnded);
    let [_, Message::Notification(found)] = &received[..] else { panic!("{received:#?}") };
    assert_eq!(found.method, "textDocument/publishDiagnostics");
    assert_eq!(found.params, json!({ "uri": URI, "version": 3, "diagnostics": [] }));
}

#[test]
fn a_large_file_has_one_finding_and_no_answers() {
    let mut messages = hello();
    messages.extend([
        open(&"let a = 1\n".repeat(500_000)),
        request(1, "textDocument/hover", at(0, 5)),
        request(2, "textDocument/completion", at(0, 0)),
        request(3, "textDocument/formatting", at(0, 0)),
    ]);
    let (received, _) = session(messages);
    let found: Vec<&Notification> = received
        .iter()
        .filter_map(|message| match message {
            Message::Notification(note) => Some(note),
            _ => None,
        })
        .collect();
    assert_eq!(found.len(), 1);
    let findings = &found[0].params["diagnostics"];
    assert_eq!((findings.as_array().map(Vec::len), &findings[0]["code"]), (Some(1), &json!("F0129")));
    assert_eq!(findings[0]["message"].as_str().map(|text| text.contains("1 MiB")), Some(true));
    assert!([1, 2, 3].into_iter().all(|id| answer(&received, id) == Ok(Value::Null)));
}

#[test]
fn a_file_of_the_largest_size_is_answered() {
    let lets: String = (0..30_000).map(|number| format!("let name_{number} = sam(rho = 0.1)\n")).collect();
    let mut messages = hello();
    messages.extend([
        open(&format!("{lets}under name_7\n")),
        request(
            1,
            "textDocument/references",
            with(at(30_000, 8), json!({ "context": { "includeDeclaration": true } })),
        ),
        request(2, "textDocument/documentSymbol", at(0, 0)),
        request(3, "textDocument/hover", at(30_000, 8)),
    ]);
    let (received, _) = session(messages);
    assert_eq!(answer(&received, 1).map(|places| places.as_array().map(Vec::len)), Ok(Some(2)));
    assert_eq!(answer(&received, 2).map(|symbols| symbols.as_array().map(Vec::len)), Ok(Some(30_001)));
    assert!(answer(&received, 3).is_ok_and(|hover| hover["contents"]["value"].is_string()));
}

#[test]
fn a_closed_file_has_no_findings() {
    let close = || note("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    let mut messages = hello();
    messages.extend([open("oops"), close(), close(), request(1, "textDocument/hover", at(0, 0))]);
    let (received, _) = session(messages);
    let [_, Message::Notification(found), _] = &received[..] else { panic!("{received:#?}") };
    assert_eq!(found.params, json!({ "uri": URI, "diagnostics": [] }));
    assert_eq!(answer(&received, 1), Err((-32602, format!("`{URI}` is not open"))));
}

#[test]
fn a_cancelled_request_has_no_result() {
    let mut messages = hello();
    messages.extend([
        open("under sam"),
        request(1, "textDocument/hover", at(0, 7)),
        request(2, "textDocument/hover", at(0, 7)),
        note("$/cancelRequest", json!({ "id": 1 })),
        note("$/cancelRequest", json!({ "id": 77 })),
    ]);
    let (received, _) = session(messages);
    assert_eq!(answer(&received, 1), Err((-32800, "the request was cancelled".into())));
    assert!(answer(&received, 2).is_ok_and(|hover| hover["contents"]["value"].is_string()));
}

#[test]
fn messages_out_of_place_are_refused() {
    let mut messages = vec![
        request(1, "textDocument/hover", at(0, 0)),
        open("lost: nobody has said hello"),
        request(2, "shutdown", Value::Null),
    ];
    messages.extend(hello());
    messages.extend([
        request(3, "initialize", json!({})),
        request(4, "workspace/symbol", json!({ "query": "" })),
        request(5, "textDocument/hover", json!({ "position": "here" })),
        note("textDocument/didOpen", json!([1, 2])),
        note(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": URI, "version": 2 }, "contentChanges": [] }),
        ),
        request(6, "shutdown", Value::Null),
        request(7, "textDocument/hover", at(0, 0)),
    ]);
    let (received, end) = session(messages);
    assert_eq!(end, End::InputEnded);
    let code = |id| answer(&received, id).map_err(|(code, _)| code);
    assert_eq!((code(1), code(2)), (Err(-32002), Err(-32002)));
    assert_eq!((code(3), code(4), code(5)), (Err(-32600), Err(-32601), Err(-32602)));
    assert_eq!((code(6), code(7)), (Ok(Value::Null), Err(-32600)));
}

#[test]
fn an_exit_without_shutdown_is_abrupt() {
    assert_eq!(session(vec![note("exit", Value::Null)]).1, End::Abrupt);
    let mut messages = hello();
    messages.push(note("exit", Value::Null));
    assert_eq!(session(messages).1, End::Abrupt);
}

#[test]
fn a_client_that_stops_reading_ends_the_server() {
    let (server, client) = Connection::memory();
    hello().into_iter().for_each(|message| client.sender.send(message).expect("a server"));
    drop(client.receiver);
    assert_eq!(serve(&server, &TestWorld(Files::There)), End::OutputClosed);
}
