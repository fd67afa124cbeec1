//! Mixed load for ten minutes: every answer is checked, and memory, files and what is in flight are watched.

mod callers;
mod rough;
mod world;

use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::origin::Origin;
use crate::table;
use std::time::{Duration, Instant};
use world::World;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// Megabytes by which memory may be larger in the last fifth of the time than in the second.
const FLAT: f64 = 8.0;
/// What one caller does for as long as the soak takes.
type Work = fn(&World);

/// Who calls, and how many of them.
const CALLERS: [(&str, usize, Work); 11] = [
    ("calls with keys", 4, callers::keys),
    ("calls with tokens", 3, callers::tokens),
    ("refusals", 2, callers::refusals),
    ("key rotations", 1, callers::rotations),
    ("token revocations", 1, callers::revocations),
    ("uploads", 2, rough::uploads),
    ("slow readers", 2, rough::slow_readers),
    ("callers who leave", 2, rough::leavers),
    ("backends that break off", 1, rough::breaks),
    ("calls of a backend that restarts", 2, rough::restarted),
    ("slow answers", 2, rough::drips),
];

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!(
        "### Soak\n\n{} s of mixed load from {} callers.\n",
        settings.soak.as_secs(),
        CALLERS.map(|c| c.1).iter().sum::<usize>()
    );
    let mut fragile = Origin::start();
    let world = World::make(stage, &fragile, Instant::now() + settings.soak);
    let process = &world.portico.process;
    let files = process.files();
    let (started, mut samples, mut next) = (Instant::now(), Vec::new(), Duration::from_mins(1));
    std::thread::scope(|scope| {
        for (name, count, work) in CALLERS {
            let world = &world;
            (0..count).for_each(|_| {
                std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, move || work(world)).unwrap();
            });
        }
        let mut restarts = Instant::now();
        while world.goes_on() {
            std::thread::sleep(EVERY);
            samples.push((started.elapsed().as_secs_f64(), process.memory() / 1e6));
            if restarts.elapsed() > Duration::from_secs(5) {
                let address = fragile.address.clone();
                drop(fragile);
                std::thread::sleep(Duration::from_millis(300));
                fragile = Origin::start_at(&address);
                restarts = Instant::now();
            }
            if started.elapsed() > next {
                println!("- {} s: {:.1} MB, {} checked", next.as_secs(), process.memory() / 1e6, world.total());
                next += Duration::from_mins(1);
            }
        }
    });
    // Answers to callers that went away are given up by now.
    std::thread::sleep(Duration::from_secs(3));
    let in_flight = world.portico.metric("in_flight");

    table::head(&["what", "done"]);
    for (name, ..) in CALLERS {
        table::row(&[name.to_owned(), world.count(name).to_string()]);
    }
    println!();
    let wrong = world.wrong();
    wrong.iter().take(20).for_each(|wrong| println!("  - {wrong}"));
    table::aim("no wrong answer", &format!("{} of {}", wrong.len(), world.total()), wrong.is_empty());
    let fifth = samples.len() / 5;
    let (early, late) = (median(&samples[fifth..2 * fifth]), median(&samples[4 * fifth..]));
    let measured = format!("{early:.1} MB, then {late:.1} MB; {:+.2} MB a minute", slope(&samples[fifth..]) * 60.0);
    table::aim("flat memory", &measured, late - early < FLAT);
    let open = process.files();
    table::aim("no file left open", &format!("{files} before, {open} after"), open <= files + 200);
    table::aim("nothing in flight afterwards", &format!("{in_flight:.0}"), in_flight < 0.5);
    let soft = wrong.is_empty() && late - early < FLAT && in_flight < 0.5;
    assert!(soft, "the soak has failed");
}

fn median(samples: &[(f64, f64)]) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(|(_, memory)| *memory).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Megabytes a second, by least squares.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(samples.len()).unwrap());
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let above: f64 = samples.iter().map(|(at, memory)| (at - x) * (memory - y)).sum();
    let below: f64 = samples.iter().map(|(at, _)| (at - x).powi(2)).sum();
    above / below
}
