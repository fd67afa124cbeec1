//! A browser without JavaScript: keeps cookies, follows redirects and links, and fills the forms that it finds by what
//! a person reads: the text of a button, the label of a field.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use ::http::{Method, StatusCode};
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeMap;

/// One browser.
pub(crate) struct Visitor {
    portal: String,
    cookies: BTreeMap<String, String>,
}

/// A page that was opened.
#[derive(Debug)]
pub(crate) struct Page {
    /// Path and query in the address bar.
    pub(crate) at: String,
    pub(crate) answer: Answer,
}

/// Where a browser comes to rest.
#[derive(Debug)]
pub(crate) enum Stop {
    /// On a page of the portal.
    Here(Page),
    /// On its way to this address outside of it.
    Left(String),
}

impl Stop {
    /// The address that the browser was sent to.
    #[track_caller]
    pub(crate) fn left(self) -> String {
        match self {
            Self::Left(address) => address,
            Self::Here(page) => panic!("still in the portal: {} ({}):\n{}", page.at, page.status(), page.text()),
        }
    }

    /// The page of the portal.
    #[track_caller]
    pub(crate) fn here(self) -> Page {
        match self {
            Self::Here(page) => page,
            Self::Left(address) => panic!("a redirect out of the portal: {address}"),
        }
    }
}

/// A form as it stands on a page, being filled.
#[derive(Debug)]
pub(crate) struct Form {
    method: Method,
    action: String,
    fields: Vec<Field>,
    button: Option<(String, String)>,
    /// Path of the page it stands on.
    page: String,
}

#[derive(Debug)]
struct Field {
    name: String,
    value: String,
    /// Texts of its labels; of the legend too for a choice.
    labels: Vec<String>,
    kind: Kind,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Text,
    /// A checkbox or radio, and whether it is on.
    Tick {
        on: bool,
        radio: bool,
    },
    /// The options: value and text.
    Select(Vec<(String, String)>),
}

impl Visitor {
    /// A browser that has never been here.
    pub(crate) fn new(app: &TestApp) -> Self {
        Self { portal: app.portal(""), cookies: BTreeMap::new() }
    }

    /// One in which a person made by [`make`] has signed in.
    pub(crate) async fn signed_in(app: &TestApp, name: &str) -> Self {
        let mut visitor = Self::new(app);
        let page = visitor.open("/sign-in").await;
        let form = page.form("Sign in").fill("E-mail address", &format!("{name}@example.com"));
        let page = visitor.submit(form.fill("Password", make::PASSWORD)).await;
        assert_eq!(page.answer.status, StatusCode::OK, "{name} could not sign in: {}", page.text());
        visitor
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a path and follows redirects.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let answer = self.send(Method::GET, path, &[], String::new()).await;
        self.arrive(path.to_owned(), answer).await
    }

    /// Opens a path, or an address of the portal, and follows redirects as far as its border.
    pub(crate) async fn go(&mut self, address: &str) -> Stop {
        let path = address.strip_prefix(&self.portal).unwrap_or(address).to_owned();
        let answer = self.send(Method::GET, &path, &[], String::new()).await;
        self.rest(path, answer).await
    }

    /// Sends a form and follows redirects as far as the border of the portal.
    pub(crate) async fn send_form(&mut self, form: Form) -> Stop {
        let at = form.action.clone();
        let answer = self.post_or_get(form).await;
        self.rest(at, answer).await
    }

    /// Opens a path and stays there.
    pub(crate) async fn peek(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Clicks a link by its text.
    pub(crate) async fn follow(&mut self, page: &Page, text: &str) -> Page {
        let path = page.link(text);
        self.open(&path).await
    }

    /// Sends a form and follows redirects.
    pub(crate) async fn submit(&mut self, form: Form) -> Page {
        let at = form.action.clone();
        let answer = self.post_or_get(form).await;
        self.arrive(at, answer).await
    }

    /// Posts these fields, as a form of the portal would, and stays there.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = encode(fields.iter().copied());
        self.send(Method::POST, path, &SAME_ORIGIN, body).await
    }

    async fn post_or_get(&mut self, form: Form) -> Answer {
        let ticked = form.fields.iter().filter(|f| !matches!(f.kind, Kind::Tick { on: false, .. }));
        let pairs = ticked.map(|f| (f.name.as_str(), f.value.as_str()));
        let button = form.button.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = encode(pairs.chain(button));
        if form.method == Method::GET {
            let path = format!("{}?{body}", form.action.split('?').next().unwrap());
            return self.send(Method::GET, &path, &[], String::new()).await;
        }
        self.send(Method::POST, &form.action, &SAME_ORIGIN, body).await
    }

    async fn arrive(&mut self, at: String, answer: Answer) -> Page {
        self.rest(at, answer).await.here()
    }

    async fn rest(&mut self, mut at: String, mut answer: Answer) -> Stop {
        for _ in 0..10 {
            if !answer.status.is_redirection() {
                return Stop::Here(Page { at, answer });
            }
            at = answer.header("location").to_owned();
            if let Some(path) = at.strip_prefix(&self.portal) {
                at = path.to_owned();
            }
            if !at.starts_with('/') {
                return Stop::Left(at);
            }
            answer = self.send(Method::GET, &at, &[], String::new()).await;
        }
        panic!("too many redirects, last to {at}");
    }

    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let portal = self.portal.clone();
        if method == Method::POST {
            all.push(("origin", &portal));
            all.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let path = path.split('#').next().unwrap();
        let answer = http::send(method, &format!("{}{path}", self.portal), &all, body).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

const SAME_ORIGIN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

impl Page {
    pub(crate) fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    fn html(&self) -> Html {
        Html::parse_document(&self.answer.text())
    }

    /// What stands on the page, as words with single spaces between them.
    pub(crate) fn text(&self) -> String {
        let html = self.html();
        let body = html.select(&selector("body")).next();
        body.map_or_else(|| self.answer.text(), words)
    }

    /// Texts of all elements that the CSS selector finds.
    pub(crate) fn all(&self, css: &str) -> Vec<String> {
        self.html().select(&selector(css)).map(words).collect()
    }

    /// The text of the only element that the CSS selector finds.
    pub(crate) fn one(&self, css: &str) -> String {
        let all = self.all(css);
        assert_eq!(all.len(), 1, "{css} on {}: {all:?}", self.at);
        all.into_iter().next().unwrap()
    }

    /// An attribute of every element that has it.
    pub(crate) fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        self.html().select(&selector(css)).filter_map(|e| e.attr(name)).map(str::to_owned).collect()
    }

    /// Whether the words stand on the page.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub(crate) fn assert_shows(&self, text: &str) {
        assert!(self.shows(text), "{} ({}) does not show {text:?}:\n{}", self.at, self.status(), self.text());
    }

    /// Where the link with this text leads.
    pub(crate) fn link(&self, text: &str) -> String {
        let html = self.html();
        let links = selector("a[href]");
        let named = |a: &ElementRef<'_>| words(*a) == text || a.attr("aria-label") == Some(text);
        let link = html.select(&links).find(named).or_else(|| html.select(&links).find(|a| words(*a).contains(text)));
        let link = link.unwrap_or_else(|| panic!("{} has no link {text:?}:\n{}", self.at, self.text()));
        link.attr("href").unwrap().to_owned()
    }

    /// The form with this button.
    pub(crate) fn form(&self, button: &str) -> Form {
        self.find_form(button).unwrap_or_else(|| panic!("{} has no form {button:?}:\n{}", self.at, self.text()))
    }

    /// The form with this button, if the page has one.
    pub(crate) fn find_form(&self, button: &str) -> Option<Form> {
        let html = self.html();
        let buttons = selector("button");
        let named = |e: &ElementRef<'_>| words(*e) == button || e.attr("aria-label") == Some(button);
        html.select(&buttons)
            .filter(named)
            .filter(|e| e.attr("type") != Some("button") && e.attr("disabled").is_none())
            .find_map(|element| {
                let form = match element.attr("form") {
                    Some(id) => html.select(&selector(&format!("form[id=\"{id}\"]"))).next()?,
                    None => element.ancestors().filter_map(ElementRef::wrap).find(|e| e.value().name() == "form")?,
                };
                Some(Form::read(&html, form, element, &self.at))
            })
    }
}

impl Form {
    fn read(html: &Html, form: ElementRef<'_>, button: ElementRef<'_>, page: &str) -> Self {
        let mut fields: Vec<Field> =
            form.select(&selector("input, select, textarea")).filter_map(|e| Field::read(html, e)).collect();
        if let Some(id) = form.attr("id") {
            let outside = selector(&format!("input[form=\"{id}\"], select[form=\"{id}\"], textarea[form=\"{id}\"]"));
            fields.extend(html.select(&outside).filter_map(|e| Field::read(html, e)));
        }
        let method = if form.attr("method") == Some("post") { Method::POST } else { Method::GET };
        let action = form.attr("action").unwrap_or(page).to_owned();
        let button = button.attr("name").map(|name| (name.to_owned(), button.attr("value").unwrap_or("").to_owned()));
        Self { method, action, fields, button, page: page.to_owned() }
    }

    /// Types into a field, or picks an option by its text or value.
    pub(crate) fn fill(mut self, label: &str, value: &str) -> Self {
        let page = self.page.clone();
        let field = self.field(label);
        field.value = match &field.kind {
            Kind::Select(options) => {
                let option = options.iter().find(|(v, text)| v == value || text == value);
                let option = option.or_else(|| options.iter().find(|(_, text)| text.contains(value)));
                option.unwrap_or_else(|| panic!("{label:?} on {page} has no {value:?}: {options:?}")).0.clone()
            }
            _ => value.to_owned(),
        };
        self
    }

    /// Turns a checkbox or radio on.
    pub(crate) fn tick(mut self, label: &str) -> Self {
        let name = {
            let field = self.field(label);
            field.kind = match field.kind {
                Kind::Tick { radio, .. } => Kind::Tick { on: true, radio },
                _ => panic!("{label:?} cannot be ticked"),
            };
            (field.name.clone(), field.value.clone())
        };
        for field in &mut self.fields {
            if field.kind == (Kind::Tick { on: true, radio: true }) && field.name == name.0 && field.value != name.1 {
                field.kind = Kind::Tick { on: false, radio: true };
            }
        }
        self
    }

    /// Turns a checkbox off.
    pub(crate) fn untick(mut self, label: &str) -> Self {
        let field = self.field(label);
        assert!(matches!(field.kind, Kind::Tick { radio: false, .. }), "{label:?} cannot be unticked");
        field.kind = Kind::Tick { on: false, radio: false };
        self
    }

    /// Whether a checkbox or radio is on.
    pub(crate) fn is_ticked(&mut self, label: &str) -> bool {
        matches!(self.field(label).kind, Kind::Tick { on: true, .. })
    }

    /// What a field holds now.
    pub(crate) fn value(&mut self, label: &str) -> String {
        self.field(label).value.clone()
    }

    /// Whether there is a field with this label.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.fields.iter().any(|f| f.labels.iter().any(|l| l == label))
    }

    fn field(&mut self, label: &str) -> &mut Field {
        let labels: Vec<_> = self.fields.iter().map(|f| f.labels.clone()).collect();
        let exact = labels.iter().position(|all| all.iter().any(|l| l == label));
        let place = exact.or_else(|| labels.iter().position(|all| all.iter().any(|l| l.starts_with(label))));
        let place = place.unwrap_or_else(|| panic!("{}: no field {label:?} among {labels:?}", self.page));
        &mut self.fields[place]
    }
}

impl Field {
    fn read(html: &Html, element: ElementRef<'_>) -> Option<Self> {
        let name = element.attr("name").filter(|name| !name.is_empty())?.to_owned();
        if element.attr("disabled").is_some() {
            return None;
        }
        let kind = match (element.value().name(), element.attr("type")) {
            ("select", _) => {
                let option = |o: ElementRef<'_>| (o.attr("value").map_or_else(|| words(o), str::to_owned), words(o));
                Kind::Select(element.select(&selector("option")).map(option).collect())
            }
            (_, Some(kind @ ("checkbox" | "radio"))) => {
                Kind::Tick { on: element.attr("checked").is_some(), radio: kind == "radio" }
            }
            _ => Kind::Text,
        };
        let value = match &kind {
            Kind::Select(options) => {
                let chosen = element.select(&selector("option[selected]")).next();
                let chosen = chosen.map(|o| o.attr("value").map_or_else(|| words(o), str::to_owned));
                chosen.or_else(|| options.first().map(|(value, _)| value.clone())).unwrap_or_default()
            }
            Kind::Tick { .. } => element.attr("value").unwrap_or("on").to_owned(),
            Kind::Text if element.value().name() == "textarea" => {
                // A line break right after the tag belongs to the markup.
                let text: String = element.text().collect();
                text.strip_prefix('\n').map(str::to_owned).unwrap_or(text)
            }
            Kind::Text => element.attr("value").unwrap_or("").to_owned(),
        };
        let mut labels = Vec::new();
        if let Some(id) = element.attr("id") {
            labels.extend(html.select(&selector(&format!("label[for=\"{id}\"]"))).map(words));
        }
        let around = element.ancestors().filter_map(ElementRef::wrap).find(|e| e.value().name() == "label");
        labels.extend(around.map(words));
        labels.extend(element.attr("aria-label").map(str::to_owned));
        Some(Self { name, value, labels, kind })
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|e| panic!("{css}: {e}"))
}

/// The words inside an element, with single spaces between them.
fn words(element: ElementRef<'_>) -> String {
    let words = element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    // An element that ends before a mark stands close to it on the screen.
    words.replace(" ,", ",").replace(" .", ".")
}

fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
