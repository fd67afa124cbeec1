//! The architecture, as tests. Each rule is one function; each failure says which file, which line, and what to do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop where it stands"
)]

mod requirements;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom. A module may always import itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("config", &["base"]),
    ("telemetry", &["base", "config"]),
    ("infra", &["base", "config"]),
    ("domain", &["base", "config", "infra"]),
    ("gateway", &["base", "config", "infra"]),
    ("web", &["base", "config", "domain"]),
    ("jobs", &["base", "domain", "infra"]),
    ("serve", &["base", "config", "infra"]),
    ("app", &["base", "config", "telemetry", "infra", "domain", "gateway", "web", "jobs", "serve"]),
    ("cli", &["app", "base", "config", "domain", "infra", "telemetry"]),
    ("main", &["cli", "infra"]),
];

/// A noun may import the nouns before it, never one after it.
const NOUNS: &[&str] = &[
    "audit",
    "mail",
    "accounts",
    "catalog",
    "applications",
    "subscriptions",
    "credentials",
    "oauth",
    "usage",
    "publishing",
];

const LONGEST_FILE: usize = 500;

/// Licences that may be shipped inside an Apache-2.0 binary.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "MPL-2.0", // file-level copyleft; only in tests and unmodified
    "CDLA-Permissive-2.0",
    "Unlicense",
    "OpenSSL",
    "Apache-2.0 WITH LLVM-exception",
];

/// Crates that must not come in, and what to use.
const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "rustls with aws-lc-rs"),
    ("native-tls", "rustls with aws-lc-rs"),
    ("ring", "aws-lc-rs, so that there is one cryptographic library"),
    ("chrono", "time"),
    ("async-std", "tokio"),
    ("serde_yaml", "serde-saphyr; serde_yaml is unmaintained"),
];

/// Crates that the tree holds in two versions: sqlx and scraper still use the generation before the one that the rest
/// has moved to. A new row needs a reason.
const TWICE: &[&str] = &[
    "base64",        // 0.23: lettre
    "block-buffer",  // sha2
    "cpufeatures",   // sha2
    "crypto-common", // sha2
    "digest",        // sha2
    "getrandom",     // 0.3: quick_cache’s ahash; 0.4: rand, uuid
    "hashbrown",     // 0.16: sqlx's hashlink
    "sha2",          // 0.10: sqlx
    "syn",           // 2: the derives that have not moved to 3
    "untrusted",     // 0.7: aws-lc-rs; 0.9: rustls-webpki
];

#[test]
fn layers_point_one_way() {
    let allowed: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    report(each_line(|at, _, line| {
        let (from, to) = (*at.first()?, after(line, "crate::").or_else(|| after(line, "portico::"))?);
        let known = allowed.contains_key(from) && allowed.contains_key(to);
        (known && from != to && !allowed[from].contains(&to)).then(|| format!("`{from}` must not import `{to}`"))
    }));
}

#[test]
fn the_hot_path_knows_no_page() {
    report(each_line(|at, _, line| {
        (at[0] == "gateway" && (line.contains("askama") || line.contains("axum")))
            .then(|| "the gateway is hyper alone: no page and no router".to_owned())
    }));
}

#[test]
fn nouns_point_one_way() {
    let rank = |noun: &str| NOUNS.iter().position(|n| *n == noun);
    report(each_line(|at, _, line| {
        let (from, to) = (rank(at.get(1)?)?, rank(after(line, "crate::domain::")?)?);
        (at[0] == "domain" && to > from).then(|| format!("`{}` comes before `{}`", NOUNS[from], NOUNS[to]))
    }));
}

#[test]
fn sql_lives_in_stores() {
    report(each_line(|at, _, line| {
        let sql = ["query!(", "query_as!(", "query_scalar!(", "sqlx::query"].iter().any(|q| line.contains(q));
        (sql && !is_store(at)).then(|| "SQL belongs in a store".to_owned())
    }));
}

#[test]
fn a_table_is_written_by_its_owner_only() {
    let owners = table_owners();
    report(each_line(|at, _, line| {
        let lower = line.to_lowercase();
        let table = ["insert into ", "update ", "delete from "].iter().find_map(|w| after(&lower, w))?;
        let owner = owners.get(table)?;
        let infra = at[0] == "infra" && owner == "triggers"; // the change log is tidied where it is followed
        (is_store(at) && !infra && at.get(1) != Some(&owner.as_str()))
            .then(|| format!("table `{table}` is written by `{owner}` only"))
    }));
}

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    let mut found = Vec::new();
    for path in files(Path::new("src"), "rs").into_iter().chain(files(Path::new("tests"), "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            found.push(format!("{}: {lines} lines; split it below {LONGEST_FILE}", path.display()));
        }
        if !text.starts_with("//! ") {
            found.push(format!("{}:1: begin with a line `//! …` that says what the file is for", path.display()));
        }
        for (i, line) in text.lines().enumerate() {
            if line.starts_with("use crate::{") || line.trim_start().starts_with("use super::super") {
                found.push(format!("{}:{}: one `use crate::layer::noun` a line", path.display(), i + 1));
            }
        }
    }
    report(found);
}

#[test]
fn templates_carry_no_script_and_no_style_and_are_all_used() {
    let sources: String = files(Path::new("src"), "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let all = files(Path::new("templates"), "html");
    let texts: Vec<(String, String)> = all
        .iter()
        .map(|path| (path.strip_prefix("templates").unwrap().display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    let mut found = Vec::new();
    for (name, text) in &texts {
        for (i, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let inline = lower.contains("<style") || lower.contains(" style=") || lower.contains("javascript:");
            let script = lower.contains("<script") && !lower.contains("src=");
            let handler = lower.split(" on").skip(1).any(|rest| {
                rest.split_once('=').is_some_and(|(event, value)| {
                    event.chars().all(|c| c.is_ascii_lowercase()) && value.starts_with('"') && lower.contains('<')
                })
            });
            if inline || script || handler {
                found.push(format!("templates/{name}:{}: the content security policy forbids inline code", i + 1));
            }
            if line.contains("|safe") {
                found.push(format!("templates/{name}:{}: escaping is not switched off in a template", i + 1));
            }
        }
        let used =
            sources.contains(&format!("\"{name}\"")) || texts.iter().any(|(_, t)| t.contains(&format!("\"{name}\"")));
        if !used {
            found.push(format!("templates/{name}: nothing uses it"));
        }
    }
    report(found);
}

#[test]
fn dependencies_have_licences_that_fit_and_none_is_banned() {
    let mut found = Vec::new();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version, licence) in packages() {
        if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            found.push(format!("{name} {version} is banned: use {instead}"));
        }
        if !licence_fits(&licence) {
            found.push(format!("{name} {version}: licence `{licence}` is not on the list"));
        }
        versions.entry(name).or_default().insert(version);
    }
    for (name, versions) in &versions {
        if versions.len() > 1 && !TWICE.contains(&name.as_str()) {
            found.push(format!(
                "{name} is there in {} versions: {versions:?}; unify, or say why in TWICE",
                versions.len()
            ));
        }
    }
    for name in TWICE {
        if versions.get(*name).is_none_or(|v| v.len() < 2) {
            found.push(format!("{name} is in TWICE but not there twice: remove the row"));
        }
    }
    report(found);
}

/// What this platform's build and tests really pull in: name, version, licence.
fn packages() -> BTreeSet<(String, String, String)> {
    let out = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix",
            "none",
            "--no-dedupe",
            "-e",
            "normal,build,dev",
            "--format",
            "{p}|{l}",
        ])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let rows = text.lines().filter(|line| !line.is_empty()).map(|line| {
        let (package, licence) = line.split_once('|').unwrap();
        let mut words = package.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        (name.to_owned(), version.trim_start_matches('v').to_owned(), licence.to_owned())
    });
    let rows: BTreeSet<_> = rows.collect();
    assert!(rows.len() > 100, "the tree was not read");
    rows
}

/// An SPDX expression: every part of an `AND`, one of an `OR`. Parentheses are not nested in practice.
fn licence_fits(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], "").replace('/', " OR ");
    !expression.is_empty()
        && expression.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

/// `store.rs`, `client_store.rs` and the like, and the outside world.
fn is_store(at: &[&str]) -> bool {
    at.last().is_some_and(|file| *file == "store.rs" || file.ends_with("_store.rs")) || at[0] == "infra"
}

/// `-- owner: credentials` above each `create table` in migrations/.
fn table_owners() -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for path in files(Path::new("migrations"), "sql") {
        let mut owner = None;
        for line in fs::read_to_string(&path).unwrap().to_lowercase().lines() {
            owner = after(line, "-- owner: ").map(str::to_owned).or(owner);
            if let Some(table) = after(line, "create table ") {
                let owner = owner.take().unwrap_or_else(|| panic!("{}: no owner for {table}", path.display()));
                owners.insert(table.to_owned(), owner);
            }
        }
    }
    assert!(owners.len() > 10, "the migrations were not read");
    owners
}

/// Applies `rule` to each line of code below `src`: the path's parts, the line's number, the line without comment.
fn each_line(rule: impl Fn(&[&str], usize, &str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(Path::new("src"), "rs") {
        let at: Vec<String> =
            path.strip_prefix("src").unwrap().iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let mut at: Vec<&str> = at.iter().map(String::as_str).collect();
        if at.len() == 1 {
            at[0] = at[0].trim_end_matches(".rs");
        }
        for (i, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if let Some(why) = rule(&at, i + 1, code) {
                found.push(format!("{}:{}: {why}", path.display(), i + 1));
            }
        }
    }
    found
}

/// The identifier that follows `mark` in `text`.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn report(found: impl AsRef<[String]>) {
    let found = found.as_ref();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
