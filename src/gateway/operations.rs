//! Which scopes a call needs: from method and path to the operations of an `OpenAPI` file that it may be.
//!
//! A call is taken for every operation that some backend could take it for, and its token must be enough for all of
//! them. Only a path that can be read in one way is taken for one operation: the most concrete one that has it.

use crate::gateway::policy::Prefixes;
use crate::gateway::spelling;
use crate::gateway::templates::{Rank, Templates, rank};
use http::Method;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The operations of an endpoint of which some need something: scopes, or a count.
pub(super) struct Operations<T = Needs> {
    paths: Box<[Path<T>]>,
    templates: Templates,
}

/// What an access token needs: alternatives, each a set of scopes separated by spaces; at least one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Needs(Box<[Box<str>]>);

struct Path<T> {
    template: Box<str>,
    operations: Box<[Operation<T>]>,
}

/// A method and what it needs.
type Operation<T> = (Method, Option<Arc<T>>);

impl Needs {
    /// From alternatives; none where any token will do.
    fn new(alternatives: &[String]) -> Option<Self> {
        (!alternatives.is_empty()).then(|| Self(alternatives.iter().map(|a| a.as_str().into()).collect()))
    }

    /// Nothing if these scopes are enough, otherwise the alternative that lacks least.
    fn unmet(&self, scopes: &str) -> Option<&str> {
        let lacking = |alternative: &&str| {
            alternative.split(' ').filter(|name| !scopes.split(' ').any(|scope| scope == *name)).count()
        };
        let nearest = self.0.iter().map(|alternative| &**alternative).min_by_key(lacking)?;
        (lacking(&nearest) > 0).then_some(nearest)
    }
}

/// Makes the needs of equal operations one.
#[derive(Default)]
pub(super) struct Shared(HashMap<Vec<String>, Arc<Needs>>);

impl Operations<Needs> {
    /// From method, path template and alternatives of each operation; nothing if no operation needs a scope.
    pub(super) fn new(listed: Vec<(String, String, Vec<String>)>, shared: &mut Shared) -> Option<Self> {
        if listed.iter().all(|(_, _, scopes)| scopes.is_empty()) {
            return None;
        }
        let mut operations = Vec::with_capacity(listed.len());
        for (method, template, scopes) in listed {
            let needs = match shared.0.get(&scopes) {
                Some(known) => Some(Arc::clone(known)),
                None => Needs::new(&scopes).map(|needs| Arc::clone(shared.0.entry(scopes).or_insert(Arc::new(needs)))),
            };
            operations.push((method, template, needs));
        }
        Some(Self::listed(operations))
    }

    /// Nothing if a token with these scopes, separated by spaces, may make the call; otherwise what it needs in all.
    /// `methods` are the request's own and those that it asks the backend to take instead.
    pub(super) fn unmet(&self, methods: &[&str], path: &str, scopes: &str) -> Option<String> {
        let mut needed: Vec<&str> = Vec::new();
        for needs in self.needs(methods, path) {
            for scope in needs.unmet(scopes).into_iter().flat_map(|alternative| alternative.split(' ')) {
                if !needed.contains(&scope) {
                    needed.push(scope);
                }
            }
        }
        (!needed.is_empty()).then(|| needed.join(" "))
    }
}

impl<T> Operations<T> {
    /// From method, path template and need of each operation.
    pub(super) fn listed(listed: Vec<(String, String, Option<Arc<T>>)>) -> Self {
        let mut paths: BTreeMap<String, Vec<Operation<T>>> = BTreeMap::new();
        for (method, template, need) in listed {
            let Ok(method) = Method::from_bytes(method.as_bytes()) else { continue };
            paths.entry(template).or_default().push((method, need));
        }
        Self::from_paths(paths)
    }

    fn from_paths(paths: BTreeMap<String, Vec<Operation<T>>>) -> Self {
        let path = |(template, operations): (String, Vec<_>)| Path {
            template: template.into(),
            operations: operations.into(),
        };
        let paths: Box<[Path<T>]> = paths.into_iter().map(path).collect();
        let templates = Templates::new(paths.iter().map(|path| &*path.template));
        Self { paths, templates }
    }

    /// The same for paths whose beginning is another one for backends. Where two paths become one, both count.
    pub(super) fn rewritten(&self, prefixes: &Prefixes) -> Self {
        let mut paths: BTreeMap<String, Vec<Operation<T>>> = BTreeMap::new();
        for path in &self.paths {
            let template = prefixes.apply(&path.template).unwrap_or_else(|| path.template.to_string());
            paths.entry(template).or_default().extend(path.operations.iter().cloned());
        }
        Self::from_paths(paths)
    }

    /// What all operations need that the call may be, each once.
    pub(super) fn needs(&self, methods: &[&str], path: &str) -> Vec<&T> {
        let path = if path.is_empty() { "/" } else { path };
        let found = self.templates.candidates(path).unwrap_or_else(|| (0..self.paths.len()).collect());
        // A path with one spelling belongs to the most concrete template that has it to the byte; what has it only when
        // case or an extension do not count stays suspicious.
        let rank = |index: &usize| Some((*index, rank(&self.path(*index)?.template, path)?));
        let exact: Vec<(usize, Rank)> =
            if spelling::is_plain(path) { found.iter().filter_map(rank).collect() } else { Vec::new() };
        let best = exact.iter().map(|(_, rank)| rank).min();
        let owners = |index: &usize| exact.iter().any(|(i, rank)| i == index && Some(rank) == best);
        let shadowed = |index: &usize| exact.iter().any(|(i, rank)| i == index && Some(rank) != best);
        let mut needs: Vec<&T> = Vec::new();
        for method in methods {
            let owned = found.iter().any(|index| owners(index) && self.lists(*index, method));
            let meant =
                || found.iter().filter(|index| !(owned && shadowed(index))).filter_map(|index| self.path(*index));
            // A method that no path lists may be understood as any other, in a body that is not read here.
            let is_listed = meant().any(|path| path.lists(method));
            for path in meant() {
                let operations: Vec<_> = if is_listed {
                    path.operations(method).collect()
                } else {
                    path.operations.iter().map(|(_, needs)| needs).collect()
                };
                for operation in operations.into_iter().flatten() {
                    if !needs.iter().any(|known| std::ptr::eq(*known, &raw const **operation)) {
                        needs.push(operation);
                    }
                }
            }
        }
        needs
    }

    fn path(&self, index: usize) -> Option<&Path<T>> {
        self.paths.get(index)
    }

    fn lists(&self, index: usize, method: &str) -> bool {
        self.path(index).is_some_and(|path| path.lists(method))
    }
}

impl<T> Path<T> {
    /// What the operations with this method need; there are several only where paths became one. `HEAD` is `GET` where it
    /// is not listed itself.
    fn operations(&self, method: &str) -> impl Iterator<Item = &Option<Arc<T>>> {
        let has = |name: &str| self.operations.iter().any(|(m, _)| m.as_str() == name);
        let meant = if method == "HEAD" && !has("HEAD") { "GET" } else { method };
        self.operations.iter().filter(move |(m, _)| m.as_str() == meant).map(|(_, needs)| needs)
    }

    fn lists(&self, method: &str) -> bool {
        self.operations(method).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// Method, template, alternatives.
    const ZOO: [(&str, &str, &[&str]); 12] = [
        ("GET", "/animals", &["read", "admin"]),
        ("POST", "/animals", &["read write", "admin"]),
        ("GET", "/animals/{name}", &["read"]),
        ("DELETE", "/animals/{name}", &["admin"]),
        ("GET", "/animals/mine", &[]),
        ("GET", "/animals/{name}/meals", &["feed"]),
        ("GET", "/Reports/{year}-{month}.{format}", &["reports"]),
        ("GET", "/files/{path}", &["files"]),
        ("GET", "/files/{path}/rights", &["rights"]),
        ("GET", "/trailing/", &["slash"]),
        ("POST", "/animals/{name}:wake", &["wake"]),
        ("GET", "/status", &[]),
    ];

    fn operations() -> Operations {
        let own = |(method, path, scopes): (&str, &str, &[&str])| {
            (method.to_owned(), path.to_owned(), scopes.iter().map(|s| (*s).to_owned()).collect())
        };
        Operations::new(ZOO.map(own).to_vec(), &mut Shared::default()).unwrap()
    }

    #[test]
    fn gw_2_the_operation_of_method_and_path_says_what_is_needed() {
        let operations = operations();
        for (methods, path, scopes, want) in [
            (&["GET"][..], "/animals", "", Some("read")),
            (&["GET"], "/animals", "read", None),
            (&["GET"], "/animals", "admin", None),
            (&["GET"], "/animals", "reader rea", Some("read")),
            (&["POST"], "/animals", "", Some("admin")),
            (&["POST"], "/animals", "write", Some("read write")),
            (&["POST"], "/animals", "write read", None),
            (&["HEAD"], "/animals/leo", "", Some("read")),
            (&["DELETE"], "/animals/leo", "read", Some("admin")),
            (&["GET"], "/animals/mine", "", None),
            (&["GET"], "/animals/mine/meals", "", Some("feed")),
            (&["GET"], "/animals/leo/meals", "", Some("feed")),
            (&["GET"], "/status", "", None),
            (&["GET"], "", "", None),
            (&["GET"], "/", "", None),
            (&["GET"], "/elsewhere", "", None),
            (&["GET"], "/Reports/2026-11.pdf", "", Some("reports")),
            (&["GET"], "/trailing/", "", Some("slash")),
            (&["POST"], "/animals/leo:wake", "read write", Some("wake")),
            // A parameter may hold slashes; the longest template counts.
            (&["GET"], "/files/a/b/c", "", Some("files")),
            (&["GET"], "/files/a/rights", "files", Some("rights")),
            (&["GET"], "/files/a/rights/b", "files", None),
            // A method that is not listed may be understood as any that is.
            (&["PATCH"], "/animals/leo", "read", Some("admin")),
            (&["get"], "/animals/leo", "", Some("read admin")),
            (&["PATCH"], "/status", "", None),
            // DELETE is not listed for `mine`, but for `{name}`, and some backends go on to that.
            (&["DELETE"], "/animals/mine", "read", Some("admin")),
            // A request that asks for another method needs what both need.
            (&["GET", "DELETE"], "/animals/leo", "", Some("read admin")),
            (&["GET", "DELETE"], "/animals/leo", "read", Some("admin")),
        ] {
            assert_eq!(operations.unmet(methods, path, scopes).as_deref(), want, "{methods:?} {path} {scopes}");
        }
    }

    #[test]
    fn gw_2_another_spelling_of_a_path_needs_the_same_scopes() {
        let operations = operations();
        for path in [
            "/animals/leo",
            "/animals/leo/",
            "//animals/leo",
            "/animals//leo",
            "/%61nimals/leo",
            "/%2561nimals/leo",
            "/animals%2Fleo",
            "/animals%252fleo",
            "/animals\\leo",
            "/animals%5Cleo",
            "/Animals/leo",
            "/ANIMALS/leo.json",
            "/animals;v=1/leo",
            "/animals;/leo;x",
            "/;x/animals/leo",
            "/animals%20/leo",
            "/animals/leo%00",
            "/animals/leo%3Fx=/y",
            "/animals/leo%23",
            "/animals./leo",
            "/animals/%20",
            "/animals/;id=5",
            "/animals/.json",
            "/animals/l%C3%A9o",
            "/animals/mine;x",
            "/animals/mine/",
            "/animals/MINE",
            "/animals/m%69ne",
            "/animals//mine",
            "/animals/leo/anything/else",
        ] {
            assert_eq!(operations.unmet(&["GET"], path, "").as_deref(), Some("read"), "{path}");
        }
        for path in ["/animals/leo/meals.json", "/animals/leo%2Fmeals", "/animals/%2F/meals", "/animals//meals"] {
            let needed = operations.unmet(&["GET"], path, "read").unwrap_or_default();
            assert_eq!(needed, "feed", "{path}");
        }
        let endless = "/animals/leo".to_owned() + &"/".repeat(20_000);
        assert!(
            operations.unmet(&["GET"], &endless, "read write admin").is_some(),
            "what is not read needs everything"
        );
        assert!(operations.unmet(&["GET"], &"/x".repeat(100), "").is_none());
    }

    #[test]
    fn a_list_in_which_nothing_needs_a_scope_is_no_list() {
        let none = vec![("GET".to_owned(), "/a".to_owned(), Vec::new())];
        assert!(Operations::new(none, &mut Shared::default()).is_none());
    }

    #[test]
    fn no_template_is_too_odd() {
        let odd =
            ["", "/", "a", "/{", "/}", "/{}", "/{{a}}", "/a{b", "/{a:[^/]{2}}/b", "/{a}{b}", "/é/{ü}", "/%zz/%2f"];
        let listed = odd.map(|path| ("GET".to_owned(), path.to_owned(), vec!["s".to_owned()]));
        let operations = Operations::new(listed.to_vec(), &mut Shared::default()).unwrap();
        for path in ["/", "/x/b", "/ab", "/%C3%A9/x", "/%zz/%2f", "/%zz///"] {
            assert_eq!(operations.unmet(&["GET"], path, "").as_deref(), Some("s"), "{path}");
        }
    }

    /// A server, by what it does to a path before it looks for the operation.
    #[derive(Clone, Debug)]
    #[expect(clippy::struct_excessive_bools, reason = "each is a habit of some server, and any may go with any other")]
    struct Backend {
        decodes: usize,
        has_case: bool,
        collapses: bool,
        takes_backslashes: bool,
        cuts_parameters: bool,
        cuts_extension: bool,
        trims: bool,
        decodes_before_it_splits: bool,
    }

    impl Backend {
        /// The operation that it serves.
        fn serves(&self, method: &str, path: &str) -> Option<(&'static str, &'static [&'static str])> {
            let decode = |text: &str| {
                let mut bytes = text.as_bytes().to_vec();
                for _ in 0..self.decodes {
                    bytes = crate::gateway::route::decode(&bytes);
                }
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let text = if self.decodes_before_it_splits { decode(path) } else { path.to_owned() };
            let cut = |segment: &str| {
                let mut segment = if self.decodes_before_it_splits { segment.to_owned() } else { decode(segment) };
                if self.cuts_parameters {
                    segment.truncate(segment.find(';').unwrap_or(segment.len()));
                }
                if self.trims {
                    segment = segment.trim_matches(|c: char| c <= ' ').to_owned();
                }
                segment
            };
            let separators: &[char] = if self.takes_backslashes { &['/', '\\'] } else { &['/'] };
            let mut segments: Vec<String> = text.split(separators).skip(1).map(cut).collect();
            if self.collapses {
                segments.retain(|segment| !segment.is_empty());
            }
            if let Some(last) = segments.last_mut().filter(|_| self.cuts_extension) {
                last.truncate(last.rfind('.').filter(|at| *at > 0).unwrap_or(last.len()));
            }
            let same = |a: &str, b: &str| if self.has_case { a == b } else { a.eq_ignore_ascii_case(b) };
            let matches = |template: &str| {
                let wanted: Vec<&str> =
                    template.split('/').skip(1).filter(|w| !(self.collapses && w.is_empty())).collect();
                let fits = |(wanted, segment): (&&str, &String)| match (wanted.starts_with('{'), wanted.ends_with('}'))
                {
                    (true, true) if wanted.matches('{').count() == 1 => !segment.is_empty(),
                    (true, false) => segment.strip_suffix(":wake").is_some_and(|name| !name.is_empty()),
                    (true, true) => segment.contains('-') && segment.contains('.'),
                    _ => same(wanted, segment),
                };
                wanted.len() == segments.len() && wanted.iter().zip(&segments).all(fits)
            };
            let served = ZOO.into_iter().filter(|(m, template, _)| *m == method && matches(template));
            // Fewer parameters first, then more text.
            let (_, template, scopes) =
                served.min_by_key(|(_, t, _)| (t.matches('{').count(), std::cmp::Reverse(t.len())))?;
            Some((template, scopes))
        }
    }

    fn backend() -> impl Strategy<Value = Backend> {
        let flags = (any::<[bool; 7]>(), 0..3_usize);
        flags.prop_map(|([a, b, c, d, e, f, g], decodes)| Backend {
            decodes,
            has_case: a,
            collapses: b,
            takes_backslashes: c,
            cuts_parameters: d,
            cuts_extension: e,
            trims: f,
            decodes_before_it_splits: g,
        })
    }

    /// Changes one character of a path, or adds to it, in ways that some servers take back.
    fn respell(path: &str, (way, at): (u8, usize)) -> String {
        let chars: Vec<char> = path.chars().collect();
        let at = at % chars.len();
        let (before, c, after): (String, char, String) =
            (chars[..at].iter().collect(), chars[at], chars[at + 1..].iter().collect());
        let encoded = |c: char| {
            let hex = |b: u8| {
                [
                    '%',
                    char::from_digit(u32::from(b >> 4), 16).unwrap(),
                    char::from_digit(u32::from(b & 15), 16).unwrap(),
                ]
            };
            c.to_string().bytes().flat_map(hex).collect::<String>()
        };
        let c = match way {
            0 => encoded(c),
            1 => encoded(c).replace('%', "%25"),
            2 => c.to_uppercase().to_string(),
            3 if c == '/' => "//".to_owned(),
            4 if c == '/' => "\\".to_owned(),
            5 if c == '/' && at > 0 => ";x=1/".to_owned(),
            6 if c == '/' && at > 0 => "%20/".to_owned(),
            7 if c == '/' && at > 0 => "/;y/".to_owned(),
            8 => return format!("{path}.json"),
            9 => return format!("{path}/"),
            10 => return format!("{path};z"),
            11 => return format!("{path}%0a"),
            _ => c.to_string(),
        };
        format!("{before}{c}{after}")
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(4_000)
        })]

        #[test]
        fn gw_2_no_spelling_reaches_an_operation_without_its_scopes(
            which in 0..ZOO.len(),
            value in "(leo|mine|MINE|meals|status|a\\.b|x-y\\.z|x:wake|[a-z/.;%-]{1,4})",
            ways in proptest::collection::vec((0..12_u8, 0..40_usize), 0..4),
            backend in backend(),
        ) {
            let (method, template, _) = ZOO[which];
            let mut path = String::new();
            let mut rest = template;
            while let Some((text, tail)) = rest.split_once('{') {
                path.extend([text, &value]);
                rest = tail.split_once('}').unwrap().1;
            }
            path.push_str(rest);
            let path = ways.into_iter().fold(path, |path, way| respell(&path, way));
            if let Some((served, scopes)) = backend.serves(method, &path).filter(|(_, scopes)| !scopes.is_empty()) {
                // A token that has all that the other operations need.
                let others = ["read", "write", "admin", "feed", "reports", "files", "rights", "slash", "wake"];
                let lacks = |scope: &&&str| !scopes.iter().any(|alternative| alternative.split(' ').any(|s| s == **scope));
                let has = others.iter().filter(lacks).copied().collect::<Vec<_>>().join(" ");
                prop_assert!(operations().unmet(&[method], &path, &has).is_some(), "{} {}: {}", method, path, served);
            }
        }
    }
}
