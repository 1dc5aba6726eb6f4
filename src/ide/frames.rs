//! Messages between an editor and the server: a header, a blank line, and as many bytes of JSON as the header says.
//!
//! `lsp-server` reads frames too. It sets aside whatever memory a header asks for, and ends with the first message that
//! is no JSON; this reader bounds lengths and goes on.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::thread::{self, JoinHandle};

use lsp_server::{Connection, ErrorCode, Message};
use lsp_types::notification::{Exit, Notification};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The longest message that is read.
const LONGEST: u64 = 64 << 20;
/// Messages up to this length are passed over. No editor sends longer ones, so a header that announces one is garbage,
/// and nobody knows where the next message begins.
const PASSED_OVER: u64 = 1 << 30;
/// The longest line of a header, and the most lines.
const HEADER_LINE: u64 = 4096;
const HEADER_LINES: usize = 64;

/// The threads that read standard input and write standard output.
pub struct Threads {
    reader: JoinHandle<io::Result<()>>,
    writer: JoinHandle<io::Result<()>>,
}

impl Threads {
    /// Waits until the input has ended, or `exit` was read, and every answer is written.
    ///
    /// # Errors
    /// The input holds something else than messages, or an answer cannot be written.
    pub fn join(self) -> io::Result<()> {
        let ended = |thread: JoinHandle<io::Result<()>>| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        };
        ended(self.reader).and(ended(self.writer))
    }
}

/// A session on standard input and output.
///
/// # Errors
/// The system starts no thread.
pub fn stdio() -> io::Result<(Connection, Threads)> {
    let (server, client) = Connection::memory();
    let (messages, answers) = (client.sender, client.receiver);
    let read = move || forward(&mut io::stdin().lock(), |message| messages.send(message).is_ok());
    let write = move || answers.into_iter().try_for_each(|answer| answer.write(&mut io::stdout().lock()));
    let reader = thread::Builder::new().name("lsp-reader".into()).spawn(read)?;
    let writer = thread::Builder::new().name("lsp-writer".into()).spawn(write)?;
    Ok((server, Threads { reader, writer }))
}

/// Hands on every message up to `exit`; a message that cannot be read is answered with an error.
fn forward(input: &mut impl BufRead, mut hand_on: impl FnMut(Message) -> bool) -> io::Result<()> {
    loop {
        match next(input)? {
            Incoming::Message(message) => {
                let is_exit = matches!(&message, Message::Notification(note) if note.method == Exit::METHOD);
                if !hand_on(message) || is_exit {
                    return Ok(());
                }
            }
            Incoming::Refused(code, reason) => refuse(code, &reason)?,
            Incoming::End => return Ok(()),
        }
    }
}

/// A message that cannot be read has no number either, for which the protocol has `null`.
fn refuse(code: ErrorCode, reason: &str) -> io::Result<()> {
    let error = json!({ "code": code as i32, "message": reason });
    let body = json!({ "jsonrpc": "2.0", "id": Value::Null, "error": error }).to_string();
    let mut output = io::stdout().lock();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

/// What came.
#[derive(Debug)]
enum Incoming {
    Message(Message),
    /// No message, for this reason; the next one can be read.
    Refused(ErrorCode, String),
    End,
}

/// # Errors
/// The input cannot be read, or it cannot be known where the next message begins.
fn next(input: &mut impl BufRead) -> io::Result<Incoming> {
    let Some(length) = header(input)? else { return Ok(Incoming::End) };
    if length > PASSED_OVER {
        return Err(garbage(format!("a header announces a message of {length} bytes")));
    }
    let mut body = Vec::new();
    let mut message = input.take(length);
    let read = match length > LONGEST {
        true => io::copy(&mut message, &mut io::sink())?,
        false => message.read_to_end(&mut body)? as u64,
    };
    if read < length {
        return Err(garbage(format!("a message of {length} bytes ends after {read}")));
    }
    Ok(match length > LONGEST {
        true => Incoming::Refused(
            ErrorCode::InvalidRequest,
            format!("a message of {length} bytes is not read; at most {LONGEST} are"),
        ),
        false => message_of(&String::from_utf8_lossy(&body)),
    })
}

fn garbage(reason: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

/// The length of the next message; `None` at the end of the input.
fn header(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut length = None;
    for number in 0..HEADER_LINES {
        let mut line = Vec::new();
        input.take(HEADER_LINE).read_until(b'\n', &mut line)?;
        let line = match line.strip_suffix(b"\n") {
            None if line.is_empty() && number == 0 => return Ok(None),
            None => return Err(garbage("a line of a header does not end".into())),
            Some(line) => String::from_utf8_lossy(line).trim().to_owned(),
        };
        if line.is_empty() {
            return length.map(Some).ok_or_else(|| garbage("a header has no `Content-Length`".into()));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(garbage(format!("`{line}` is no line of a header")));
        };
        if name.trim().eq_ignore_ascii_case("Content-Length") {
            let number = value.trim().parse();
            length = Some(number.map_err(|_| garbage(format!("`{line}` gives no length")))?);
        }
    }
    Err(garbage(format!("a header has more than {HEADER_LINES} lines")))
}

fn message_of(text: &str) -> Incoming {
    let parsed = serde_json::from_str(text).ok();
    let parsed = parsed.or_else(|| serde_json::from_str(&without_lone_surrogates(text)?).ok());
    match parsed {
        Some(message) => Incoming::Message(message),
        None if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            Incoming::Refused(ErrorCode::InvalidRequest, "this JSON is no message of the protocol".into())
        }
        None => Incoming::Refused(ErrorCode::ParseError, "this message is no JSON".into()),
    }
}

/// `text` with U+FFFD, which counts as many columns, in place of every half of a surrogate pair that stands alone: texts
/// of editors may hold one, and no text of Rust can. `None` where there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let (mut whole, mut rest, mut changed) = (String::with_capacity(text.len()), text, false);
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (code_unit(rest), rest.get(6..).and_then(code_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str("\\ufffd");
                rest = &rest[6..];
                changed = true;
                continue;
            }
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    whole.push_str(rest);
    changed.then_some(whole)
}

/// That of an escape `\ud800` at the beginning of `text`.
fn code_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let mut input = bytes;
        let mut all = Vec::new();
        loop {
            match next(&mut input) {
                Ok(Incoming::Message(Message::Notification(note))) => all.push(note.params.to_string()),
                Ok(Incoming::Message(message)) => all.push(format!("{message:?}")),
                Ok(Incoming::Refused(code, _)) => all.push((code as i32).to_string()),
                Ok(Incoming::End) => return all,
                Err(error) => {
                    all.push(error.to_string());
                    return all;
                }
            }
        }
    }

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn note(params: &str) -> String {
        frame(&format!(r#"{{"method":"m","params":{params}}}"#))
    }

    #[test]
    fn what_is_no_message_is_refused_and_the_next_is_read() {
        let all = [frame("oops"), note("[1]"), frame("[]"), frame(""), note("[2]")].concat();
        assert_eq!(read(all.as_bytes()), ["-32700", "[1]", "-32600", "-32700", "[2]"]);
        assert_eq!(read(b"Content-Length: 2\r\n\r\n\xff\xff"), ["-32700"]);
    }

    #[test]
    fn half_a_pair_is_a_replacement_character() {
        let text = r#"["\ud800", "\ud83d\ude00", "\udc00\ud800", "\\ud800", "\u00e9"]"#;
        let expected = serde_json::json!(["\u{fffd}", "😀", "\u{fffd}\u{fffd}", "\\ud800", "é"]);
        assert_eq!(read(note(text).as_bytes()), [expected.to_string()]);
        assert_eq!(without_lone_surrogates(r"\ud83d\ude00 \\ud800 \"), None);
    }

    #[test]
    fn lengths_are_bounded() {
        let long = "Content-Length: 18446744073709551615\r\n\r\n";
        assert_eq!(read(long.as_bytes()), ["a header announces a message of 18446744073709551615 bytes"]);
        let far = "Content-Length: 1099511627776\r\n\r\n{}";
        assert_eq!(read(far.as_bytes()), ["a header announces a message of 1099511627776 bytes"]);
        let short = "Content-Length: 1000000000\r\n\r\n{}";
        assert_eq!(read(short.as_bytes()), ["a message of 1000000000 bytes ends after 2"]);
        let none = "Content-Length: 99999999999999999999\r\n\r\n";
        assert_eq!(read(none.as_bytes()), ["`Content-Length: 99999999999999999999` gives no length"]);
    }

    #[test]
    fn a_long_message_is_passed_over() {
        let mut all = format!("Content-Length: {}\r\n\r\n", LONGEST + 1).into_bytes();
        all.resize(all.len() + LONGEST as usize + 1, b' ');
        all.extend(note("[1]").bytes());
        assert_eq!(read(&all), ["-32600", "[1]"]);
    }

    #[test]
    fn a_header_without_end_is_garbage() {
        assert_eq!(read(&vec![b'a'; 10_000]), ["a line of a header does not end"]);
        assert_eq!(read(b"hello\n\n"), ["`hello` is no line of a header"]);
        assert_eq!(read("A: b\n".repeat(100).as_bytes()), ["a header has more than 64 lines"]);
        assert_eq!(read(b"A: b\r\n\r\n"), ["a header has no `Content-Length`"]);
        assert_eq!(read(b"content-length:2\n\n[]"), ["-32600"]);
    }
}
