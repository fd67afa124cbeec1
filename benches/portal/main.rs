//! How long the portal takes for each list and page, with 10,000 APIs and 100,000 applications in the database.
//!
//! `cargo bench --bench portal` fills a private Postgres (`generate.sql`), runs `portico serve` over it as it is configured
//! by default, and asks for each page again and again over one connection, each time about something else. What it tells
//! is the time from the first byte of a request to the last of its answer; benches/README.md says what the figures mean.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a measurement that cannot run has nothing to save"
)]

mod browser;
mod pages;
mod stage;

use browser::Browser;
use stage::Stage;
use std::time::Instant;

/// A page, and who asks for it.
struct Page {
    /// What it is called in the table; its route.
    name: &'static str,
    viewer: Viewer,
    /// Its address the `n`th time.
    path: fn(&Stage, usize) -> String,
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Viewer {
    /// Nobody in particular.
    Visitor,
    /// Somebody with a thousand applications.
    Member,
    /// An administrator.
    Admin,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let started = Instant::now();
    let stage = Stage::start().await;
    println!(
        "filled in {:.0} s: {} APIs, {} applications\n",
        started.elapsed().as_secs_f64(),
        stage.apis,
        stage.applications
    );
    println!("| page | viewer | p50 ms | p99 ms | longest ms | KB |");
    println!("|---|---|---|---|---|---|");
    for page in pages::ALL {
        if wanted.is_empty() || wanted.iter().any(|part| page.name.contains(part.as_str())) {
            println!("{}", measure(&stage, page).await);
        }
    }
}

/// A line of the table.
async fn measure(stage: &Stage, page: &Page) -> String {
    let mut browser = Browser::open(&stage.address, stage.cookie(page.viewer)).await;
    let (mut times, mut bytes) = (Vec::new(), 0);
    // The first ones fill caches of statements and plans; they are not counted.
    for number in 0..stage.requests + 20 {
        let path = (page.path)(stage, number);
        let started = Instant::now();
        let answer = browser.get(&path).await;
        let time = started.elapsed().as_secs_f64() * 1000.0;
        if answer.status != 200 {
            return format!("| {} | {:?} | answers {} | | | |", page.name, page.viewer, answer.status);
        }
        if number >= 20 {
            times.push(time);
            bytes += answer.bytes;
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let kilobytes = bytes / times.len() / 1024;
    format!("| {} | {:?} | {:.1} | {:.1} | {:.1} | {kilobytes} |", page.name, page.viewer, at(50), at(99), at(100))
}
