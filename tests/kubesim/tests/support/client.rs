//! A client that says exactly what a test tells it to, byte for byte, and hides nothing of the answer.

#![allow(dead_code)] // every test binary uses its own part

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use kubesim::{Cluster, PATIENCE};
use serde_json::Value;

/// One connection.
pub struct Client {
    pub stream: BufReader<TcpStream>,
}

/// An answer, as far as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How the body ended before it was complete.
    pub broken: Option<ErrorKind>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(there, _)| there.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// What a `v1.Status` says.
    #[track_caller]
    pub fn refusal(&self) -> (u64, String, String) {
        let status = self.json();
        assert_eq!((&status["kind"], &status["status"]), (&Value::from("Status"), &Value::from("Failure")), "{status}");
        assert_eq!(status["code"], self.status, "{status}");
        let text = |name: &str| status[name].as_str().unwrap().to_owned();
        (status["code"].as_u64().unwrap(), text("reason"), text("message"))
    }
}

impl Client {
    pub fn of(cluster: &Cluster) -> Self {
        let address: SocketAddr = cluster.url().strip_prefix("http://").unwrap().parse().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> &mut Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: kubesim\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.stream.get_mut().write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        self
    }

    /// Ask for JSON, with a body of JSON unless it is empty.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, &[("Accept", "application/json"), ("Content-Type", "application/json")], body).answer()
    }

    /// Read a whole answer.
    ///
    /// # Errors
    /// How the connection ended before the answer's head did.
    pub fn try_answer(&mut self) -> Result<Answer, ErrorKind> {
        let mut answer = self.head()?;
        let complete = match answer.header("content-length").parse() {
            Ok(length) => self.read_more(&mut answer.body, length),
            Err(_) if answer.header("transfer-encoding") == "chunked" => self.read_chunks(&mut answer.body),
            Err(_) => Ok(()),
        };
        answer.broken = complete.err();
        Ok(answer)
    }

    /// Read the beginning of an answer: its head, and this many bytes of what follows.
    #[track_caller]
    pub fn beginning(&mut self, bytes: usize) -> Answer {
        let mut answer = self.head().unwrap();
        self.read_more(&mut answer.body, bytes).unwrap();
        answer
    }

    fn head(&mut self) -> Result<Answer, ErrorKind> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match self.stream.read_line(&mut line) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof),
                Ok(_) if line == "\r\n" => break,
                Ok(_) => lines.push(line),
                Err(error) => return Err(error.kind()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines[1..].iter().filter_map(|line| line.trim().split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Answer { status, headers, body: Vec::new(), broken: None })
    }

    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.try_answer().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> Result<(), ErrorKind> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).map_err(|error| error.kind())?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| ErrorKind::UnexpectedEof)?;
            self.read_more(body, size)?;
            self.stream.read_line(&mut String::new()).map_err(|error| error.kind())?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// The next event of a watch whose head was read; `None` at its end.
    #[track_caller]
    pub fn event(&mut self) -> Option<Value> {
        let mut size = String::new();
        self.stream.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = Vec::new();
        self.read_more(&mut chunk, size + 2).unwrap();
        (size > 0).then(|| serde_json::from_slice(&chunk[..size]).unwrap())
    }

    fn read_more(&mut self, body: &mut Vec<u8>, length: usize) -> Result<(), ErrorKind> {
        let wanted = body.len() + length;
        match self.stream.by_ref().take(length as u64).read_to_end(body) {
            Ok(_) if body.len() == wanted => Ok(()),
            Ok(_) => Err(ErrorKind::UnexpectedEof),
            Err(error) => Err(error.kind()),
        }
    }

    /// How the connection ends, when nothing more comes on it.
    pub fn end(&mut self) -> Option<ErrorKind> {
        let mut rest = Vec::new();
        let ended = self.stream.read_to_end(&mut rest).err().map(|error| error.kind());
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        ended
    }

    /// Whether nothing comes for a while; the connection stays.
    pub fn is_silent_for(&mut self, time: std::time::Duration) -> bool {
        self.stream.get_ref().set_read_timeout(Some(time)).unwrap();
        let looked = self.stream.fill_buf().map(<[u8]>::len).map_err(|error| error.kind());
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        matches!(looked, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}
