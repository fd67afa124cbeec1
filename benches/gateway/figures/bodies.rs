//! Figure 5: what idle connections take, and how large bodies pass.

use crate::figures::PATH;
use crate::load::http::{self, Connection};
use crate::settings::Settings;
use crate::stage::portico::Portico;
use crate::stage::process::Process;
use crate::stage::{Stage, peers};
use crate::table::{self, Series};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const IDLE: usize = 1000;
/// Bytes of a large body.
const LARGE: usize = 256 << 20;

/// A proxy, where it is, and what it wants to see.
type Proxy<'a> = (&'static str, &'a Process, &'a str, Vec<(&'a str, &'a str)>);

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 5. Connections and bodies\n\nCores as they are.\n");
    let (nginx, haproxy) = (peers::nginx(stage), peers::haproxy(stage));
    let portico = Portico::start(stage, &[]);
    let issued = portico.key("Shop", "first");
    let proxies: [Proxy<'_>; 3] = [
        ("nginx", &nginx.process, &nginx.address, vec![]),
        ("HAProxy", &haproxy.process, &haproxy.address, vec![]),
        ("Portico", &portico.process, &portico.gateway, vec![("api-key", issued.secret.expose())]),
    ];
    table::head(&["proxy", "1,000 connections opened, MB more", "after one call on each, MB more"]);
    let idle = proxies.each_ref().map(|proxy| {
        let grown = connections(proxy);
        table::row(&[proxy.0.to_owned(), format!("{:.1}", grown[0]), format!("{:.1}", grown[1])]);
        grown
    });
    println!();
    let [mut down, mut up]: [[Series; 3]; 2] = Default::default();
    let mut most = [0.0_f64; 3];
    for _ in 0..settings.rounds {
        for (place, proxy) in proxies.iter().enumerate() {
            let ((received, sent), grown) = watched(proxy.1, || (download(proxy), upload(proxy)));
            down[place].push(received);
            up[place].push(sent);
            most[place] = most[place].max(grown);
        }
    }
    table::head(&[
        "proxy",
        "256 MiB down, MB/s",
        "of nginx's",
        "256 MiB up, MB/s",
        "of nginx's",
        "most memory more, MB",
    ]);
    for (place, proxy) in proxies.iter().enumerate() {
        table::row(&[
            proxy.0.to_owned(),
            down[place].show(0),
            down[place].over(&down[0]).show(2),
            up[place].show(0),
            up[place].over(&up[0]).show(2),
            format!("{:.1}", most[place]),
        ]);
    }
    println!();
    let [opened, asked] = idle[2];
    table::aim("1,000 idle connections under 20 MB", &format!("{:.1} MB", opened.max(asked)), opened.max(asked) < 20.0);
    for (what, series) in [("down", &down), ("up", &up)] {
        let ratio = series[2].over(&series[0]);
        table::aim(&format!("256 MiB {what} at 0.80 of nginx's rate"), &ratio.show(2), ratio.median() >= 0.8);
    }
    table::aim("memory flat meanwhile", &format!("{:.1} MB more at most", most[2]), most[2] < 8.0);
}

/// Megabytes that connections take, when they were opened and when each was used once.
fn connections((_, process, address, headers): &Proxy<'_>) -> [f64; 2] {
    let before = process.memory();
    let mut open: Vec<Connection> = (0..IDLE).map(|_| Connection::open(address)).collect();
    // The proxy takes them in meanwhile.
    std::thread::sleep(Duration::from_millis(500));
    let opened = process.memory();
    for connection in &mut open {
        assert_eq!(connection.get(PATH, headers).status, 200);
    }
    let asked = process.memory();
    [opened, asked].map(|memory| (memory - before) / 1e6)
}

/// Does something, and tells by how many megabytes the process had grown at most.
fn watched<T>(process: &Process, work: impl FnOnce() -> T) -> (T, f64) {
    let (before, ended) = (process.memory(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let most = scope.spawn(|| {
            let mut most = before;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(process.memory());
                std::thread::sleep(Duration::from_millis(10));
            }
            most
        });
        let done = work();
        ended.store(true, Ordering::Relaxed);
        (done, (most.join().unwrap() - before) / 1e6)
    })
}

/// Megabytes a second.
fn download((_, _, address, headers): &Proxy<'_>) -> f64 {
    let mut connection = Connection::open(address);
    let started = Instant::now();
    connection.head("GET", &format!("/bench/v1/down/{LARGE}"), headers, 0).unwrap();
    let head = connection.read_head().unwrap();
    let mut received = 0;
    connection.read_body(&head, |piece| received += piece.len()).unwrap();
    assert_eq!((http::status(&head), received), (200, LARGE));
    rate(started)
}

/// Megabytes a second.
fn upload((_, _, address, headers): &Proxy<'_>) -> f64 {
    let mut connection = Connection::open(address);
    let piece = vec![b'u'; 256 << 10];
    let started = Instant::now();
    connection.head("POST", "/bench/v1/up", headers, LARGE).unwrap();
    for _ in 0..LARGE / piece.len() {
        connection.stream.get_ref().write_all(&piece).unwrap();
    }
    let head = connection.read_head().unwrap();
    let mut body = Vec::new();
    connection.read_body(&head, |piece| body.extend_from_slice(piece)).unwrap();
    assert!(http::status(&head) == 200 && String::from_utf8_lossy(&body).starts_with(&format!("{LARGE} ")), "{head}");
    rate(started)
}

fn rate(started: Instant) -> f64 {
    f64::from(u32::try_from(LARGE).unwrap()) / 1e6 / started.elapsed().as_secs_f64()
}
