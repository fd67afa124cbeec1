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

/// Keys that an instance remembers which is to remember hardly any.
const FEW: usize = 1000;

impl Keyed {
    /// Bytes that it has taken since it started to answer.
    fn grown(&self) -> f64 {
        self.memory[1] - self.memory[0]
    }
}

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 4. Many keys\n");
    let counts = [10, 10_000.min(settings.keys), settings.keys];
    // Every key has a place; the cache keeps some of it for what comes anew.
    let all = counts.map(|count| keyed(stage, count, (count + count / 5).max(100_000)));
    let forgetful = keyed(stage, settings.keys, FEW);
    let (forgotten, forgetful_keys) = (forgetful.grown(), forgetful.portico.metric("cached_api_keys"));
    drop(forgetful);
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
    table::head(&["keys in the database", "requests/s, warm", "of those with 10", "CPU µs a request", "memory"]);
    for (place, keyed) in all.iter().enumerate() {
        let remembered = keyed.portico.metric("cached_api_keys");
        table::row(&[
            format!("{} ({remembered:.0} remembered)", keyed.count),
            rate[place].show(0),
            rate[place].over(&rate[0]).show(2),
            cpu[place].show(1),
            format!("{:.1} MB before, {:.1} MB warm", keyed.memory[0] / 1e6, keyed.memory[1] / 1e6),
        ]);
    }
    println!();
    for place in [1, 2] {
        let ratio = rate[place].over(&rate[0]);
        let what = format!("throughput with {} keys within 5 % of that with 10", all[place].count);
        table::aim(&what, &ratio.show(2), (ratio.median() - 1.0).abs() <= 0.05);
    }
    let most = &all[2];
    // What the calls cost beside the memory of keys, such as tallies on their way, both instances have paid.
    let each = (most.grown() - forgotten) / (most.portico.metric("cached_api_keys") - forgetful_keys);
    let measured = format!(
        "{each:.0} bytes: {:.1} MB more with all remembered, {:.1} MB more with {FEW}",
        most.grown() / 1e6,
        forgotten / 1e6
    );
    table::aim("memory of a remembered key under 200 bytes", &measured, each < 200.0);
    misses::run(stage, settings, &all[1].portico);
}

/// Starts an instance that remembers so many, makes the keys, and has each called once.
fn keyed(stage: &Stage, count: usize, places: usize) -> Keyed {
    let portico = Portico::start(stage, &[("PORTICO_GATEWAY_CACHED_CREDENTIALS", &places.to_string())]);
    let file = stage.dir().join(format!("keys-{count}-{places}.txt"));
    bulk::insert(&portico, count, &file);
    let before = portico.process.memory();
    let failed = bulk::call_each(&portico.gateway, &file);
    assert_eq!(failed, 0, "calls with new keys failed");
    // What was counted for them is on its way to the database.
    std::thread::sleep(std::time::Duration::from_secs(5));
    let memory = [before, portico.process.memory()];
    Keyed { count, portico, file, memory }
}
