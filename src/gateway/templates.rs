//! Path templates of `OpenAPI` as a tree: which of them some server could take a path for.

use crate::gateway::spelling::{self, Reading, Segment};
use std::collections::BTreeMap;

/// The templates, by segments. The first node is the root.
pub(super) struct Templates(Box<[Node]>);

#[derive(Default)]
struct Node {
    /// Text of a segment, and what lies below; sorted.
    literals: Box<[(Box<str>, usize)]>,
    /// Segments with parameters.
    patterns: Box<[(Pattern, usize)]>,
    /// Templates that end here.
    ends: Box<[usize]>,
}

/// What stands around the parameters of a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    first: Box<str>,
    between: Box<[Box<str>]>,
    last: Box<str>,
}

/// How concrete a template is that has a path to the byte: segment by segment, less is more concrete.
pub(super) type Rank = Vec<u8>;

/// What was found so far.
#[derive(Default)]
struct Found {
    /// Templates that have the whole path.
    whole: Vec<usize>,
    /// The longest templates that end in a parameter and have the beginning of the path, and their length.
    beginning: Vec<usize>,
    length: usize,
}

impl Templates {
    /// From templates, which are called by their places in the list.
    pub(super) fn new<'a>(templates: impl Iterator<Item = &'a str>) -> Self {
        let mut tree = Tree::default();
        for (index, template) in templates.enumerate() {
            tree.insert(template, index);
        }
        tree.finish()
    }

    /// The templates that some server could take the path for; nothing if it has too many segments to tell.
    ///
    /// A parameter at the end of a template holds slashes for some servers. That counts where nothing else has the path,
    /// and for the longest template.
    pub(super) fn candidates(&self, path: &str) -> Option<Vec<usize>> {
        let mut found = Found::default();
        for reading in &spelling::readings(path)? {
            self.walk(reading, &mut found);
        }
        let mut indices = if found.whole.is_empty() { found.beginning } else { found.whole };
        indices.sort_unstable();
        indices.dedup();
        Some(indices)
    }

    /// Steps through the tree with all nodes that are possible after each segment, and their depths.
    fn walk(&self, reading: &Reading, found: &mut Found) {
        let mut here: Vec<(usize, usize)> = vec![(0, 0)];
        for segment in &reading.0 {
            let mut next: Vec<(usize, usize)> = Vec::new();
            for (index, depth) in here {
                if segment.may_be_nothing {
                    next.push((index, depth));
                }
                let Some(node) = self.0.get(index) else { continue };
                for form in &segment.forms {
                    if let Ok(at) = node.literals.binary_search_by(|(text, _)| (**text).cmp(form)) {
                        next.extend(node.literals.get(at).map(|(_, child)| (*child, depth + 1)));
                    }
                }
                for (_, child) in node.patterns.iter().filter(|(pattern, _)| pattern.fits(segment)) {
                    next.push((*child, depth + 1));
                    found.begins(depth + 1, self.0.get(*child).map_or(&[][..], |node| &node.ends));
                }
            }
            next.sort_unstable();
            next.dedup();
            here = next;
        }
        found.whole.extend(here.iter().filter_map(|(index, _)| self.0.get(*index)).flat_map(|node| &node.ends));
    }
}

impl Found {
    fn begins(&mut self, length: usize, ends: &[usize]) {
        if ends.is_empty() || length < self.length {
            return;
        }
        if length > self.length {
            self.beginning.clear();
            self.length = length;
        }
        self.beginning.extend(ends);
    }
}

/// The tree while it grows.
struct Tree(Vec<Growing>);

#[derive(Default)]
struct Growing {
    literals: BTreeMap<String, usize>,
    patterns: BTreeMap<Pattern, usize>,
    ends: Vec<usize>,
}

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Growing::default()])
    }
}

impl Tree {
    fn insert(&mut self, template: &str, path: usize) {
        let text = spelling::canonical(&without_names(template));
        let mut node = 0;
        for segment in text.split(['/', '\\']) {
            let pattern = Pattern::parse(segment);
            let literal = spelling::stripped(segment);
            if pattern.is_none() && literal.is_empty() {
                continue;
            }
            let fresh = self.0.len();
            let Some(growing) = self.0.get_mut(node) else { return };
            node = match pattern {
                Some(pattern) => *growing.patterns.entry(pattern).or_insert(fresh),
                None => *growing.literals.entry(literal.to_owned()).or_insert(fresh),
            };
            if node == fresh {
                self.0.push(Growing::default());
            }
        }
        if let Some(growing) = self.0.get_mut(node) {
            growing.ends.push(path);
        }
    }

    fn finish(self) -> Templates {
        let node = |growing: Growing| Node {
            literals: growing.literals.into_iter().map(|(text, child)| (text.into(), child)).collect(),
            patterns: growing.patterns.into_iter().collect(),
            ends: growing.ends.into(),
        };
        Templates(self.0.into_iter().map(node).collect())
    }
}

impl Pattern {
    /// From a segment in which parameters are [`PARAMETER`]; nothing if it has none.
    pub(super) fn parse(segment: &str) -> Option<Self> {
        let mut parts = segment.split(PARAMETER);
        let first = parts.next()?.into();
        let last = parts.next_back()?.into();
        Some(Self { first, between: parts.filter(|part| !part.is_empty()).map(Into::into).collect(), last })
    }

    fn fits(&self, segment: &Segment) -> bool {
        segment.forms.iter().any(|form| self.is_in(form) && (!form.is_empty() || !segment.is_last))
    }

    /// Whether there is nothing around the parameter.
    pub(super) fn is_all(&self) -> bool {
        self.first.is_empty() && self.between.is_empty() && self.last.is_empty()
    }

    /// Parameters may be empty here: what a server takes for one is not known.
    fn is_in(&self, text: &str) -> bool {
        let Some(inner) = text.strip_prefix(&*self.first).and_then(|rest| rest.strip_suffix(&*self.last)) else {
            return false;
        };
        self.between.iter().try_fold(inner, |rest, part| rest.split_once(&**part).map(|(_, rest)| rest)).is_some()
    }
}

/// Stands for a parameter: a character that no text has.
const PARAMETER: char = '\u{10FFFF}';

/// A template in which each parameter, braces included, is [`PARAMETER`]. A brace without its partner is one too.
pub(super) fn without_names(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut depth = 0_usize;
    for c in template.chars() {
        match c {
            '{' => {
                if depth == 0 {
                    text.push(PARAMETER);
                }
                depth += 1;
            }
            '}' if depth > 0 => depth -= 1,
            '}' => text.push(PARAMETER),
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

/// How concrete a template is for a path that it has to the byte; nothing if it has not.
pub(super) fn rank(template: &str, path: &str) -> Option<Rank> {
    let text = without_names(template);
    let (mut templates, mut segments) = (text.split('/'), path.split('/'));
    let mut rank = Vec::new();
    loop {
        match (templates.next(), segments.next()) {
            (None, None) => return Some(rank),
            (Some(template), Some(segment)) => match Pattern::parse(template) {
                None if template == segment => rank.push(0),
                Some(pattern) => rank.push(segment_rank(&pattern, segment)?),
                None => return None,
            },
            _ => return None,
        }
    }
}

/// How concrete a segment with parameters is for a segment of a path that it has to the byte; nothing if it has not.
pub(super) fn segment_rank(pattern: &Pattern, segment: &str) -> Option<u8> {
    let has = !segment.is_empty() && pattern.is_in(segment);
    has.then(|| if pattern.is_all() { 2 } else { 1 })
}
