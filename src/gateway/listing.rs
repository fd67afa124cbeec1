//! Which operation of an endpoint's `OpenAPI` file a call is: a tree of its path templates, small and without copies.
//!
//! A path is compared to the byte, because one operation is named and not every one that some server could serve: see
//! [`crate::gateway::operations`] for that. Nothing is allocated to find an operation.

use crate::gateway::templates::{Pattern, segment_rank, without_names};
use std::collections::BTreeMap;
use std::ops::Range;

/// The operations of an endpoint, by their places in the list.
pub(super) struct Listing {
    /// Different for each listing of this process.
    number: u32,
    /// The endpoint's path below the version; empty or with a slash at its beginning.
    prefix: Box<str>,
    /// Methods, templates and literal segments, one after the other.
    text: Box<str>,
    nodes: Box<[Node]>,
    /// Segments with text around their parameters; few templates have any.
    patterns: Box<[Pattern]>,
    entries: Box<[Entry]>,
}

/// An operation, by its listing and its place in it. It stays the same for as long as the definition is not written again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct OperationId {
    /// The [number](Listing::number) of the listing.
    pub(super) listing: u32,
    /// Its place there.
    pub(super) place: u32,
}

/// An operation as it is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operation<'a> {
    /// Which one.
    pub(super) id: OperationId,
    /// Its method, in upper case.
    pub(super) method: &'a str,
    /// Its path template below the endpoint.
    pub(super) path: &'a str,
    /// Where the endpoint lies below the version.
    prefix: &'a str,
}

impl Operation<'_> {
    /// How usage and the access log name it: method, and path template below the version.
    pub(super) fn label(&self) -> String {
        format!("{} {}{}", self.method, self.prefix, self.path)
    }
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// A segment of templates. Below it stand literals in order of their text, then patterns, then a lone parameter.
#[derive(Clone, Copy)]
struct Node {
    /// Of a literal: its text. Of a pattern: its place in `patterns`.
    segment: Span,
    children: Span,
    /// Where the literals among the children end.
    literals_end: u32,
    /// What is called when the path ends here.
    entries: Span,
}

#[derive(Clone, Copy)]
struct Entry {
    method: Span,
    path: Span,
}

impl Listing {
    /// From method and path template of each operation, and the endpoint's path below its version.
    pub(super) fn new<'a>(
        number: u32,
        endpoint: &str,
        operations: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let mut tree = Growing::default();
        for (method, path) in operations {
            tree.insert(method, path);
        }
        let endpoint = endpoint.trim_matches('/');
        let prefix = if endpoint.is_empty() { String::new() } else { format!("/{endpoint}") };
        let mut writer = Writer::default();
        writer.write(tree)?;
        let Writer { text, nodes, patterns, entries } = writer;
        Some(Self {
            number,
            prefix: prefix.into(),
            text: text.into(),
            nodes: nodes.into(),
            patterns: patterns.into(),
            entries: entries.into(),
        })
    }

    /// What tells it from all others of this process.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The operation at a place.
    pub(super) fn get(&self, place: u32) -> Option<Operation<'_>> {
        let entry = self.entries.get(usize::try_from(place).ok()?)?;
        let id = OperationId { listing: self.number, place };
        Some(Operation { id, method: self.text(entry.method), path: self.text(entry.path), prefix: &self.prefix })
    }

    /// All of them, in order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = Operation<'_>> {
        (0..).map_while(|place| self.get(place))
    }

    /// How usage names the operation at a place.
    pub(super) fn label(&self, place: u32) -> Option<String> {
        Some(self.get(place)?.label())
    }

    /// The operation that a call is: of those that have its path and its method, the one with the most concrete path.
    /// `path` is what follows the endpoint. `HEAD` is `GET` where it is not listed itself.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        self.at(path, &mut |entries: Range<u32>| {
            let named = |name: &str| entries.clone().find(|place| self.method(*place) == Some(name));
            named(method).or_else(|| if method == "HEAD" { named("GET") } else { None })
        })
        .and_then(|place| self.get(place))
    }

    /// Calls back with the method of each operation that has this path, whether there is one or not; `false` if the path
    /// is not listed at all.
    pub(super) fn methods<'s>(&'s self, path: &str, mut each: impl FnMut(&'s str)) -> bool {
        let mut is_listed = false;
        let _: Option<()> = self.at(path, &mut |entries: Range<u32>| {
            for method in entries.filter_map(|place| self.method(place)) {
                is_listed = true;
                each(method);
            }
            None
        });
        is_listed
    }

    /// Visits the templates that have the path, the most concrete first, until one answers.
    fn at<T>(&self, path: &str, visit: &mut impl FnMut(Range<u32>) -> Option<T>) -> Option<T> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.walk(self.nodes.first()?, Some(path), visit)
    }

    /// `rest` is what follows the slash after this node; none at the end of the path. A node of a tree is reached in one
    /// way only, so no path makes this visit a node twice.
    fn walk<T>(&self, node: &Node, rest: Option<&str>, visit: &mut impl FnMut(Range<u32>) -> Option<T>) -> Option<T> {
        let Some(rest) = rest else {
            return visit(node.entries.start..node.entries.end);
        };
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        let (literals, others) = self.children(node);
        if let Ok(at) = literals.binary_search_by(|child| self.text(child.segment).cmp(segment))
            && let Some(child) = literals.get(at)
            && let Some(found) = self.walk(child, rest, visit)
        {
            return Some(found);
        }
        for child in others {
            let pattern = usize::try_from(child.segment.start).ok().and_then(|at| self.patterns.get(at));
            let is_meant = match pattern {
                Some(pattern) => segment_rank(pattern, segment).is_some(),
                None => !segment.is_empty(),
            };
            if is_meant && let Some(found) = self.walk(child, rest, visit) {
                return Some(found);
            }
        }
        None
    }

    fn children(&self, node: &Node) -> (&[Node], &[Node]) {
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let all = self.nodes.get(place(node.children.start)..place(node.children.end)).unwrap_or_default();
        let literals = place(node.literals_end).saturating_sub(place(node.children.start));
        all.split_at_checked(literals).unwrap_or_default()
    }

    fn method(&self, place: u32) -> Option<&str> {
        Some(self.text(self.entries.get(usize::try_from(place).ok()?)?.method))
    }

    fn text(&self, span: Span) -> &str {
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        self.text.get(place(span.start)..place(span.end)).unwrap_or_default()
    }
}

/// Templates with more segments than this are not listed.
const MOST_SEGMENTS: usize = 128;

/// The tree while it grows.
#[derive(Default)]
struct Growing {
    literals: BTreeMap<String, Self>,
    /// By how concrete they are.
    patterns: BTreeMap<(u8, Pattern), Self>,
    /// Templates that end here, with their methods.
    ends: BTreeMap<String, Vec<String>>,
}

impl Growing {
    fn insert(&mut self, method: &str, template: &str) {
        let shape = without_names(template);
        // No call has so many, and what walks the tree goes down once for each.
        if shape.matches('/').count() > MOST_SEGMENTS {
            return;
        }
        let mut node = self;
        for segment in shape.strip_prefix('/').unwrap_or(&shape).split('/') {
            node = match Pattern::parse(segment) {
                Some(pattern) => {
                    let rank = if pattern.is_all() { 2 } else { 1 };
                    node.patterns.entry((rank, pattern)).or_default()
                }
                None => node.literals.entry(segment.to_owned()).or_default(),
            };
        }
        let methods = node.ends.entry(template.to_owned()).or_default();
        if !methods.iter().any(|known| known == method) {
            methods.push(method.to_owned());
        }
    }
}

/// Lays the tree out, level by level, so that children stand side by side.
#[derive(Default)]
struct Writer {
    text: String,
    nodes: Vec<Node>,
    patterns: Vec<Pattern>,
    entries: Vec<Entry>,
}

/// The place of a lone parameter, which needs no pattern.
const LONE: Span = Span { start: u32::MAX, end: u32::MAX };

impl Writer {
    /// Nothing if a definition is too long to be counted in 32 bits.
    fn write(&mut self, tree: Growing) -> Option<()> {
        let nothing = Span { start: 0, end: 0 };
        self.nodes.push(Node { segment: nothing, children: nothing, literals_end: 0, entries: nothing });
        let mut waiting = std::collections::VecDeque::from([(0, tree)]);
        while let Some((at, growing)) = waiting.pop_front() {
            let entries = self.entries(growing.ends)?;
            let start = self.nodes.len();
            for (text, child) in growing.literals {
                let segment = self.put(&text)?;
                waiting.push_back((self.nodes.len(), child));
                self.nodes.push(Node { segment, children: nothing, literals_end: 0, entries: nothing });
            }
            let literals_end = u32::try_from(self.nodes.len()).ok()?;
            for ((_, pattern), child) in growing.patterns {
                let segment = if pattern.is_all() { LONE } else { self.pattern(pattern)? };
                waiting.push_back((self.nodes.len(), child));
                self.nodes.push(Node { segment, children: nothing, literals_end: 0, entries: nothing });
            }
            let children = Span { start: u32::try_from(start).ok()?, end: u32::try_from(self.nodes.len()).ok()? };
            let node = self.nodes.get_mut(at)?;
            *node = Node { children, literals_end, entries, ..*node };
        }
        Some(())
    }

    fn entries(&mut self, ends: BTreeMap<String, Vec<String>>) -> Option<Span> {
        let start = u32::try_from(self.entries.len()).ok()?;
        for (template, methods) in ends {
            let path = self.put(&template)?;
            for method in methods {
                let method = self.put(&method)?;
                self.entries.push(Entry { method, path });
            }
        }
        Some(Span { start, end: u32::try_from(self.entries.len()).ok()? })
    }

    fn pattern(&mut self, pattern: Pattern) -> Option<Span> {
        let start = u32::try_from(self.patterns.len()).ok()?;
        self.patterns.push(pattern);
        Some(Span { start, end: start })
    }

    fn put(&mut self, text: &str) -> Option<Span> {
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.push_str(text);
        Some(Span { start, end: u32::try_from(self.text.len()).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZOO: [(&str, &str); 12] = [
        ("GET", "/animals"),
        ("POST", "/animals"),
        ("GET", "/animals/{name}"),
        ("DELETE", "/animals/{id}"),
        ("GET", "/animals/mine"),
        ("GET", "/animals/{name}/meals"),
        ("GET", "/Reports/{year}-{month}.{format}"),
        ("GET", "/{any}/{thing}"),
        ("GET", "/trailing/"),
        ("POST", "/animals/{name}:wake"),
        ("HEAD", "/status"),
        ("GET", "/"),
    ];

    #[test]
    fn a_call_is_the_operation_with_the_most_concrete_path_that_has_its_method() {
        let listing = Listing::new(7, "daily", ZOO.into_iter()).unwrap();
        assert_eq!(listing.iter().count(), ZOO.len());
        for (method, path, found) in [
            ("GET", "/animals", "GET /daily/animals"),
            ("POST", "/animals", "POST /daily/animals"),
            ("HEAD", "/animals", "GET /daily/animals"),
            ("PUT", "/animals", ""),
            ("get", "/animals", ""),
            ("GET", "/animals/leo", "GET /daily/animals/{name}"),
            ("GET", "/animals/l%C3%A9o", "GET /daily/animals/{name}"),
            ("DELETE", "/animals/leo", "DELETE /daily/animals/{id}"),
            ("GET", "/animals/mine", "GET /daily/animals/mine"),
            ("DELETE", "/animals/mine", "DELETE /daily/animals/{id}"),
            ("GET", "/animals/mine/meals", "GET /daily/animals/{name}/meals"),
            ("POST", "/animals/leo:wake", "POST /daily/animals/{name}:wake"),
            ("GET", "/animals/leo:wake", "GET /daily/animals/{name}"),
            ("GET", "/Reports/2026-11.pdf", "GET /daily/Reports/{year}-{month}.{format}"),
            ("GET", "/Reports/2026", "GET /daily/{any}/{thing}"),
            ("GET", "/reports/2026-11.pdf", "GET /daily/{any}/{thing}"),
            ("GET", "/trailing/", "GET /daily/trailing/"),
            ("GET", "/animals/", ""),
            ("GET", "/animals//meals", ""),
            ("GET", "/a/b/c", ""),
            ("HEAD", "/status", "HEAD /daily/status"),
            ("GET", "/status", ""),
            ("GET", "", "GET /daily/"),
            ("GET", "/", "GET /daily/"),
        ] {
            let operation = listing.find(method, path);
            let label = operation.and_then(|operation| listing.label(operation.id.place)).unwrap_or_default();
            assert_eq!(label, found, "{method} {path}");
        }
    }

    #[test]
    fn a_path_tells_every_method_that_it_has() {
        let listing = Listing::new(7, "", ZOO.into_iter()).unwrap();
        for (path, wanted) in [
            ("/animals/leo", Some(vec!["DELETE", "GET", "GET"])),
            ("/status", Some(vec!["HEAD"])),
            ("/nowhere", None),
            ("/animals/a/b/c", None),
        ] {
            let mut methods = Vec::new();
            let is_listed = listing.methods(path, |method| methods.push(method));
            methods.sort_unstable();
            assert_eq!(is_listed.then_some(methods), wanted, "{path}");
        }
    }

    #[test]
    fn it_agrees_with_the_ranks_of_templates() {
        let listing = Listing::new(7, "", ZOO.into_iter()).unwrap();
        for path in ["/animals/leo", "/animals/mine", "/Reports/1-2.x", "/animals/a:wake", "/x/y", "/", "/trailing/"] {
            let ranked = ZOO.iter().filter(|(method, _)| *method == "GET");
            let best = ranked.filter_map(|(_, t)| Some((crate::gateway::templates::rank(t, path)?, *t))).min();
            assert_eq!(listing.find("GET", path).map(|o| o.path), best.map(|(_, t)| t), "{path}");
        }
    }

    #[test]
    fn no_template_is_too_odd() {
        let odd =
            ["", "/", "a", "/{", "/}", "/{}", "/{{a}}", "/a{b", "/{a}{b}", "/é/{ü}", "/%zz/%2f", "//", "/{a}//{b}"];
        let listing = Listing::new(1, "", odd.iter().map(|path| ("GET", *path))).unwrap();
        for path in ["", "/", "a", "//", "/x", "/é/y", "/%zz/%2f", "/x//y", "/x/y/z"] {
            listing.find("GET", path);
        }
        assert!(Listing::new(1, "", std::iter::empty()).unwrap().find("GET", "/").is_none());
    }
}
