//! What changed in an operation from one version to the next, and whether it breaks callers. Pure.
//!
//! Breaking is what can make a caller fail that worked before: more is asked of requests, or less is promised of answers.

use crate::domain::catalog::reference::Side;
use crate::domain::catalog::reference_model::{Answer, Content, Field, Kind, OperationPage, Parameter, Schema};

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it means for callers.
    pub effect: Effect,
    /// One sentence.
    pub words: String,
}

/// What a difference means for callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A caller that worked before may fail.
    Breaking,
    /// Nobody has to do anything.
    Safe,
}

/// Which way a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the API.
    Request,
    /// Back.
    Answer,
}

/// How deep schemas are compared.
const DEPTH: usize = 8;

/// The differences of an operation that both versions have; those that break come first. None: only words changed.
pub fn operation(before: &Side, after: &Side) -> Vec<Difference> {
    let mut found = Found::default();
    match (before.deprecated, after.deprecated) {
        (false, true) => found.safe("It is deprecated now.".to_owned()),
        (true, false) => found.safe("It is no longer deprecated.".to_owned()),
        _ => {}
    }
    found.scopes(&before.scopes, &after.scopes);
    found.parameters(&before.page.parameters, &after.page.parameters);
    found.bodies(&before.page, &after.page);
    found.answers(&before.page.answers, &after.page.answers);
    found.sorted()
}

/// The differences of a named schema, which may go both ways.
pub fn schema(before: &Schema, after: &Schema) -> Vec<Difference> {
    let mut found = Found::default();
    found.schema(Way::Answer, "", (before, after), 0);
    let mut sent = Found::default();
    sent.schema(Way::Request, "", (before, after), 0);
    // What breaks either way is told once.
    for difference in sent.0 {
        match found.0.iter_mut().find(|known| known.words == difference.words) {
            Some(known) => known.effect = known.effect.min(difference.effect),
            None => found.0.push(difference),
        }
    }
    found.sorted()
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn sorted(mut self) -> Vec<Difference> {
        self.0.sort_by_key(|difference| difference.effect);
        self.0
    }

    fn breaking(&mut self, words: String) {
        self.push(Difference { effect: Effect::Breaking, words });
    }

    fn safe(&mut self, words: String) {
        self.push(Difference { effect: Effect::Safe, words });
    }

    /// A body of several media types may say the same several times.
    fn push(&mut self, difference: Difference) {
        if !self.0.contains(&difference) {
            self.0.push(difference);
        }
    }

    fn add(&mut self, breaks: bool, words: String) {
        if breaks { self.breaking(words) } else { self.safe(words) }
    }

    /// Any scope set that was enough before has to be enough now.
    fn scopes(&mut self, before: &[String], after: &[String]) {
        if before == after {
            return;
        }
        let holds = |set: &str, needed: &str| needed.split(' ').all(|scope| set.split(' ').any(|known| known == scope));
        let enough = |set: &str| after.is_empty() || after.iter().any(|needed| holds(set, needed));
        let breaks = if before.is_empty() { !after.is_empty() } else { !before.iter().all(|set| enough(set)) };
        let words = match after {
            [] => "Tokens need no scope any more.".to_owned(),
            after => format!("Tokens need the scope {} now.", after.join(", or ")),
        };
        self.add(breaks, words);
    }

    fn parameters(&mut self, before: &[Parameter], after: &[Parameter]) {
        // The names of parameters in the path are nobody's business: their place says which is which.
        let by_name = |parameter: &&Parameter| parameter.place != super::reference_model::Place::Path;
        let find = |all: &'_ [Parameter], one: &Parameter| {
            all.iter().position(|known| (known.place, &known.name) == (one.place, &one.name))
        };
        for gone in before.iter().filter(by_name).filter(|parameter| find(after, parameter).is_none()) {
            self.breaking(format!("The {} parameter {} is gone.", gone.place.as_str(), gone.name));
        }
        for new in after {
            let at = format!("{} parameter {}", new.place.as_str(), new.name);
            let Some(old) = find(before, new).and_then(|index| before.get(index)) else {
                if new.place != super::reference_model::Place::Path {
                    self.add(new.required, format!("The {}{at} is new.", if new.required { "required " } else { "" }));
                }
                continue;
            };
            match (old.required, new.required) {
                (false, true) => self.breaking(format!("The {at} is required now.")),
                (true, false) => self.safe(format!("The {at} is optional now.")),
                _ => {}
            }
            if (old.style, old.explode) != (new.style, new.explode) {
                self.breaking(format!("The {at} is written in another way now."));
            }
            if new.deprecated && !old.deprecated {
                self.safe(format!("The {at} is deprecated now."));
            }
            self.schema(Way::Request, &at, (&old.schema, &new.schema), 0);
        }
    }

    fn bodies(&mut self, before: &OperationPage, after: &OperationPage) {
        match (&before.body, &after.body) {
            (Some(_), None) => self.breaking("It takes no body any more.".to_owned()),
            (None, Some(new)) => {
                let required = if new.required { "It needs a body now." } else { "It takes a body now." };
                self.add(new.required, required.to_owned());
            }
            (Some(old), Some(new)) => {
                match (old.required, new.required) {
                    (false, true) => self.breaking("Its body is required now.".to_owned()),
                    (true, false) => self.safe("Its body is optional now.".to_owned()),
                    _ => {}
                }
                self.contents(Way::Request, "body", &old.contents, &new.contents);
            }
            (None, None) => {}
        }
    }

    fn contents(&mut self, way: Way, at: &str, before: &[Content], after: &[Content]) {
        let find = |all: &[Content], one: &Content| all.iter().position(|known| known.media_type == one.media_type);
        for gone in before.iter().filter(|content| find(after, content).is_none()) {
            self.breaking(format!("The {at} is no longer {}.", gone.media_type));
        }
        for new in after {
            match find(before, new).and_then(|index| before.get(index)) {
                Some(old) => self.schema(way, at, (&old.schema, &new.schema), 0),
                None => self.safe(format!("The {at} may be {} now.", new.media_type)),
            }
        }
    }

    fn answers(&mut self, before: &[Answer], after: &[Answer]) {
        let find = |all: &[Answer], one: &Answer| all.iter().position(|known| known.status == one.status);
        for gone in before.iter().filter(|answer| find(after, answer).is_none()) {
            self.add(gone.is_success(), format!("The answer {} is gone.", gone.status));
        }
        for new in after {
            let Some(old) = find(before, new).and_then(|index| before.get(index)) else {
                self.safe(format!("The answer {} is new.", new.status));
                continue;
            };
            let at = format!("answer {}", new.status);
            for gone in old.headers.iter().filter(|header| !new.headers.iter().any(|known| known.name == header.name)) {
                self.breaking(format!("The {at} has no header {} any more.", gone.name));
            }
            self.contents(Way::Answer, &at, &old.contents, &new.contents);
        }
    }

    fn schema(&mut self, way: Way, at: &str, (before, after): (&Schema, &Schema), depth: usize) {
        if before == after || depth > DEPTH {
            return;
        }
        let the = if at.is_empty() { "The schema".to_owned() } else { format!("The {at}") };
        self.kinds(way, &the, (before, after));
        let (old, new) = (before.limits.join(", "), after.limits.join(", "));
        if old != new {
            let words = if new.is_empty() {
                format!("{the} has no limits any more ({old}).")
            } else {
                format!("{the} has other limits: {new}.")
            };
            self.add(way == Way::Request && !new.is_empty(), words);
        }
        self.values(way, &the, (before, after));
        if before.default != after.default && !before.default.is_empty() {
            self.add(way == Way::Request, format!("{the} has another default: {}.", after.default));
        }
        if after.deprecated && !before.deprecated {
            self.safe(format!("{the} is deprecated now."));
        }
        // What one side does not tell cannot be compared; its own page does.
        if before.cut || after.cut {
            return;
        }
        self.fields(way, at, (before, after), depth);
        for (old, new, what) in
            [(&before.items, &after.items, "items"), (&before.others, &after.others, "other fields")]
        {
            match (old, new) {
                (Some(old), Some(new)) => self.schema(way, &within(at, what), (old, new), depth + 1),
                (None, Some(_)) if what == "other fields" => {
                    self.safe(format!("{the} may have fields of any name now."));
                }
                (Some(_), None) if what == "other fields" => {
                    self.add(way == Way::Request, format!("{the} has no fields of any name any more."));
                }
                _ => {}
            }
        }
        self.options(way, &the, at, (before, after), depth);
    }

    fn kinds(&mut self, way: Way, the: &str, (before, after): (&Schema, &Schema)) {
        let (old, new) = (&before.kinds, &after.kinds);
        // A whole number is a number: what was narrower fits in what is wider.
        let takes = |wide: &[Kind], kind: &Kind| {
            wide.is_empty() || wide.contains(kind) || (*kind == Kind::Integer && wide.contains(&Kind::Number))
        };
        let (from, to) = match way {
            Way::Request => (old, new),
            Way::Answer => (new, old),
        };
        let fits = from.iter().all(|kind| takes(to, kind)) && (!from.is_empty() || to.is_empty());
        let differs = old.len() != new.len() || !old.iter().all(|kind| new.contains(kind));
        if differs {
            self.add(!fits, format!("{the} was {} and is {}.", before.label(), after.label()));
        } else if before.format != after.format {
            let named = |format: &str| if format.is_empty() { "of no format".to_owned() } else { format.to_owned() };
            let breaks = !before.format.is_empty() && !after.format.is_empty();
            self.add(breaks, format!("{the} was {} and is {}.", named(&before.format), named(&after.format)));
        }
    }

    fn values(&mut self, way: Way, the: &str, (before, after): (&Schema, &Schema)) {
        if before.more_values + after.more_values > 0 {
            return;
        }
        match (before.values.is_empty(), after.values.is_empty()) {
            (true, false) => {
                self.add(way == Way::Request, format!("{the} has only these values now: {}.", after.values.join(", ")));
            }
            (false, true) => self.add(way == Way::Answer, format!("{the} may have any value now.")),
            _ => {
                let less = |from: &[String], of: &[String]| {
                    let less: Vec<_> = from.iter().filter(|value| !of.contains(value)).cloned().collect();
                    less.join(", ")
                };
                let (gone, new) = (less(&before.values, &after.values), less(&after.values, &before.values));
                if !gone.is_empty() {
                    self.add(way == Way::Request, format!("{the} is never {gone} any more."));
                }
                if !new.is_empty() {
                    // A client that knows all values meets one that it does not know.
                    self.add(way == Way::Answer, format!("{the} may also be {new}."));
                }
            }
        }
    }

    fn fields(&mut self, way: Way, at: &str, (before, after): (&Schema, &Schema), depth: usize) {
        let find = |all: &[Field], one: &Field| all.iter().position(|known| known.name == one.name);
        let whole = before.more_fields + after.more_fields == 0;
        for gone in before.fields.iter().filter(|field| whole && find(&after.fields, field).is_none()) {
            self.breaking(format!("The field {} is gone.", within(at, &gone.name)));
        }
        for new in &after.fields {
            let name = within(at, &new.name);
            let Some(old) = find(&before.fields, new).and_then(|index| before.fields.get(index)) else {
                let breaks = way == Way::Request && new.required && !new.schema.read_only;
                if whole {
                    self.add(
                        breaks,
                        format!("The {}field {name} is new.", if new.required { "required " } else { "" }),
                    );
                }
                continue;
            };
            match (old.required, new.required) {
                (false, true) => self.add(way == Way::Request, format!("The field {name} is required now.")),
                (true, false) => self.add(way == Way::Answer, format!("The field {name} is optional now.")),
                _ => {}
            }
            self.schema(way, &format!("field {name}"), (&old.schema, &new.schema), depth + 1);
        }
    }

    fn options(&mut self, way: Way, the: &str, at: &str, (before, after): (&Schema, &Schema), depth: usize) {
        let options = |schema: &Schema| schema.choice.as_ref().map(|choice| choice.options.clone()).unwrap_or_default();
        let (old, new) = (options(before), options(after));
        let name = |schema: &Schema| if schema.name.is_empty() { schema.label() } else { schema.name.clone() };
        if !old.is_empty() && !new.is_empty() {
            for gone in old.iter().filter(|option| !new.iter().any(|known| name(known) == name(option))) {
                self.add(way == Way::Request, format!("{the} is never {} any more.", name(gone)));
            }
            for added in new.iter().filter(|option| !old.iter().any(|known| name(known) == name(option))) {
                self.add(way == Way::Answer, format!("{the} may also be {}.", name(added)));
            }
        } else if old.is_empty() != new.is_empty() {
            self.breaking(format!("{the} was {} and is {}.", name(before), name(after)));
        }
        for new in &new {
            let same: Vec<_> = old.iter().filter(|known| name(known) == name(new)).collect();
            if let [only] = &*same {
                self.schema(way, &within(at, &name(new)), (only, new), depth + 1);
            }
        }
    }
}

/// Where a field stands: `body`, then `name`, `owner.name`.
fn within(at: &str, name: &str) -> String {
    match at.strip_prefix("field ") {
        Some(at) => format!("{at}.{name}"),
        None if at.is_empty() => name.to_owned(),
        None => format!("{name} of the {at}"),
    }
}
