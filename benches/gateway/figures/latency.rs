//! Figure 3: what a proxy adds to the time of a call, at a moderate fixed rate.

use crate::figures::PATH;
use crate::load::fixed_rate;
use crate::settings::Settings;
use crate::stage::busy::Cores;
use crate::stage::portico::Portico;
use crate::stage::{Stage, peers};
use crate::table::{self, Series};

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 3. Added latency\n");
    println!("{} requests/s over 16 connections, from the moment at which each should be sent.\n", settings.rate);
    let (nginx, haproxy) = (peers::nginx(stage), peers::haproxy(stage));
    let portico = Portico::start(stage, &[]);
    let issued = portico.key("Shop", "first");
    let key = format!("api-key: {}\r\n", issued.secret.expose());
    let ways = [
        ("direct", &stage.origin.address, ""),
        ("nginx, no checks", &nginx.address, ""),
        ("HAProxy, no checks", &haproxy.address, ""),
        ("Portico, API key", &portico.gateway, &key),
    ];
    table::head(&["cores", "way", "p50 µs", "p99 µs", "p50 added", "p99 added", "answers/s"]);
    let mut verdicts = Vec::new();
    for cores in Cores::ALL {
        let _held = cores.hold();
        let (mut p50, mut p99, mut rate): ([Series; 4], [Series; 4], [Series; 4]) = Default::default();
        for _ in 0..settings.rounds {
            for (place, (_, address, key)) in ways.iter().enumerate() {
                let request = format!("GET {PATH} HTTP/1.1\r\nhost: {address}\r\n{key}\r\n");
                let latencies = fixed_rate::run(address, &request, settings.rate, settings.turn);
                p50[place].push(latencies.p50);
                p99[place].push(latencies.p99);
                rate[place].push(latencies.rate);
            }
        }
        let added = |all: &[Series; 4], place: usize| all[place].median() - all[0].median();
        for (place, (name, ..)) in ways.iter().enumerate() {
            table::row(&[
                cores.name().to_owned(),
                (*name).to_owned(),
                p50[place].show(0),
                p99[place].show(0),
                format!("{:.0}", added(&p50, place)),
                format!("{:.0}", added(&p99, place)),
                format!("{:.0}", rate[place].median()),
            ]);
        }
        let of = |all: &[Series; 4]| [1, 2, 3].map(|place| added(all, place));
        verdicts.push((cores.name(), [("p50", of(&p50)), ("p99", of(&p99))]));
    }
    println!();
    for (cores, percentiles) in verdicts {
        for (name, [nginx, haproxy, ours]) in percentiles {
            let what = format!("{name} not above nginx's and HAProxy's ({cores})");
            let measured = format!("{ours:.0} µs against {nginx:.0} and {haproxy:.0}");
            table::aim(&what, &measured, ours <= nginx.min(haproxy));
        }
    }
}
