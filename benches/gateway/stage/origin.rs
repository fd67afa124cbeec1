//! The backend: HTTP/1.1 with keep-alive on the core of the load. The last part of a path says what it answers:
//!
//! | path | answer |
//! |---|---|
//! | `…/down/N` | N bytes |
//! | `…/up` | how many bytes came, and their sum |
//! | `…/who` | which application, subscription and request id the gateway named |
//! | `…/break` | the beginning of an answer, then the connection is closed |
//! | `…/drip` | a few bytes now and then |
//! | anything else | 1 KiB |

use crate::stage::eventually;
use crate::stage::process::{self, Process};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream as Probe;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// Bytes in a piece of a large answer.
const PIECE: usize = 64 * 1024;
/// Backends that a proxy would keep.
const ADDRESS: &str = "PORTICO_BENCH_ORIGIN_ADDRESS";

/// A running backend.
pub(crate) struct Origin {
    /// `host:port`.
    pub(crate) address: String,
    _process: Process,
}

impl Origin {
    /// Starts one on any port.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// Starts one at an address, when that is free.
    pub(crate) fn start_at(address: &str) -> Self {
        let mut command = process::pinned(crate::LOAD_CORE, &std::env::current_exe().unwrap());
        let mut process = Process::start(command.arg("origin").env(ADDRESS, address).stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(process.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().to_owned();
        eventually("the backend", || Probe::connect(&address).ok());
        Self { address, _process: process }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Serves until it is killed.
pub(crate) fn run() {
    let address = std::env::var_os(ADDRESS).unwrap().into_string().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = stream.set_nodelay(true);
            // A connection that ends early is the other side's business.
            tokio::spawn(async { _ = serve(BufStream::with_capacity(16 * 1024, PIECE, stream)).await });
        }
    });
}

async fn serve(mut stream: BufStream<TcpStream>) -> std::io::Result<()> {
    let small =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1024\r\n\r\n{}", "x".repeat(1024));
    let mut head = Vec::with_capacity(4096);
    while read_head(&mut stream, &mut head).await? {
        let text = std::str::from_utf8(&head).unwrap_or_default();
        let path = text.split(' ').nth(1).unwrap_or_default();
        if let Some((_, count)) = path.rsplit_once("/down/") {
            down(&mut stream, count.parse().unwrap_or(0)).await?;
        } else if path.ends_with("/up") {
            let (count, sum) = up(&mut stream, text).await?;
            answer(&mut stream, &format!("{count} {sum}")).await?;
        } else if path.ends_with("/who") {
            let names = ["x-portico-application", "x-portico-subscription", "x-request-id"];
            answer(&mut stream, &names.map(|name| header(text, name).unwrap_or("-")).join(" ")).await?;
        } else if path.ends_with("/break") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhello").await?;
            return stream.flush().await;
        } else if path.ends_with("/drip") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await?;
            for _ in 0..10 {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } else {
            stream.write_all(small.as_bytes()).await?;
        }
        stream.flush().await?;
    }
    Ok(())
}

/// Reads up to and with the empty line; false: the other side has closed.
async fn read_head(stream: &mut BufStream<TcpStream>, head: &mut Vec<u8>) -> std::io::Result<bool> {
    use tokio::io::AsyncBufReadExt as _;
    head.clear();
    loop {
        let before = head.len();
        if stream.read_until(b'\n', head).await? == 0 {
            return Ok(false);
        }
        if head.len() - before <= 2 {
            return Ok(true);
        }
    }
}

/// A header by its name in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find_map(value).map(|(_, value)| value.trim())
}

async fn answer(stream: &mut BufStream<TcpStream>, body: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

async fn down(stream: &mut BufStream<TcpStream>, mut left: usize) -> std::io::Result<()> {
    let piece = vec![b'd'; PIECE];
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {left}\r\n\r\n").as_bytes()).await?;
    while left > 0 {
        let now = left.min(PIECE);
        stream.write_all(&piece[..now]).await?;
        left -= now;
    }
    Ok(())
}

/// Reads a body, in whichever framing.
async fn up(stream: &mut BufStream<TcpStream>, head: &str) -> std::io::Result<(usize, u64)> {
    let broken = || std::io::Error::other("the body is framed in no way known here");
    let (mut count, mut sum, mut piece) = (0, 0, vec![0; PIECE]);
    if let Some(length) = header(head, "content-length") {
        take(stream, length.parse().map_err(std::io::Error::other)?, &mut piece, (&mut count, &mut sum)).await?;
        return Ok((count, sum));
    }
    let mut line = Vec::new();
    loop {
        read_line(stream, &mut line).await?;
        let size = std::str::from_utf8(&line).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size = size.ok_or_else(broken)?;
        take(stream, size, &mut piece, (&mut count, &mut sum)).await?;
        read_line(stream, &mut line).await?;
        if size == 0 {
            return Ok((count, sum));
        }
    }
}

async fn read_line(stream: &mut BufStream<TcpStream>, line: &mut Vec<u8>) -> std::io::Result<()> {
    use tokio::io::AsyncBufReadExt as _;
    line.clear();
    stream.read_until(b'\n', line).await.map(drop)
}

async fn take(
    stream: &mut BufStream<TcpStream>,
    mut left: usize,
    piece: &mut [u8],
    (count, sum): (&mut usize, &mut u64),
) -> std::io::Result<()> {
    while left > 0 {
        let most = left.min(piece.len());
        let read = stream.read(&mut piece[..most]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        *sum += piece[..read].iter().map(|byte| u64::from(*byte)).sum::<u64>();
        *count += read;
        left -= read;
    }
    Ok(())
}
