//! What the gateway costs beside its peers, in six figures, and a soak under mixed load.
//!
//! `cargo bench --profile dist --bench gateway` measures everything; `-- 1 4` only those figures, `-- soak` only the
//! soak. Proxies run on the first core; load, backend and Postgres on the second. benches/README.md says what it needs,
//! how long it takes and what the figures mean.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a measurement that cannot run has nothing to save"
)]

mod figures;
mod load;
mod machine;
mod settings;
mod soak;
mod stage;
mod table;

use settings::Settings;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

/// Where the proxies run.
const PROXY_CORE: &str = "0";
/// Where everything else runs: load, backend, Postgres and this program.
const LOAD_CORE: &str = "1";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // Parts of the bench that run in a process of their own.
        ["pinned", wanted @ ..] => return measure(wanted),
        ["origin"] => stage::origin::run(),
        ["spin"] => stage::busy::spin(),
        ["verify", jwk, tokens] => println!("{}", load::verify::run(jwk, tokens)),
        wanted => return pinned(wanted),
    }
    ExitCode::SUCCESS
}

/// Runs this program again on the core of the load, with as many open files as it may have.
fn pinned(wanted: &[&str]) -> ExitCode {
    let missing = stage::missing_programs();
    if !missing.is_empty() {
        println!("Install these first (Debian packages of the same names, or util-linux): {}", missing.join(" "));
        return ExitCode::FAILURE;
    }
    let script = r#"ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@""#;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "sh", "-c", script, LOAD_CORE]);
    command.arg(std::env::current_exe().unwrap()).arg("pinned").args(wanted);
    if command.status().unwrap().success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(wanted: &[&str]) -> ExitCode {
    let settings = Settings::read();
    let wanted = if wanted.is_empty() { &["1", "2", "3", "4", "5", "6"][..] } else { wanted };
    println!("{}", machine::describe(&settings));
    let stage = stage::Stage::set();
    let mut outcome = ExitCode::SUCCESS;
    for figure in wanted {
        let run: fn(&stage::Stage, &Settings) = match *figure {
            "1" => figures::api_key::run,
            "2" => figures::bearer::run,
            "3" => figures::latency::run,
            "4" => figures::keys::run,
            "5" => figures::bodies::run,
            "6" => figures::changes::run,
            "soak" => soak::run,
            other => panic!("{other}: say 1, 2, 3, 4, 5, 6 or soak"),
        };
        let started = std::time::Instant::now();
        // One that cannot be measured does not take the others with it.
        if catch_unwind(AssertUnwindSafe(|| run(&stage, &settings))).is_err() {
            println!("\n**Figure {figure} could not be measured.**");
            outcome = ExitCode::FAILURE;
        }
        println!("({:.0} s)\n", started.elapsed().as_secs_f64());
    }
    outcome
}
