//! What it was measured on.

use crate::settings::Settings;
use portico::base::clock::Clock;
use std::fs;
use std::process::Command;

/// Machine, kernel, versions, date and length, as Markdown.
pub(crate) fn describe(settings: &Settings) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let profile = std::env::current_exe().unwrap();
    let profile = profile.iter().rev().nth(2).map_or("?".into(), |part| part.to_string_lossy().into_owned());
    let versions = [("nginx", "-v"), ("haproxy", "-v"), ("wrk", "-v"), ("postgres", "-V")]
        .map(|(program, flag)| version(program, flag))
        .join(" · ");
    format!(
        "Portico {} (profile `{profile}`) · {versions}\n{cores} cores, {model}, Linux {}, {}; {} rounds of {} s.\n",
        env!("CARGO_PKG_VERSION"),
        kernel.trim(),
        Clock::System.now().date(),
        settings.rounds,
        settings.turn.as_secs(),
    )
}

/// A program's name and the first number that it tells about itself.
fn version(program: &str, flag: &str) -> String {
    let path = crate::stage::program(program);
    let Some(output) = path.and_then(|path| Command::new(path).arg(flag).output().ok()) else {
        return format!("{program}: not there");
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let number = said.split([' ', '/', '\n']).find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    format!("{program} {}", number.unwrap_or("?"))
}
