//! Points sqlx at the committed query metadata, so that a build needs no database and a `DATABASE_URL` in the
//! environment of whoever builds changes nothing. With `PORTICO_BUILD_DATABASE_URL` set, queries are checked against
//! that database and the metadata is written anew.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-env-changed=PORTICO_BUILD_DATABASE_URL");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-env=SQLX_OFFLINE_DIR={root}/migrations/.sqlx");
    match std::env::var("PORTICO_BUILD_DATABASE_URL") {
        Ok(url) => {
            let _ = std::fs::create_dir_all(format!("{root}/migrations/.sqlx"));
            println!("cargo::rustc-env=DATABASE_URL={url}");
            println!("cargo::rustc-env=SQLX_OFFLINE=false");
        }
        Err(_) => println!("cargo::rustc-env=SQLX_OFFLINE=true"),
    }
}
