//! The routes of the portal as its router's source has them, so that a test can try all of them and a new one is tried too.

/// Method and pattern of each.
pub(crate) fn all() -> Vec<(String, String)> {
    let file = format!("{}/src/web/router.rs", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(file).unwrap();
    let mut routes = Vec::new();
    for line in source.split(".route(").skip(1) {
        let (path, handlers) = line.trim_start().split_once(',').unwrap();
        let path = path.trim_matches('"');
        assert!(path.starts_with('/'), "write the path of {path} out, so that this test can read it");
        for method in ["get", "post", "put", "patch", "delete", "any"] {
            if handlers.split(".route").next().unwrap().contains(&format!("{method}(")) {
                routes.push((method.to_owned(), path.to_owned()));
            }
        }
    }
    routes
}
