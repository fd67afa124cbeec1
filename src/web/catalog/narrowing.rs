//! What the catalogue page was asked for, as its URL says it: the words, the choices of each filter, the order, the page.

use crate::domain::catalog::search::{Counts, LAST_PAGE, Order, Search};
use crate::web::urls;

/// How many choices of one filter count.
const MOST_CHOICES: usize = 20;
/// How many characters of the search and of a choice count.
const LONGEST: usize = 200;

/// The filters: the name in the URL, the heading, and what to call each value; none: by itself.
const FILTERS: [Filter; 5] = [
    Filter { name: "tag", legend: "Tag", words: &[] },
    Filter {
        name: "auth",
        legend: "Sign requests with",
        words: &[("api-key", "API key"), ("oauth2", "OAuth 2 token"), ("none", "Nothing")],
    },
    Filter {
        name: "visibility",
        legend: "Visible to",
        words: &[("public", "Everyone"), ("private", "Signed-in members"), ("restricted", "Your roles")],
    },
    Filter {
        name: "state",
        legend: "Lifecycle",
        words: &[("published", "Published"), ("deprecated", "Deprecated"), ("blocked", "Blocked")],
    },
    Filter { name: "owner", legend: "Owner", words: &[] },
];

#[derive(Debug)]
struct Filter {
    name: &'static str,
    legend: &'static str,
    words: &'static [(&'static str, &'static str)],
}

/// A request for the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// As it was typed.
    pub(super) text: String,
    /// The choices: name of the filter and value.
    chosen: Vec<(&'static str, String)>,
    /// Only what the viewer's applications are subscribed to.
    pub(super) mine: bool,
    /// Newest first.
    pub(super) newest: bool,
    /// As rows of a table rather than as cards.
    pub(super) as_list: bool,
    /// From 1.
    pub(super) page: u32,
}

/// A filter with its choices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) legend: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) count: i64,
    pub(super) is_chosen: bool,
}

/// A filter that is on, and the page without it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chip {
    pub(super) label: String,
    pub(super) url: String,
}

impl Asked {
    /// From the pairs of the query. What means nothing is left out.
    pub(super) fn read(pairs: Vec<(String, String)>) -> Self {
        let mut asked = Self { page: 1, ..Self::default() };
        for (name, value) in pairs {
            let value: String = value.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
            match name.as_str() {
                "q" => asked.text = value,
                "mine" => asked.mine = !value.is_empty(),
                "sort" => asked.newest = value == "new",
                "view" => asked.as_list = value == "list",
                "page" => asked.page = value.parse().unwrap_or(1).clamp(1, LAST_PAGE),
                name => asked.choose(name, value),
            }
        }
        asked
    }

    fn choose(&mut self, name: &str, value: String) {
        let Some(filter) = FILTERS.iter().find(|filter| filter.name == name) else { return };
        let is_known = filter.words.is_empty() || filter.words.iter().any(|(known, _)| *known == value);
        let pair = (filter.name, value);
        let has_room = self.values(filter.name).len() < MOST_CHOICES;
        if is_known && has_room && !pair.1.is_empty() && !self.chosen.contains(&pair) {
            self.chosen.push(pair);
        }
    }

    fn values(&self, name: &str) -> Vec<String> {
        self.chosen.iter().filter(|(filter, _)| *filter == name).map(|(_, value)| value.clone()).collect()
    }

    /// The same for the domain.
    pub(super) fn search(&self) -> Search {
        Search {
            text: self.text.clone(),
            tags: self.values("tag"),
            owners: self.values("owner"),
            schemes: self.values("auth"),
            visibilities: self.values("visibility"),
            states: self.values("state"),
            order: if self.newest { Order::Newest } else { Order::Best },
            page: self.page,
            ..Search::default()
        }
    }

    /// The filters that leave a choice, with what is chosen of them.
    pub(super) fn groups(&self, counts: &Counts) -> Vec<Group> {
        let group = |filter: &Filter| {
            let counted = match filter.name {
                "tag" => &counts.tags,
                "auth" => &counts.schemes,
                "visibility" => &counts.visibilities,
                "state" => &counts.states,
                _ => &counts.owners,
            };
            let chosen = self.values(filter.name);
            // What is chosen must stay, or nobody could undo it.
            let gone = chosen.iter().filter(|value| !counted.iter().any(|(there, _)| there == *value));
            let all = counted.iter().cloned().chain(gone.map(|value| (value.clone(), 0)));
            let choices: Vec<Choice> = all
                .map(|(value, count)| {
                    let is_chosen = chosen.contains(&value);
                    Choice { label: filter.label(&value), value, count, is_chosen }
                })
                .filter(|choice| choice.count > 0 || choice.is_chosen)
                .collect();
            Group { name: filter.name, legend: filter.legend, choices }
        };
        let leaves_a_choice = |group: &Group| group.choices.len() > 1 || group.choices.iter().any(|c| c.is_chosen);
        FILTERS.iter().map(group).filter(leaves_a_choice).collect()
    }

    /// What is on.
    pub(super) fn chips(&self) -> Vec<Chip> {
        let without = |pair: &(&'static str, String)| {
            let chosen = self.chosen.iter().filter(|other| *other != pair).cloned().collect();
            Self { chosen, page: 1, ..self.clone() }.url()
        };
        let label = |(name, value): &(&'static str, String)| {
            FILTERS.iter().find(|filter| filter.name == *name).map_or_else(String::new, |filter| filter.label(value))
        };
        let mine = self
            .mine
            .then(|| Chip { label: "Subscribed".to_owned(), url: Self { mine: false, page: 1, ..self.clone() }.url() });
        mine.into_iter().chain(self.chosen.iter().map(|pair| Chip { label: label(pair), url: without(pair) })).collect()
    }

    /// Another page of the same list.
    pub(super) fn url_of_page(&self, page: u32) -> String {
        Self { page, ..self.clone() }.url()
    }

    /// The same page, shown as a table or as cards.
    pub(super) fn shown(&self, as_list: bool) -> String {
        Self { as_list, ..self.clone() }.url()
    }

    fn url(&self) -> String {
        let mut pairs = vec![("q", self.text.clone())];
        pairs.extend(self.chosen.iter().cloned());
        pairs.push(("mine", if self.mine { "1".to_owned() } else { String::new() }));
        pairs.push(("sort", if self.newest { "new".to_owned() } else { String::new() }));
        pairs.push(("view", if self.as_list { "list".to_owned() } else { String::new() }));
        pairs.push(("page", if self.page > 1 { self.page.to_string() } else { String::new() }));
        urls::apis_with(&pairs)
    }
}

impl Filter {
    fn label(&self, value: &str) -> String {
        self.words.iter().find(|(known, _)| *known == value).map_or(value, |(_, label)| label).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Asked {
        Asked::read(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    #[test]
    fn every_state_of_the_page_is_a_url_and_chips_lead_out_of_it() {
        let asked =
            read("q=+a+b+&tag=x%26y&tag=z&tag=z&auth=none&auth=magic&sort=new&page=3&mine=1&view=list&colour=red");
        let own = "/apis?q=a+b&tag=x%26y&tag=z&auth=none&mine=1&sort=new&view=list&page=4";
        assert_eq!(asked.url_of_page(4), own);
        let chips: Vec<_> = asked.chips().into_iter().map(|chip| chip.label).collect();
        assert_eq!(chips, ["Subscribed", "x&y", "z", "Nothing"]);
        assert_eq!(asked.chips()[1].url, "/apis?q=a+b&tag=z&auth=none&mine=1&sort=new&view=list");
        assert_eq!(asked.shown(false), "/apis?q=a+b&tag=x%26y&tag=z&auth=none&mine=1&sort=new&page=3");
        assert_eq!(read("page=0").page, 1);
        assert_eq!(read("page=99999999").page, LAST_PAGE);
        assert_eq!(read("page=x&q=%00").url_of_page(1), "/apis");
    }

    #[test]
    fn a_filter_without_a_choice_is_not_shown_and_a_chosen_one_stays() {
        let counts = Counts {
            tags: vec![("a".into(), 2)],
            visibilities: vec![("public".into(), 2), ("private".into(), 0)],
            schemes: vec![("api-key".into(), 2), ("oauth2".into(), 1)],
            ..Counts::default()
        };
        let legends = |asked: &Asked| asked.groups(&counts).iter().map(|group| group.legend).collect::<Vec<_>>();
        assert_eq!(legends(&read("")), ["Sign requests with"]);
        let asked = read("tag=gone");
        assert_eq!(legends(&asked), ["Tag", "Sign requests with"]);
        let choice = Choice { value: "gone".into(), label: "gone".into(), count: 0, is_chosen: true };
        assert_eq!(asked.groups(&counts)[0].choices[1], choice);
    }
}
