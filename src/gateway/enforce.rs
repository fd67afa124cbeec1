//! Whether a call is in the endpoint's `OpenAPI` file, for APIs that let nothing else through.
//!
//! Servers read paths in different ways. A call passes only if every way of reading its path leads to an operation that is
//! listed with its method: so an encoded slash passes where what stands around it is listed too, and not otherwise.

use crate::gateway::listing::{Listing, Operation};
use crate::gateway::route::{ROUNDS, decode};
use crate::gateway::spelling;

/// What a call lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// Its path is not listed.
    Path,
    /// Its path is listed, with these methods only: a value for `Allow`.
    Method(String),
}

/// Asks for `path`, which is what follows the endpoint, with each of `methods`. An endpoint without a file lists nothing.
pub(super) fn check<'m>(
    listing: Option<&Listing>,
    methods: &(impl Iterator<Item = &'m str> + Clone),
    path: &str,
) -> Result<(), Outside> {
    check_those(listing, methods, path, &|_| true)
}

/// The same, where only those operations count that are `meant`.
pub(super) fn check_those<'m>(
    listing: Option<&Listing>,
    methods: &(impl Iterator<Item = &'m str> + Clone),
    path: &str,
    meant: &impl Fn(&Operation<'_>) -> bool,
) -> Result<(), Outside> {
    let listing = listing.ok_or(Outside::Path)?;
    let lists = |path: &str| {
        methods.clone().all(|method| listing.find(method, path).is_some_and(|operation| meant(&operation)))
    };
    if spelling::is_plain(path) {
        return if lists(path) { Ok(()) } else { Err(outside(listing, path)) };
    }
    let plain = unreserved(path);
    if !lists(&plain) {
        return Err(outside(listing, &plain));
    }
    // Some servers see nothing where there is only white space, or what they cut off.
    let is_hollow = |segment: &str| !segment.is_empty() && spelling::stripped(segment).is_empty();
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..=ROUNDS {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ends_early = text.split(['\0', '?', '#']).next().unwrap_or_default();
        let readings = [&*text, ends_early, &text.replace('\\', "/")].map(unreserved);
        if readings.iter().any(|path| !lists(path) || path.split('/').any(is_hollow)) {
            return Err(Outside::Path);
        }
        let decoded = decode(&bytes);
        if decoded == bytes {
            return Ok(());
        }
        bytes = decoded;
    }
    Err(Outside::Path)
}

fn outside(listing: &Listing, path: &str) -> Outside {
    let mut allowed: Vec<&str> = Vec::new();
    let mut add = |method| {
        if !allowed.contains(&method) {
            allowed.push(method);
        }
    };
    let is_listed = listing.methods(path, |method| {
        add(method);
        if method == "GET" {
            add("HEAD");
        }
    });
    if is_listed { Outside::Method(allowed.join(", ")) } else { Outside::Path }
}

/// A path in which everything is decoded that means the same either way (RFC 3986 §6.2.2.2), and what is not ASCII too.
fn unreserved(path: &str) -> String {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let triple = rest.get(..3).filter(|_| *first == b'%').map(decode);
        match (triple.as_deref(), rest.get(3..)) {
            (Some([byte]), Some(after))
                if !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-._~".contains(byte) =>
            {
                plain.push(*byte);
                rest = after;
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZOO: [(&str, &str); 7] = [
        ("GET", "/animals"),
        ("POST", "/animals"),
        ("GET", "/animals/{name}"),
        ("DELETE", "/animals/{name}"),
        ("GET", "/animals/mine"),
        ("GET", "/straße/{number}"),
        ("GET", "/"),
    ];

    fn asked(methods: &[&str], path: &str) -> Result<(), Outside> {
        let listing = Listing::new(1, "", ZOO.into_iter()).unwrap();
        check(Some(&listing), &methods.iter().copied(), path)
    }

    #[test]
    fn what_is_listed_passes() {
        for (method, path) in [
            ("GET", "/animals"),
            ("HEAD", "/animals"),
            ("POST", "/animals"),
            ("DELETE", "/animals/leo"),
            ("GET", "/animals/l%C3%A9o%20the%20lion"),
            ("GET", "/%61nimals/leo"),
            ("GET", "/animals/100%"),
            ("GET", "/animals/leo;v=1"),
            ("GET", "/stra%C3%9Fe/7"),
            ("GET", "/straße/7"),
            ("GET", ""),
            ("GET", "/"),
        ] {
            assert_eq!(asked(&[method], path), Ok(()), "{method} {path}");
        }
    }

    #[test]
    fn no_way_of_reading_a_path_leads_out_of_the_definition() {
        for path in [
            "/elsewhere",
            "/animals/",
            "//animals",
            "/ANIMALS",
            "/animals.json",
            "/animals;x",
            "/animals/leo/secret",
            "/animals/leo%2Fsecret",
            "/animals/leo%252Fsecret",
            "/animals/leo%5Csecret",
            "/animals/leo\\secret",
            "/animals/%20",
            "/animals/;x",
            "/animals/%00",
            "/animals/leo%2F",
            "/animals%2Fleo",
            "/animals/%25252525252f",
        ] {
            assert_eq!(asked(&["GET"], path), Err(Outside::Path), "{path}");
        }
        assert_eq!(check(None, &["GET"].into_iter(), "/animals"), Err(Outside::Path));
    }

    #[test]
    fn where_only_some_operations_count_the_most_concrete_one_decides() {
        let listing = Listing::new(1, "", ZOO.into_iter()).unwrap();
        let named = |operation: &Operation<'_>| operation.method == "GET" && operation.path == "/animals/{name}";
        let passes =
            |methods: &[&str], path| check_those(Some(&listing), &methods.iter().copied(), path, &named).is_ok();
        for (methods, path) in [(&["GET"][..], "/animals/leo"), (&["HEAD"], "/animals/leo"), (&["GET"], "/animals/%61")]
        {
            assert!(passes(methods, path), "{methods:?} {path}");
        }
        for (methods, path) in [
            (&["GET"][..], "/animals/mine"),
            (&["GET"], "/animals/m%69ne"),
            (&["GET"], "/animals/%256dine"),
            (&["GET"], "/animals"),
            (&["DELETE"], "/animals/leo"),
            (&["GET", "DELETE"], "/animals/leo"),
            (&["GET"], "/animals/leo%2Fsecret"),
            (&["GET"], "/animals/leo/"),
        ] {
            assert!(!passes(methods, path), "{methods:?} {path}");
        }
    }

    #[test]
    fn other_methods_are_told_which_there_are() {
        for (methods, path, allow) in [
            (&["PUT"][..], "/animals", "GET, HEAD, POST"),
            (&["get"], "/animals", "GET, HEAD, POST"),
            (&["POST", "DELETE"], "/animals", "GET, HEAD, POST"),
            (&["PATCH"], "/animals/l%C3%A9o", "GET, HEAD, DELETE"),
            // `{name}` has the path too.
            (&["PUT"], "/animals/mine", "GET, HEAD, DELETE"),
            (&["POST"], "", "GET, HEAD"),
        ] {
            assert_eq!(asked(methods, path), Err(Outside::Method(allow.to_owned())), "{methods:?} {path}");
        }
    }
}
