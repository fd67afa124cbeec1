//! Wrong manifests: each problem with file, line and field, all at once, and nothing is changed.

use super::{directory, everything, lines, small};
use crate::support::app::TestApp;
use crate::support::db;
use portico::domain::publishing::apply;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program over a fresh database, and says what it printed.
fn portico(database: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portico"))
        .env_clear()
        .env("DATABASE_URL", database)
        .env("PORTICO_DATA_DIR", db::scratch("publish-cli"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What is wrong, the manifest, and where and what the problem must be.
type Case = (&'static str, String, &'static str, &'static str);

fn api(change: (&str, &str)) -> String {
    small("mine").replace(change.0, change.1)
}

fn wrong_manifests() -> Vec<Case> {
    vec![
        ("invalid YAML", "kind: api\nname: [\n".to_owned(), "p.yaml:", "this is not valid YAML"),
        ("nothing", "# only this\n".to_owned(), "p.yaml: ", "there is nothing in this file"),
        ("unknown kind", "kind: app\n".to_owned(), "p.yaml:1: kind: ", "`app` is not known; it is api, plan or role"),
        ("no kind", "name: x\n".to_owned(), "p.yaml:1: kind: ", "is missing; add it"),
        ("unknown key", api(("visibility", "visibilty")), "p.yaml:3: visibilty: ", "did you mean `visibility`?"),
        (
            "unknown inner key",
            api(("production:", "prod:")),
            "p.yaml:7: versions[0].backends.prod: ",
            "there is no such key; remove it, or use one of: production, sandbox",
        ),
        ("unknown plan", api(("[bronze]", "[iron]")), "p.yaml:4: plans[0]: ", "there is no plan `iron`"),
        ("no plan", api(("plans: [bronze]\n", "")), "p.yaml:1: plans: ", "say under which plans"),
        (
            "unknown role",
            api(("public", "restricted\nroles: [vip]")),
            "p.yaml:4: roles[0]: ",
            "there is no role `vip`; define it with `kind: role`",
        ),
        ("restricted to nobody", api(("public", "restricted")), "p.yaml:1: visibility: ", "needs `roles`"),
        (
            "roles of a public API",
            api(("public", "public\nroles: [admin]")),
            "p.yaml:4: roles[0]: ",
            "roles count only",
        ),
        (
            "duplicate context",
            api(("visibility", "context: there\nvisibility")),
            "p.yaml:3: context: ",
            "the context there belongs to the API there already",
        ),
        (
            "version in context",
            api(("visibility", "context: a/v1\nvisibility")),
            "p.yaml:3: context: ",
            "looks like a version",
        ),
        ("duplicate API", format!("{0}---\n{0}", small("mine")), "p.yaml:9: name: ", "the API mine is in"),
        (
            "missing backend",
            api(("    backends: {production: \"http://127.0.0.1:1/\", sandbox: \"http://127.0.0.1:1/\"}\n", "")),
            "p.yaml:6: versions[0].backends: ",
            "this endpoint has no backend",
        ),
        ("wrong backend", api(("http:", "ftp:")), "p.yaml:7: versions[0].backends.production: ", "begins with http://"),
        ("wrong version", api(("\"1.0\"", "1")), "p.yaml:6: versions[0].version: ", "`1` cannot be used"),
        (
            "wrong name",
            api(("name: mine", "name: Mine")),
            "p.yaml:2: name: ",
            "`Mine` must be 1 to 63 lower-case letters",
        ),
        (
            "header in use",
            api(("visibility", "api_key_header: Authorization\nvisibility")),
            "p.yaml:3: api_key_header: ",
            "would carry the API key and the access token",
        ),
        (
            "header of HTTP",
            api(("visibility", "api_key_header: Host\nvisibility")),
            "p.yaml:3: api_key_header: ",
            "`Host` has a meaning of its own",
        ),
        ("built-in role", "kind: role\nname: admin\n".to_owned(), "p.yaml:1: name: ", "the role admin is built in"),
        ("plan without rate", "kind: plan\nname: p\n".to_owned(), "p.yaml:1: rate: ", "is missing"),
        (
            "wrong rate",
            "kind: plan\nname: p\nrate: {count: 0, per: week}\n".to_owned(),
            "p.yaml:3: rate.count: ",
            "must be a whole number",
        ),
        (
            "context that moves",
            small("there").replace("visibility", "context: elsewhere\nvisibility"),
            "p.yaml:3: context: ",
            "cannot change",
        ),
    ]
}

fn wrong_files() -> Vec<Case> {
    vec![
        (
            "no such file",
            api(("    backends", "    openapi: nowhere.yaml\n    backends")),
            "p.yaml:7: versions[0].openapi: ",
            "there is no such file",
        ),
        (
            "file outside",
            api(("    backends", "    openapi: ../wrong-base/p.yaml\n    backends")),
            "p.yaml:7: versions[0].openapi: ",
            "without `..`",
        ),
        (
            "link to the outside",
            api(("    backends", "    openapi: link.yaml\n    backends")),
            "p.yaml:7: versions[0].openapi: ",
            "this leads out of the manifest's directory",
        ),
        (
            "unknown OpenAPI version",
            api(("    backends", "    openapi: four.yaml\n    backends")),
            "four.yaml:2: openapi: ",
            "version `4.0.0` is not known; OpenAPI 3.0 and 3.1 are taken",
        ),
        (
            "OpenAPI that is not text",
            api(("    backends", "    openapi: binary.yaml\n    backends")),
            "p.yaml:7: versions[0].openapi: ",
            "this is not UTF-8",
        ),
    ]
}

#[tokio::test]
async fn each_wrong_manifest_names_file_line_and_field_and_changes_nothing() {
    let app = TestApp::start().await;
    apply::apply_path(&app.ctx, &directory("wrong-base", &[("p.yaml", &small("there"))])).await.unwrap();
    let before = everything(&app).await;
    let dir = directory("wrong", &[("four.yaml", "info: {title: T}\nopenapi: 4.0.0\npaths: {}\n")]);
    std::fs::write(dir.join("binary.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let _ = std::os::unix::fs::symlink("/etc/hostname", dir.join("link.yaml"));
    for (case, manifest, place, message) in wrong_manifests().iter().chain(&wrong_files()) {
        let file = dir.join("p.yaml");
        std::fs::write(&file, manifest).unwrap();
        let problems = apply::apply_path(&app.ctx, &file).await.expect_err(case);
        let found = lines(&problems);
        let at = format!("{}/{place}", dir.display());
        assert!(found.lines().any(|line| line.starts_with(&at) && line.contains(message)), "{case}: {found}");
        assert_eq!(everything(&app).await, before, "{case}");
    }
}

#[tokio::test]
async fn every_problem_is_told_at_once() {
    let app = TestApp::start().await;
    let wrong = small("mine").replace("[bronze]", "[iron]").replace("http:", "ftp:").replace("public", "secret");
    let other = "kind: role\n---\n{kind: plan, name: iron}\n";
    let dir = directory("all-at-once", &[("a.yaml", &wrong), ("b.yaml", other)]);
    let problems = lines(&apply::apply_path(&app.ctx, &dir).await.unwrap_err());
    let places: Vec<_> = problems.lines().map(|line| line.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(
        problems.lines().count(),
        5, // not that there is no plan `iron`, too
        "{problems}"
    );
    for place in ["a.yaml:3: visibility", "b.yaml:3: rate", "backends.production", "backends.sandbox", "b.yaml:1: name"]
    {
        assert!(problems.contains(place), "{place} is not among {places:?}");
    }
}

#[tokio::test]
async fn the_command_prints_the_plan_or_one_line_a_problem() {
    let options = db::fresh().await;
    let database = db::url(&options);
    let dir = directory("command", &[("p.yaml", &small("mine"))]);
    let path = dir.join("p.yaml");
    let run = |path: &Path, more: &[&str]| {
        let path = path.display().to_string();
        let mut arguments = vec!["apply", "-f", &path];
        arguments.extend(more);
        portico(&database, &arguments)
    };
    let added = "add     API mine at /mine (public)\n\
                 add     version mine 1.0 (published): default (production, sandbox)\n";
    let dry = run(&path, &["--dry-run"]);
    assert_eq!(text(&dry.stdout), format!("{added}dry run: 2 changes, none of them made\n"));
    let done = run(&path, &[]);
    assert_eq!((text(&done.stdout), done.status.code()), (&*format!("{added}applied: 2 changes\n"), Some(0)));
    let again = run(&dir, &[]);
    assert_eq!((text(&again.stdout), again.status.code()), ("nothing to do\n", Some(0)));

    std::fs::write(&path, small("mine").replace("[bronze]", "[iron]")).unwrap();
    let wrong = run(&path, &[]);
    assert_eq!((text(&wrong.stdout), wrong.status.code()), ("", Some(1)));
    let want = format!("portico: {}:4: plans[0]: there is no plan `iron`; define it with `kind: plan`", path.display());
    assert!(text(&wrong.stderr).lines().any(|line| line.starts_with(&want)), "{}", text(&wrong.stderr));

    let exported = portico(&database, &["export"]);
    std::fs::write(&path, &exported.stdout).unwrap();
    assert_eq!(text(&run(&path, &[]).stdout), "nothing to do\n");
    let missing = run(&dir.join("nowhere"), &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("nowhere: there is no such file"), "{}", text(&missing.stderr));
    assert_eq!(portico(&database, &["apply"]).status.code(), Some(2));
}
