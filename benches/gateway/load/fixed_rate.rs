//! The open loop: so many requests a second, whatever the answers do. Each time counts from the moment at which the
//! request should have been sent, so that a stall is not hidden by the requests that it kept from being sent.

use nix::sys::prctl::set_timerslack;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const CONNECTIONS: u32 = 16;

/// How long answers took, in microseconds.
pub(crate) struct Latencies {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Answers a second.
    pub(crate) rate: f64,
}

/// Sends `request` `rate` times a second for as long as a turn is.
pub(crate) fn run(address: &str, request: &str, rate: u32, turn: Duration) -> Latencies {
    let gap = Duration::from_secs(1) / rate;
    let barrier = Barrier::new(usize::try_from(CONNECTIONS).unwrap());
    let started = Instant::now() + Duration::from_millis(50);
    let mut micros: Vec<f64> = std::thread::scope(|scope| {
        let connection = |number: u32| {
            let barrier = &barrier;
            scope.spawn(move || {
                // A thread's sleep may by default be 50 µs too long.
                set_timerslack(1).unwrap();
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                exchange(&mut stream, request);
                barrier.wait();
                let (mut micros, mut due) = (Vec::new(), started + gap * number);
                // A proxy that cannot keep up has lost by then.
                while due < started + turn && started.elapsed() < turn * 3 {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    exchange(&mut stream, request);
                    micros.push(due.elapsed().as_secs_f64() * 1e6);
                    due += gap * CONNECTIONS;
                }
                micros
            })
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(connection).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    micros.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| micros[micros.len() * percent / 100];
    let count = u32::try_from(micros.len()).unwrap();
    Latencies { p50: at(50), p99: at(99), rate: f64::from(count) / seconds }
}

fn exchange(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).unwrap();
    let (mut buffer, mut read) = ([0; 8192], 0);
    loop {
        let more = stream.read(&mut buffer[read..]).unwrap();
        assert_ne!(more, 0, "the connection was closed");
        read += more;
        let Some(head) = buffer[..read].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        assert!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer[..read]));
        // The backend's answer has 1 KiB.
        if read >= head + 4 + 1024 {
            return;
        }
    }
}
