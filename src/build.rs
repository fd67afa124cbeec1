//! Points sqlx at the committed query metadata, so that a build needs no database and a `DATABASE_URL` in the
//! environment of whoever builds changes nothing. With `PORTICO_BUILD_DATABASE_URL` set, queries are checked against
//! that database and the metadata is written anew.

#[expect(clippy::disallowed_methods, reason = "what a build script is told, it is told by the environment")]
fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-env-changed=PORTICO_BUILD_DATABASE_URL");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-env=SQLX_OFFLINE_DIR={root}/migrations/.sqlx");
    if let Ok(url) = std::env::var("PORTICO_BUILD_DATABASE_URL") {
        let _ = std::fs::create_dir_all(format!("{root}/migrations/.sqlx"));
        println!("cargo::rustc-env=DATABASE_URL={url}");
        println!("cargo::rustc-env=SQLX_OFFLINE=false");
    } else {
        println!("cargo::rustc-env=SQLX_OFFLINE=true");
    }
}
