//! `flatrun lsp` as an editor runs it: a process, spoken to in frames on its standard input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

struct Editor {
    server: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Editor {
    fn start() -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_flatrun"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let output = BufReader::new(server.stdout.take().expect("its output"));
        Self { server, output }
    }

    fn write(&mut self, text: &str) {
        self.server.stdin.as_mut().expect("its input").write_all(text.as_bytes()).expect("a reader");
    }

    fn send(&mut self, message: Value) {
        let body = message.to_string();
        self.write(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("a header");
            match line.trim_end() {
                "" => break,
                header => {
                    let value = header.strip_prefix("Content-Length: ").and_then(|value| value.parse().ok());
                    length = value.unwrap_or(length);
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).expect("a body");
        serde_json::from_slice(&body).expect("json")
    }

    fn hello(&mut self) {
        self.send(
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "capabilities": {} } }),
        );
        assert_eq!(self.receive()["result"]["serverInfo"]["name"], "flatrun");
        self.send(json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
    }

    /// Closes the input and waits for the end; gives what was printed for people, too.
    fn end(mut self) -> (ExitStatus, String) {
        drop(self.server.stdin.take());
        let mut printed = String::new();
        self.server.stderr.take().expect("its errors").read_to_string(&mut printed).expect("text");
        (self.server.wait().expect("an end"), printed)
    }
}

#[test]
fn a_session() {
    let mut editor = Editor::start();
    editor.hello();
    let file = json!({ "uri": "file:///a.flat", "languageId": "flat", "version": 1, "text": "under LESAM(budget = 0.4)\n" });
    editor.send(
        json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": file } }),
    );
    let found = editor.receive();
    let finding = &found["params"]["diagnostics"][0];
    assert_eq!(finding["code"], "F0201", "{found}");
    assert_eq!(
        finding["range"],
        json!({ "start": { "line": 0, "character": 6 }, "end": { "line": 0, "character": 11 } })
    );
    let action = json!({ "textDocument": { "uri": "file:///a.flat" }, "range": finding["range"], "context": { "diagnostics": [] } });
    editor.send(json!({ "jsonrpc": "2.0", "id": 2, "method": "textDocument/codeAction", "params": action }));
    let actions = editor.receive();
    assert_eq!(actions["result"][0]["edit"]["changes"]["file:///a.flat"][0]["newText"], "lesam", "{actions}");
    editor.send(json!({ "jsonrpc": "2.0", "id": 3, "method": "shutdown" }));
    assert_eq!(editor.receive(), json!({ "jsonrpc": "2.0", "id": 3, "result": null }));
    editor.send(json!({ "jsonrpc": "2.0", "method": "exit" }));
    let (status, printed) = editor.end();
    assert_eq!((status.code(), printed.as_str()), (Some(0), ""));
}

#[test]
fn a_closed_input_ends_it() {
    let mut editor = Editor::start();
    editor.hello();
    assert_eq!(editor.end().0.code(), Some(0));
    assert_eq!(Editor::start().end().0.code(), Some(0));
}

#[test]
fn an_exit_without_shutdown_is_told_to_the_caller() {
    let mut editor = Editor::start();
    editor.hello();
    editor.send(json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(editor.end().0.code(), Some(1));
}

#[test]
fn an_input_that_is_no_message_is_an_error() {
    let mut editor = Editor::start();
    editor.write("hello\r\n");
    let (status, printed) = editor.end();
    assert_eq!(status.code(), Some(2));
    assert!(printed.contains("cannot read `stdin`: `hello` is no line of a header"), "{printed}");
}

#[test]
fn a_message_that_cannot_be_read_is_answered_and_the_session_goes_on() {
    let mut editor = Editor::start();
    editor.hello();
    editor.write("Content-Length: 4\r\n\r\noops");
    let answer = editor.receive();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(-32700)));
    let open = r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a","languageId":"flat","version":1,"text":"title \"\ud800\"\n# \udc00\n\ud800"}}}"#;
    editor.write(&format!("Content-Length: {}\r\n\r\n{open}", open.len()));
    let found = editor.receive();
    assert_eq!(
        found["params"]["diagnostics"][0]["range"]["start"],
        json!({ "line": 2, "character": 0 }),
        "{found}"
    );
    assert_eq!(editor.end().0.code(), Some(0));
}

#[test]
fn a_length_that_no_message_has_ends_it() {
    for length in ["18446744073709551615", "1099511627776", "-1"] {
        let mut editor = Editor::start();
        editor.hello();
        editor.write(&format!("Content-Length: {length}\r\n\r\n{{}}"));
        let (status, printed) = editor.end();
        assert_eq!(status.code(), Some(2), "{printed}");
        assert!(printed.starts_with("error: cannot read `stdin`: ") && printed.contains(length), "{printed}");
    }
}
