//! Messages of an editor: what is said to the language server, whole messages of JSON.

use flatrun::ide::serve;
use lsp_server::{Connection, Message, Notification, Request, RequestId};
use serde_json::{Value, json};

use crate::target::Target;
use crate::world::{Files, TestWorld};

fn request(id: i32, method: &str, params: Value) -> Message {
    Message::Request(Request { id: RequestId::from(id), method: method.to_owned(), params })
}

fn notification(method: &str, params: Value) -> Message {
    Message::Notification(Notification { method: method.to_owned(), params })
}

/// What editors say, one message each.
fn seeds() -> Vec<Vec<u8>> {
    let document = json!({ "uri": "file:///a.flat" });
    let at = json!({ "textDocument": document, "position": { "line": 0, "character": 12 } });
    let change = json!({ "textDocument": { "uri": "file:///a.flat", "version": 2 }, "contentChanges": [
        { "range": { "start": { "line": 0, "character": 5 }, "end": { "line": 1, "character": 3 } }, "text": "xé😀" }] });
    let messages = [
        request(7, "textDocument/hover", at.clone()),
        request(8, "textDocument/completion", at.clone()),
        request(9, "textDocument/definition", at.clone()),
        request(
            10,
            "textDocument/formatting",
            json!({ "textDocument": document, "options": { "tabSize": 2, "insertSpaces": true } }),
        ),
        request(
            11,
            "textDocument/rename",
            json!({ "textDocument": document, "position": at["position"], "newName": "b" }),
        ),
        request(12, "textDocument/documentSymbol", json!({ "textDocument": document })),
        notification("textDocument/didChange", change),
        notification("textDocument/didClose", json!({ "textDocument": document })),
    ];
    messages.iter().map(|message| serde_json::to_vec(message).expect("a message")).collect()
}

/// Opens a document, says `message`, and leaves; the server answers everything and ends.
fn session(message: Message, world: &TestWorld) {
    let (server, client) = Connection::memory();
    let text = "let a = sam(rho = 0.1)\ncurriculum ssp(adm) under a\n";
    let open = json!({ "textDocument": { "uri": "file:///a.flat", "languageId": "flat", "version": 1, "text": text } });
    let said = [
        request(1, "initialize", json!({ "capabilities": {} })),
        notification("initialized", json!({})),
        notification("textDocument/didOpen", open),
        message,
        request(2, "shutdown", Value::Null),
        notification("exit", Value::Null),
    ];
    said.into_iter().for_each(|message| client.sender.send(message).expect("a server"));
    serve(&server, world);
    drop(server);
    for answer in client.receiver.iter() {
        assert!(serde_json::to_string(&answer).is_ok());
    }
}

#[test]
fn messages() {
    let world = TestWorld(Files::There);
    let words = &["null", "-1", "4294967296", "\"\"", "{}", "[]", "\\ud800", "1e400"];
    let target = Target { name: "messages", seeds: seeds(), words, inputs: 2_000, memory: 32 << 20 };
    target.run(&mut |bytes| {
        if let Ok(message) = serde_json::from_slice::<Message>(bytes) {
            session(message, &world);
        }
    });
}
