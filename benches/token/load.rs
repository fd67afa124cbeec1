//! The load: keep-alive connections that each ask for one token after the other. It never sleeps: waking it would be
//! charged to the server's core, where a caller on another machine costs nothing of the kind.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MEASURED: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;
const BODY: &str = "grant_type=client_credentials";

/// Asks for [`MEASURED`]; answers how many tokens came in how many seconds, and the median and the 99th percentile of the
/// microseconds that one took.
pub(super) fn run(address: &str, basic: &str) -> String {
    let head = format!("POST /oauth2/token HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {basic}\r\n");
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let request = format!("{head}{kind}content-length: {}\r\n\r\n{BODY}", BODY.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut micros, seconds) = runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(stream);
        }
        let (started, mut tasks) = (Instant::now(), JoinSet::new());
        for stream in connections {
            tasks.spawn(ask(stream, request.clone(), started + MEASURED));
        }
        let spin = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let micros: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
        spin.abort();
        (micros, started.elapsed().as_secs_f64())
    });
    micros.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| micros[micros.len() * percent / 100];
    format!("{} {seconds} {} {}", micros.len(), at(50), at(99))
}

async fn ask(mut stream: TcpStream, request: String, until: Instant) -> Vec<f64> {
    let (mut micros, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    while Instant::now() < until {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut read, mut wanted) = (0, None);
        while wanted.is_none_or(|wanted| read < wanted) {
            let more = stream.read(&mut buffer[read..]).await.unwrap();
            assert_ne!(more, 0, "the server closed a connection");
            read += more;
            wanted = wanted.or_else(|| length(&buffer[..read]));
        }
        micros.push(started.elapsed().as_secs_f64() * 1e6);
    }
    micros
}

/// How long an answer is, once its head is there.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    let body = text.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    Some(head + body.parse::<usize>().unwrap())
}
