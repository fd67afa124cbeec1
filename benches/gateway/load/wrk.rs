//! The closed loop: wrk, as Debian has it, with 64 connections that each ask again once they are answered.

use crate::stage::process::Process;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const CONNECTIONS: usize = 64;

/// Asks with a header that is always the same, or with another one each time, and tells what came of it in one line.
const SCRIPT: &str = r#"
local head, tail, values, order, at = "", "", {}, "same", 0
function init(args)
  order = args[1]
  if order ~= "same" then
    math.randomseed(tonumber(args[4]))
    local skip = tonumber(args[4])
    for line in io.lines(args[3]) do
      if order ~= "once" or skip <= 0 then values[#values + 1] = line end
      skip = skip - 1
    end
    local whole = wrk.format("GET", nil, {[args[2]] = "@VALUE@"})
    local from, to = whole:find("@VALUE@", 1, true)
    head, tail = whole:sub(1, from - 1) .. (args[5] or ""), whole:sub(to + 1)
  elseif args[2] then
    wrk.headers[args[2]] = args[3]
  end
  if order ~= "same" then
    request = function()
      if order == "once" then at = at % #values + 1 else at = math.random(#values) end
      return head .. values[at] .. tail
    end
  end
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    e.status, e.connect + e.read + e.write + e.timeout, latency:percentile(99)))
end
"#;

/// What each request says of its caller.
#[derive(Clone, Copy)]
pub(crate) enum Credentials<'a> {
    /// Nothing.
    None,
    /// Always the same header.
    Same(&'a str, &'a str),
    /// A line of the file, chosen anew each time, after a beginning.
    Any(&'a str, &'a Path, &'a str),
    /// The lines of the file after the first so many, one after the other, after a beginning.
    Once(&'a str, &'a Path, usize, &'a str),
}

/// What came of it.
#[derive(Clone, Copy)]
pub(crate) struct Loaded {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    /// Answers of 400 and above.
    pub(crate) refused: f64,
    /// Connections that were broken, or answers that did not come.
    pub(crate) failed: f64,
    /// Microseconds of CPU of the proxy for one request.
    pub(crate) cpu: f64,
}

impl Loaded {
    pub(crate) fn rate(&self) -> f64 {
        self.requests / self.seconds
    }

    /// Stops where anything was not answered as it should be: such a round measures something else.
    pub(crate) fn all_well(self) -> Self {
        assert_eq!((self.refused, self.failed), (0.0, 0.0), "of {} requests", self.requests);
        self
    }
}

/// Starts it.
pub(crate) fn start(dir: &Path, url: &str, connections: usize, turn: Duration, credentials: Credentials<'_>) -> Child {
    let script = dir.join("load.lua");
    fs::write(&script, SCRIPT).unwrap();
    let mut command = Command::new("wrk");
    command.args(["-t1", "--timeout", "10s", "-c", &connections.to_string()]);
    command.args(["-d", &format!("{}s", turn.as_secs()), "-s"]).arg(&script).arg(url).arg("--");
    match credentials {
        Credentials::None => command.arg("same"),
        Credentials::Same(name, value) => command.args(["same", name, value]),
        Credentials::Any(name, file, begin) => {
            let seed = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.subsec_nanos());
            command.args(["any", name]).arg(file).args([&seed.to_string(), begin])
        }
        Credentials::Once(name, file, skip, begin) => {
            command.args(["once", name]).arg(file).args([&skip.to_string(), begin])
        }
    };
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits until it has ended. The CPU time is left for the caller.
pub(crate) fn finish(child: Child) -> Loaded {
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let numbers = output.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<f64> = numbers
        .unwrap_or_else(|| panic!("wrk said: {output}"))
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    Loaded { requests: numbers[0], seconds: numbers[1] / 1e6, refused: numbers[2], failed: numbers[3], cpu: 0.0 }
}

/// Runs it against a proxy.
pub(crate) fn run(dir: &Path, proxy: &Process, url: &str, turn: Duration, credentials: Credentials<'_>) -> Loaded {
    let before = proxy.cpu();
    let loaded = finish(start(dir, url, CONNECTIONS, turn, credentials));
    Loaded { cpu: proxy.cpu().saturating_sub(before).as_secs_f64() * 1e6 / loaded.requests, ..loaded }
}
