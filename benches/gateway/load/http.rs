//! A plain HTTP/1.1 client over one kept-alive connection.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing that is waited for may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Connection {
    pub(crate) stream: BufReader<TcpStream>,
    host: String,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

impl Connection {
    pub(crate) fn open(host: &str) -> Self {
        Self::try_open(host).unwrap()
    }

    pub(crate) fn try_open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), host: host.to_owned() })
    }

    pub(crate) fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, b"")
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// Asks, and reads the answer.
    pub(crate) fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        self.head(method, path, headers, body.len())?;
        self.stream.get_ref().write_all(body)?;
        let head = self.read_head()?;
        let mut body = Vec::new();
        self.read_body(&head, |piece| body.extend_from_slice(piece))?;
        Ok(Answer { status: status(&head), head, body })
    }

    /// Sends a request's head.
    pub(crate) fn head(&mut self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if length > 0 || method == "POST" {
            let _ = write!(head, "content-length: {length}\r\n");
        }
        head.push_str("\r\n");
        self.stream.get_ref().write_all(head.as_bytes())
    }

    pub(crate) fn read_head(&mut self) -> Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    /// Hands on the body that belongs to a head, piece by piece.
    pub(crate) fn read_body(&mut self, head: &str, mut take: impl FnMut(&[u8])) -> Result<()> {
        if let Some(length) = header(head, "content-length") {
            return self.take(length.parse().map_err(Error::other)?, &mut take);
        }
        if header(head, "transfer-encoding").is_none() {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(Error::other)?;
            self.take(size, &mut take)?;
            self.stream.read_line(&mut line)?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, mut left: usize, take: &mut impl FnMut(&[u8])) -> Result<()> {
        let mut piece = vec![0; left.min(64 * 1024)];
        while left > 0 {
            let most = left.min(piece.len());
            let read = self.stream.read(&mut piece[..most])?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            take(&piece[..read]);
            left -= read;
        }
        Ok(())
    }
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find_map(value).map(|(_, value)| value.trim())
}
