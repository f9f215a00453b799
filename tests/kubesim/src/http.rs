//! As much of HTTP/1.1 as the clients of a Kubernetes API use: requests in, responses and chunks out.

use std::io::{self, BufRead, Read, Write};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::record::Input;

/// The longest head of a request, and the longest body: far more than any client here sends.
const HEAD_CAP: usize = 1 << 20;
const BODY_CAP: usize = 32 << 20;

/// A request, with its path and query decoded.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The path's segments, each decoded by itself.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    /// How long the request line was as it came, in bytes, without its line end.
    pub line: usize,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What comes once the request has left HTTP.
    pub input: Input,
}

impl Request {
    /// The next request of a connection; `None` when the client has hung up.
    ///
    /// # Errors
    /// The connection broke, or this is no HTTP.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let head = read_head(reader)?;
        if head.is_empty() {
            return Ok(None);
        }
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end().len();
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        parsed.parse(&head).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let target = parsed.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: path.split('/').filter(|part| !part.is_empty()).map(decode).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            line,
            headers: parsed
                .headers
                .iter()
                .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
                .collect(),
            body: Vec::new(),
            input: Input::default(),
        };
        request.body = request.read_body(reader)?;
        Ok(Some(request))
    }

    fn read_body(&self, reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
                if body.len() + size > BODY_CAP {
                    return Err(io::Error::other("the body is too large"));
                }
                let start = body.len();
                body.resize(start + size, 0);
                reader.read_exact(&mut body[start..])?;
                reader.read_line(&mut line)?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        let length = self.header("content-length").and_then(|value| value.parse::<usize>().ok()).unwrap_or(0);
        if length > BODY_CAP {
            return Err(io::Error::other("the body is too large"));
        }
        reader.take(length as u64).read_to_end(&mut body)?;
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(body)
    }

    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// All headers of this name, and the comma-separated words of each.
    pub fn header_words<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(there, _)| there == name).flat_map(|(_, value)| value.split(',').map(str::trim))
    }

    /// The first query parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter is set and true in Go's sense.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.parameter(name), Some("true" | "1" | "t" | "T" | "TRUE" | "True"))
    }

    /// Take the path of the server itself, `/k8s/clusters/c-1`, off the request's; whether it was there.
    pub fn is_below(&mut self, server: &str) -> bool {
        let server: Vec<&str> = server.split('/').filter(|part| !part.is_empty()).collect();
        let found = self.path.starts_with(&server.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        if found {
            self.path.drain(..server.len());
        }
        found
    }

    /// Whether the client asks to leave HTTP for this protocol.
    pub fn upgrades_to(&self, protocol: &str) -> bool {
        self.header_words("upgrade").any(|word| word.eq_ignore_ascii_case(protocol))
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        reader.by_ref().take((HEAD_CAP - before) as u64).read_until(b'\n', &mut head)?;
        match &head[before..] {
            [] if before == 0 => return Ok(head),
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            b"\r\n" | b"\n" => return Ok(head),
            _ => {}
        }
    }
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(status: u16, value: &Value) -> Self {
        let mut body = value.to_string().into_bytes();
        body.push(b'\n');
        Self { status, headers: vec![("Content-Type", "application/json".to_owned())], body }
    }

    pub fn text(status: u16, text: &str) -> Self {
        let kind = "text/plain; charset=utf-8".to_owned();
        Self { status, headers: vec![("Content-Type", kind)], body: text.as_bytes().to_vec() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// What comes before a body of this length.
    pub fn head(&self, length: usize) -> Vec<u8> {
        head(self.status, &self.headers, &format!("Content-Length: {length}"))
    }
}

/// The first line and the headers of an answer, with one more header line.
pub fn head(status: u16, headers: &[(&'static str, String)], last: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", phrase(status));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("{last}\r\n\r\n"));
    text.into_bytes()
}

fn phrase(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// An answer whose length is not known beforehand: a watch, a log that is followed.
pub struct Chunks<'a> {
    writer: &'a mut dyn Write,
}

impl<'a> Chunks<'a> {
    /// What says that such an answer follows.
    pub fn head(content_type: &str) -> Vec<u8> {
        let headers = [("Content-Type", content_type.to_owned())];
        head(200, &headers, "Transfer-Encoding: chunked")
    }

    /// The answer itself.
    pub fn over(writer: &'a mut dyn Write) -> Self {
        Self { writer }
    }

    /// # Errors
    /// The client is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return self.is_read(); // an empty chunk would be the end
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.writer.write_all(&chunk)
    }

    /// Whether somebody would read what is sent.
    ///
    /// # Errors
    /// The connection was cut.
    pub fn is_read(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// # Errors
    /// The client is gone.
    pub fn end(self) -> io::Result<()> {
        self.writer.write_all(b"0\r\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let text = b"POST /api/v1/namespaces/a%2Fb/pods?command=echo&command=a+b%26&tty=true HTTP/1.1\r\nHost: x\r\n\
            Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\nContent-Length: 2\r\n\r\n{}GET";
        let mut reader = &text[..];
        let request = Request::read(&mut reader).unwrap().unwrap();
        assert_eq!(request.path, ["api", "v1", "namespaces", "a/b", "pods"]);
        assert_eq!(request.query[1], ("command".to_owned(), "a b&".to_owned()));
        assert!(request.flag("tty") && !request.flag("stdin"));
        let protocols: Vec<_> = request.header_words("sec-websocket-protocol").collect();
        assert_eq!(protocols, ["v5.channel.k8s.io", "v4.channel.k8s.io"]);
        assert_eq!(request.body, b"{}");
        assert_eq!(request.line, "POST /api/v1/namespaces/a%2Fb/pods?command=echo&command=a+b%26&tty=true HTTP/1.1".len());
        assert_eq!(reader, b"GET");
    }

    #[test]
    fn the_path_of_the_server_is_none_of_the_api_s() {
        let request = || Request::read(&mut &b"GET /k8s/clusters/c-1/api/v1 HTTP/1.1\r\n\r\n"[..]).unwrap().unwrap();
        for (server, below, path) in [
            ("", true, &["k8s", "clusters", "c-1", "api", "v1"][..]),
            ("/k8s/clusters/c-1", true, &["api", "v1"]),
            ("/k8s/clusters/c-12/", false, &["k8s", "clusters", "c-1", "api", "v1"]),
        ] {
            let mut request = request();
            assert_eq!(
                (request.is_below(server), &request.path[..]),
                (below, &path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn the_end_of_a_connection_is_no_request() {
        assert!(Request::read(&mut &b""[..]).unwrap().is_none());
        assert!(Request::read(&mut &b"GET / HT"[..]).is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let text = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let request = Request::read(&mut &text[..]).unwrap().unwrap();
        assert_eq!(request.body, b"abcde");
    }
}
