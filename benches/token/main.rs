//! How many `client_credentials` tokens a second one core gives, beside the bare signatures of the same library.
//!
//! `cargo bench --bench token` runs `portico serve` once for each algorithm on the first core, and a load generator on the
//! second. The rounds of both algorithms and of the bare signatures take turns, so that whatever else the machine does
//! meets all of them. benches/README.md says what the figures mean.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot run has nothing to save"
)]

mod load;
mod server;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use server::Server;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where the server runs, and the bare signatures while it idles.
const SERVER_CORE: &str = "0";
/// Where the load comes from.
const LOAD_CORE: &str = "1";
const ROUNDS: usize = 7;
const SIGNING: Duration = Duration::from_secs(1);
const ALGORITHMS: [&str; 2] = ["ES256", "RS256"];

/// What one round has measured.
#[derive(Clone, Copy)]
struct Round {
    /// Bare signatures a second.
    bare: f64,
    /// Microseconds of CPU for one.
    bare_cpu: f64,
    /// Tokens a second.
    tokens: f64,
    /// Microseconds of CPU of the server for a token.
    cpu: f64,
    /// Microseconds until half of the answers were there.
    p50: f64,
    /// Microseconds until all but one in a hundred were.
    p99: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "sign", algorithm] => println!("{}", sign(algorithm)),
        [_, "load", address, basic] => println!("{}", load::run(address, basic)),
        _ => measure(),
    }
}

fn measure() {
    let database = server::Database::start();
    let servers = ALGORITHMS.map(|algorithm| Server::start(&database, algorithm, SERVER_CORE));
    for server in &servers {
        round(server, database.basic()); // warms caches and branch predictors; not counted
    }
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (server, rounds) in servers.iter().zip(&mut rounds) {
            rounds.push(round(server, database.basic()));
        }
    }
    println!("medians of {ROUNDS} rounds (least to most)\n");
    println!("| | bare signatures/s | CPU µs each | tokens/s | of the bare rate | CPU µs each | p50 µs | p99 µs |");
    println!("|---|---|---|---|---|---|---|---|");
    for (algorithm, rounds) in ALGORITHMS.iter().zip(&rounds) {
        let of = |what: fn(&Round) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(what).collect();
            values.sort_unstable_by(f64::total_cmp);
            (values[0], values[ROUNDS / 2], values[ROUNDS - 1])
        };
        let whole = |(least, median, most)| format!("{median:.0} ({least:.0} to {most:.0})");
        let (least, ratio, most) = of(|round| 100.0 * round.tokens / round.bare);
        println!(
            "| {algorithm} | {} | {} | {} | {ratio:.1} % ({least:.1} to {most:.1}) | {} | {} | {} |",
            whole(of(|round| round.bare)),
            whole(of(|round| round.bare_cpu)),
            whole(of(|round| round.tokens)),
            whole(of(|round| round.cpu)),
            whole(of(|round| round.p50)),
            whole(of(|round| round.p99)),
        );
    }
}

fn round(server: &Server, basic: &str) -> Round {
    let [bare, bare_cpu] = myself(SERVER_CORE, &["sign", server.algorithm]).try_into().unwrap();
    let before = server.cpu();
    let [count, seconds, p50, p99] = myself(LOAD_CORE, &["load", &server.address, basic]).try_into().unwrap();
    let cpu = server.cpu().saturating_sub(before).as_secs_f64() * 1e6 / count;
    Round { bare, bare_cpu, tokens: count / seconds, cpu, p50, p99 }
}

/// Runs this program on one core and reads the numbers that it prints.
fn myself(core: &str, arguments: &[&str]) -> Vec<f64> {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(std::env::current_exe().unwrap()).args(arguments);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Signatures a second and microseconds of CPU for one, over as many bytes as a token has in front of its signature.
fn sign(algorithm: &str) -> String {
    let (random, message) = (SystemRandom::new(), [0x61; 420]);
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut signature = vec![0; rsa.public_modulus_len()];
    let (before, started, mut count) = (server::cpu("self"), Instant::now(), 0_u32);
    while started.elapsed() < SIGNING {
        match algorithm {
            "ES256" => _ = black_box(ec.sign(&random, black_box(&message)).unwrap()),
            _ => rsa.sign(&RSA_PKCS1_SHA256, &random, black_box(&message), &mut signature).unwrap(),
        }
        count += 1;
    }
    let (count, seconds) = (f64::from(count), started.elapsed().as_secs_f64());
    let cpu = server::cpu("self").saturating_sub(before);
    format!("{} {}", count / seconds, cpu.as_secs_f64() * 1e6 / count)
}
