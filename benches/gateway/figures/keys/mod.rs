//! Figure 4: whether it matters how many keys there are, what a remembered key takes, and what misses cost the database.

mod bulk;
mod misses;

use crate::figures::PATH;
use crate::load::wrk::{self, Credentials};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::portico::Portico;
use crate::table::{self, Series};
use std::path::PathBuf;

/// An instance with so many keys, and the file that lists them.
struct Keyed {
    count: usize,
    portico: Portico,
    file: PathBuf,
    /// Resident memory before any key was remembered, and when all were.
    memory: [f64; 2],
}

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 4. Many keys\n");
    let counts = [10, 10_000.min(settings.keys), settings.keys];
    let all = counts.map(|count| keyed(stage, count));
    let url = |keyed: &Keyed| format!("http://{}{PATH}", keyed.portico.gateway);
    let mut rate: [Series; 3] = Default::default();
    let mut cpu: [Series; 3] = Default::default();
    for _ in 0..settings.rounds {
        for (place, keyed) in all.iter().enumerate() {
            let credentials = Credentials::Any("api-key", &keyed.file, "");
            let process = &keyed.portico.process;
            let loaded = wrk::run(stage.dir(), process, &url(keyed), settings.turn, credentials).all_well();
            rate[place].push(loaded.rate());
            cpu[place].push(loaded.cpu);
        }
    }
    println!("Each call with another key, chosen at random; ten keys an application. Cores as they are.\n");
    table::head(&[
        "keys in the database",
        "requests/s, warm",
        "of those with 10",
        "CPU µs a request",
        "memory",
        "bytes a key",
    ]);
    for (place, keyed) in all.iter().enumerate() {
        let remembered = keyed.portico.metric("cached_api_keys");
        table::row(&[
            format!("{} ({remembered:.0} remembered)", keyed.count),
            rate[place].show(0),
            rate[place].over(&rate[0]).show(2),
            cpu[place].show(1),
            format!("{:.1} MB before, {:.1} MB warm", keyed.memory[0] / 1e6, keyed.memory[1] / 1e6),
            format!("{:.0}", (keyed.memory[1] - keyed.memory[0]) / remembered),
        ]);
    }
    println!();
    for place in [1, 2] {
        let ratio = rate[place].over(&rate[0]);
        let what = format!("throughput with {} keys within 5 % of that with 10", all[place].count);
        table::aim(&what, &ratio.show(2), (ratio.median() - 1.0).abs() <= 0.05);
    }
    let most = &all[2];
    let each = (most.memory[1] - most.memory[0]) / most.portico.metric("cached_api_keys");
    table::aim("memory of a remembered key under 200 bytes", &format!("{each:.0} bytes"), each < 200.0);
    misses::run(stage, settings, &all[1].portico);
}

/// Starts an instance, makes the keys, and has each called once.
fn keyed(stage: &Stage, count: usize) -> Keyed {
    // Every key has a place; the cache keeps some of it for what comes anew.
    let places = (count + count / 5).max(100_000).to_string();
    let portico = Portico::start(stage, &[("PORTICO_GATEWAY_CACHED_CREDENTIALS", &places)]);
    let file = stage.dir().join(format!("keys-{count}.txt"));
    bulk::insert(&portico, count, &file);
    let before = portico.process.memory();
    let failed = bulk::call_each(&portico.gateway, &file);
    assert_eq!(failed, 0, "calls with new keys failed");
    // What was counted for them is on its way to the database.
    std::thread::sleep(std::time::Duration::from_secs(5));
    let memory = [before, portico.process.memory()];
    Keyed { count, portico, file, memory }
}
