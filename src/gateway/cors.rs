//! Calls from pages of other origins (Fetch standard, CORS protocol): from those that an API allows, and from the portal's
//! own, which may call every API with nothing to set up.

use crate::base::policy;
use crate::gateway::body::Reply;
use crate::gateway::policy::{Unusable, name, value};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// Seconds for which a browser keeps the answer of a preflight, where nobody says otherwise.
const USUAL_MAX_AGE: u32 = 600;

/// The gateway's own headers that pages may read.
const OWN: [&str; 12] = [
    "api-version",
    "x-request-id",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
    "www-authenticate",
    "deprecation",
    "sunset",
    "link",
];

/// What an API allows to pages, ready to be said.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Origins,
    /// Nothing: those that the page asks for.
    methods: Option<HeaderValue>,
    /// Nothing: those that the page asks for.
    headers: Option<HeaderValue>,
    expose: HeaderValue,
    cookies: Cookies,
    max_age: HeaderValue,
}

#[derive(Debug)]
enum Origins {
    All,
    These(Box<[HeaderValue]>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cookies {
    Allowed,
    Withheld,
}

/// Who asks, as far as the CORS protocol goes.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    /// No page of another origin.
    Nobody,
    /// A page of the portal.
    Portal(HeaderValue),
    /// A page of this origin.
    Page(HeaderValue),
}

impl Asker {
    /// From the headers of a request.
    pub(super) fn of(headers: &HeaderMap, portal: &str) -> Self {
        match headers.get(ORIGIN) {
            None => Self::Nobody,
            Some(origin) if origin.as_bytes() == portal.as_bytes() => Self::Portal(origin.clone()),
            Some(origin) => Self::Page(origin.clone()),
        }
    }
}

impl Cors {
    /// From what was published.
    pub(super) fn new(cors: &policy::Cors) -> Result<Self, Unusable> {
        let origins = if cors.origins.iter().any(|origin| origin == "*") {
            Origins::All
        } else {
            Origins::These(cors.origins.iter().map(|origin| value("origin", origin)).collect::<Result<_, _>>()?)
        };
        // Every page of the web with the cookies of whoever looks at it: browsers refuse that, and so do we.
        let cookies = match (&origins, cors.credentials) {
            (Origins::All, true) => return Err(Unusable::AllWithCookies),
            (_, true) => Cookies::Allowed,
            (_, false) => Cookies::Withheld,
        };
        let list = |names: &[String]| {
            let text = names.join(", ");
            if text.is_empty() { Ok(None) } else { value("cors", &text).map(Some) }
        };
        for header in cors.headers.iter().chain(&cors.expose) {
            name(header)?;
        }
        let expose: Vec<&str> = cors.expose.iter().map(String::as_str).chain(OWN).collect();
        Ok(Self {
            origins,
            methods: list(&cors.methods)?,
            headers: list(&cors.headers)?,
            expose: value("cors", &expose.join(", "))?,
            cookies,
            max_age: cors.max_age_seconds.unwrap_or(USUAL_MAX_AGE).into(),
        })
    }

    /// What stands in `Access-Control-Allow-Origin` for a page; nothing if it may not call.
    fn allows(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.origins {
            Origins::All => Some(HeaderValue::from_static("*")),
            Origins::These(origins) => origins.contains(origin).then(|| origin.clone()),
        }
    }
}

/// Whether a page asks if it may call, and the gateway answers: the portal's always, others where the API has a policy.
pub(super) fn is_preflight<B>(request: &Request<B>, asker: &Asker, cors: Option<&Cors>) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && match asker {
            Asker::Nobody => false,
            Asker::Portal(_) => true,
            Asker::Page(_) => cors.is_some(),
        }
}

/// The answer to a preflight, but for what [`expose`] adds to every answer.
pub(super) fn preflight<B>(request: &Request<B>, asker: &Asker, cors: Option<&Cors>) -> Response<Reply> {
    let mut response = Response::new(Reply::text(String::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let cors = match (asker, cors) {
        // Trying out in the portal works with whatever the API takes.
        (Asker::Portal(_), _) => None,
        (Asker::Page(origin), Some(cors)) if cors.allows(origin).is_some() => Some(cors),
        // No word of permission is a no.
        _ => return response,
    };
    let headers = response.headers_mut();
    let answers = [
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS, cors.and_then(|cors| cors.methods.as_ref())),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS, cors.and_then(|cors| cors.headers.as_ref())),
    ];
    for (asked, allowed, listed) in answers {
        if let Some(value) = listed.or_else(|| request.headers().get(&asked)) {
            headers.insert(allowed, value.clone());
        }
        if listed.is_none() {
            headers.append(VARY, asked.into());
        }
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, cors.map_or_else(|| USUAL_MAX_AGE.into(), |cors| cors.max_age.clone()));
    response
}

/// Says in an answer which pages may read it.
pub(super) fn expose(headers: &mut HeaderMap, asker: Asker, cors: Option<&Cors>) {
    let (allowed, expose, cookies) = match (asker, cors) {
        (Asker::Portal(origin), _) => (Some(origin), HeaderValue::from_static("*"), Cookies::Withheld),
        (Asker::Page(origin), Some(cors)) => (cors.allows(&origin), cors.expose.clone(), cors.cookies),
        (Asker::Nobody, Some(cors)) => (None, cors.expose.clone(), cors.cookies),
        (_, None) => return,
    };
    // A memory between us and the page must not give the answer for one origin to another, or to nobody.
    let is_for_all = cors.is_some_and(|cors| matches!(cors.origins, Origins::All));
    if !is_for_all || allowed.as_ref().is_some_and(|origin| origin != "*") {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        if cookies == Cookies::Allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// What a backend says about pages of other origins does not count where the API has a policy.
pub(super) fn remove_foreign(headers: &mut HeaderMap, cors: Option<&Cors>) {
    let is_foreign = |name: &HeaderName| name.as_str().starts_with("access-control-");
    if cors.is_some() && headers.keys().any(is_foreign) {
        let found: Vec<HeaderName> = headers.keys().filter(|name| is_foreign(name)).cloned().collect();
        for name in found {
            headers.remove(name);
        }
    }
}
