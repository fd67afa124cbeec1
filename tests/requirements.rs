//! Holds docs/OAUTH-REQUIREMENTS.md to the tests: a guarantee without a test, or a test that the table does not know,
//! fails here.

use crate::files;
use crate::report;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const TABLE: &str = "docs/OAUTH-REQUIREMENTS.md";

/// How many lines each group has.
const GROUPS: &[(&str, usize)] = &[
    ("META", 8),
    ("KEY", 4),
    ("CLI", 13),
    ("TOK", 13),
    ("CC", 5),
    ("AZ", 27),
    ("CODE", 8),
    ("PKCE", 6),
    ("ID", 3),
    ("AT", 5),
    ("RT", 12),
    ("PW", 4),
    ("IMP", 3),
    ("REV", 8),
    ("INT", 6),
    ("UI", 5),
    ("GW", 2),
    ("OUT", 3),
    ("RES", 2),
    ("OPT", 5),
];

/// What stands instead of tests where the server does not do it.
const NOT_OFFERED: &str = "not offered";

/// Tests by the line that they are for: file and name.
type Tests = BTreeMap<String, BTreeSet<(String, String)>>;

#[test]
fn every_line_of_the_oauth_requirements_has_its_tests() {
    let mut found = Vec::new();
    let (table, tests) = (table(&mut found), tests());
    let lines = GROUPS.iter().flat_map(|(group, lines)| (1..=*lines).map(move |line| format!("{group}-{line}")));
    for line in lines {
        let Some((at, cell)) = table.get(&line) else {
            found.push(format!("{TABLE}: {line} is missing"));
            continue;
        };
        let (named, written) = (named(cell), tests.get(&line).cloned().unwrap_or_default());
        if named.is_empty() && cell != NOT_OFFERED {
            found.push(format!("{TABLE}:{at}: {line} names no test"));
        }
        for (file, name) in named.difference(&written) {
            found.push(format!("{TABLE}:{at}: {line}: there is no test `{name}` in {file}"));
        }
        for (file, name) in written.difference(&named) {
            found.push(format!("{TABLE}:{at}: {line}: `{name}` in {file} is not listed"));
        }
    }
    report(found);
}

#[test]
fn tok_8_descriptions_keep_to_the_characters_of_rfc_6749() {
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    let (mut found, mut descriptions) = (Vec::new(), 0);
    for path in files(Path::new("src"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let starts = ["InvalidRequest(", "InvalidGrant("].iter().flat_map(|variant| text.split(variant).skip(1));
        for literal in starts.filter_map(|rest| rest.trim_start().strip_prefix('"')) {
            let description = literal.split("\")").next().unwrap();
            let description = description.split("\",\n").next().unwrap();
            descriptions += 1;
            if !description.chars().all(allowed) {
                found.push(format!("{}: not allowed in error_description: {description}", path.display()));
            }
        }
    }
    assert!(descriptions > 20, "the descriptions were not read");
    report(found);
}

/// The rows: the line of the file, and the cell with the tests.
fn table(found: &mut Vec<String>) -> BTreeMap<String, (usize, String)> {
    let mut rows = BTreeMap::new();
    for (i, row) in fs::read_to_string(TABLE).unwrap().lines().enumerate() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, line, _, _, tests, _] = cells[..] else { continue };
        if lines_of(&line.to_lowercase().replace('-', "_")).is_empty() {
            continue;
        }
        if rows.insert(line.to_owned(), (i + 1, tests.to_owned())).is_some() {
            found.push(format!("{TABLE}:{}: {line} is there twice", i + 1));
        }
    }
    rows
}

/// The tests that a cell names: `file`: `name`, separated by line breaks.
fn named(cell: &str) -> BTreeSet<(String, String)> {
    let pair = |entry: &str| {
        let (file, name) = entry.split_once(": ")?;
        Some((file.trim_matches('`').to_owned(), name.trim_matches('`').to_owned()))
    };
    cell.split("<br>").filter_map(pair).collect()
}

/// The tests whose names begin with lines.
fn tests() -> Tests {
    let mut tests = Tests::new();
    for path in files(Path::new("src"), "rs").into_iter().chain(files(Path::new("tests"), "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
        for name in names {
            for line in lines_of(name) {
                tests.entry(line).or_default().insert((path.display().to_string(), name.to_owned()));
            }
        }
    }
    assert!(tests.len() > 20, "the tests were not read");
    tests
}

/// `tok_7_cc_2_a_client_gets` is for TOK-7 and CC-2.
fn lines_of(name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut words = name.split('_');
    while let (Some(group), Some(number)) = (words.next(), words.next()) {
        let group = group.to_uppercase();
        let known = GROUPS.iter().any(|(name, _)| *name == group);
        if !known || number.parse::<usize>().is_err() {
            break;
        }
        lines.push(format!("{group}-{number}"));
    }
    lines
}
