//! Sending the console's form: how to call, for a script; or the call itself, by the portal, for a browser without one.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::catalog::model::Endpoint;
use crate::domain::catalog::reference::{self, Found};
use crate::domain::oauth::testing::{self, Credential, Kind, Wanted};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::console::answer::{Body, Shown};
use crate::web::console::body::{self, Held, Part, Sent};
use crate::web::console::filled::{Filled, Upload};
use crate::web::console::form::{Access, Console, Subject, Typed, code};
use crate::web::console::multipart;
use crate::web::console::prepare::{self, Prepared, Problems};
use crate::web::console::snippets;
use crate::web::error::{Failure, Result};
use crate::web::form::Pairs;
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::time::Instant;

#[derive(Template)]
#[template(path = "console/call.html")]
struct CallPage {
    shell: Shell,
    frame: Frame,
    console: Console,
    method: String,
    path: String,
    back: String,
}

/// What the form is about, found.
struct Place {
    frame: Frame,
    endpoint: Endpoint,
    slug: String,
    found: Found,
    environment: Environment,
    kind: Option<Kind>,
}

impl Place {
    async fn load(state: &PortalState, viewer: &Viewer, (name, major): (&str, Major), fields: &Pairs) -> Result<Self> {
        let frame = Frame::load(state, viewer, name, major, Pane::Reference).await?;
        let all = frame.version.current().map_or(&[][..], |v| &v.endpoints);
        let endpoint = all.iter().find(|e| e.has_definition && e.name == fields.one("endpoint")).cloned();
        let endpoint = endpoint.ok_or(Failure::Domain(Error::NotFound))?;
        let slug = fields.one("operation").to_owned();
        let found = reference::operation(&state.ctx, endpoint.id, &slug).await?;
        let chosen = fields.one("environment");
        let environment = Environment::ALL.into_iter().find(|environment| environment.as_str() == chosen);
        let environment = environment.unwrap_or(Environment::Sandbox);
        Ok(Self { frame, endpoint, slug, found, environment, kind: Kind::parse(fields.one("kind")) })
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            version: &self.frame.version,
            endpoint: &self.endpoint,
            slug: &self.slug,
            operation: &self.found.operation,
            page: &self.found.page,
        }
    }

    fn prepare(&self, state: &PortalState, filled: &Filled) -> std::result::Result<Prepared, Problems> {
        let base = self.frame.version.url(state.urls.gateway(self.environment), &self.endpoint);
        prepare::typed(&base, &self.found.operation, &self.found.page, filled)
    }

    /// A credential for the call; none where the API asks for none.
    async fn credential(&self, state: &PortalState, member: &Member, fields: &Pairs) -> Result<Option<Credential>> {
        let api = &self.frame.version.api;
        if !api.takes_api_key && !api.takes_bearer {
            return Ok(None);
        }
        let application = match fields.one("application") {
            "" => None,
            id => Some(id.parse().map_err(|_not_an_id| Failure::Domain(Error::NotFound))?),
        };
        let wanted = Wanted {
            api: (&api.name, self.frame.version.major),
            endpoint: &self.endpoint.name,
            environment: self.environment,
            application,
            kind: self.kind,
        };
        Ok(Some(testing::credential(&state.ctx, &state.issuer, member, &wanted).await?))
    }
}

/// Takes the form.
pub async fn create(
    State(state): State<PortalState>,
    shell: Shell,
    headers: HeaderMap,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
    filled: Filled,
) -> Result {
    let fields = &filled.fields;
    let viewer = Viewer::Member(member.clone());
    let place = Place::load(&state, &viewer, (&name, major), fields).await?;
    let prepared = place.prepare(&state, &filled);
    if headers.get(ACCEPT).is_some_and(|accept| accept == "application/json") {
        return told(&state, &member, &place, prepared, fields).await;
    }
    let call = match prepared {
        Ok(call) => call,
        Err(problems) => {
            let call = code(&state, place.subject(), (place.environment, place.kind), None);
            let typed = Typed { fields, problems: &problems };
            let console = Console::again(&state, &viewer, place.subject(), call, typed).await?;
            return page::refuse(&CallPage::new(shell, place, console));
        }
    };
    let shown = code(&state, place.subject(), (place.environment, place.kind), Some(&call));
    let none = Problems::new();
    let mut console =
        Console::again(&state, &viewer, place.subject(), shown, Typed { fields, problems: &none }).await?;
    match place.credential(&state, &member, fields).await {
        Ok(credential) => console.answer = Some(send(&state, &place, call, credential.as_ref()).await?),
        Err(Failure::Domain(error @ (Error::Conflict(_) | Error::Invalid(_)))) => {
            console.problem = Failure::from(error).text();
            return page::refuse(&CallPage::new(shell, place, console));
        }
        Err(other) => return Err(other),
    }
    page::show_once(&CallPage::new(shell, place, console))
}

impl CallPage {
    fn new(shell: Shell, place: Place, console: Console) -> Self {
        let version = &place.frame.version;
        Self {
            back: urls::api_operation(&version.api.name, version.major, &place.endpoint.name, &place.slug),
            method: place.found.operation.method,
            path: place.found.operation.path,
            shell,
            frame: place.frame,
            console,
        }
    }
}

/// How to call, for a script: what to send, and the same as code. With `only=code` no credential is made; with `kept` the
/// script has one that still lives.
async fn told(
    state: &PortalState,
    member: &Member,
    place: &Place,
    prepared: std::result::Result<Prepared, Problems>,
    fields: &Pairs,
) -> Result {
    let call = match prepared {
        Ok(call) => call,
        // Whoever is still typing is not told of mistakes; the code stays as it is.
        Err(_) if fields.one("only") == "code" => return Ok(answer(StatusCode::OK, &json!({ "code": null }))),
        Err(problems) => {
            let fields: serde_json::Map<String, Value> =
                problems.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
            return Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "fields": fields })));
        }
    };
    let code: Vec<String> = snippets::all(&code(state, place.subject(), (place.environment, place.kind), Some(&call)))
        .into_iter()
        .map(|snippet| snippet.text)
        .collect();
    if fields.one("only") == "code" {
        return Ok(answer(StatusCode::OK, &json!({ "code": code })));
    }
    let credential = if fields.one("kept").is_empty() {
        match place.credential(state, member, fields).await {
            Ok(credential) => credential,
            Err(failure @ Failure::Domain(Error::Internal(_))) => return Err(failure),
            Err(failure) => return Ok(answer(failure.status(), &json!({ "problem": failure.text() }))),
        }
    } else {
        None
    };
    let now = state.ctx.clock.now();
    let credential = credential.map(|credential| {
        let seconds = (credential.expires_at - now).whole_seconds();
        json!({ "header": credential.header, "value": credential.value, "seconds": seconds })
    });
    Ok(answer(
        StatusCode::OK,
        &json!({
            "method": call.method,
            "url": call.url,
            "headers": call.headers,
            "body": match &call.body { Some(Sent::Text(text)) => Some(text), _ => None },
            "file": match &call.body { Some(Sent::File(file)) => Some(file_of(place, fields, file)), _ => None },
            "form": match &call.body { Some(Sent::Form(parts)) => Some(parts.iter().map(part).collect::<Vec<_>>()), _ => None },
            "credential": credential,
            "code": code,
        }),
    ))
}

/// Which file of the form is the body; `open`: its own media type is the one to send.
fn file_of(place: &Place, fields: &Pairs, file: &Upload) -> Value {
    let chosen = body::chosen(&place.found.page, fields.one("media"));
    let is_open = chosen.is_some_and(|(content, _)| content.media_type.contains('*'));
    json!({ "field": file.field, "index": file.index, "open": is_open })
}

/// A part of the body: its text, or which file of the form it is.
fn part(part: &Part) -> Value {
    match &part.held {
        Held::Text(text) => json!({ "name": part.name, "type": part.media, "text": text }),
        Held::File(file) => {
            json!({ "name": part.name, "type": part.media, "field": file.field, "index": file.index })
        }
    }
}

fn answer(status: StatusCode, value: &Value) -> axum::response::Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

/// Calls the gateway of this process, and nothing else.
async fn send(state: &PortalState, place: &Place, call: Prepared, credential: Option<&Credential>) -> Result<Shown> {
    let internal = |error: &dyn std::fmt::Display| Failure::from(Error::internal(error.to_string()));
    let host = authority(state.urls.gateway(place.environment));
    // What stands before the gateway takes the path of its public URL away; we stand behind it.
    let target = format!("{}{}", place.frame.version.url("", &place.endpoint), call.target);
    let mut request = Request::builder().method(&*call.method).uri(target).header(HOST, host);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    if let Some(credential) = credential {
        let mut value = HeaderValue::from_str(&credential.value).map_err(|error| internal(&error))?;
        value.set_sensitive(true);
        request = request.header(&credential.header, value);
    }
    let body = match call.body {
        None => Bytes::new(),
        Some(Sent::Text(text)) => text.into(),
        Some(Sent::File(file)) => file.bytes,
        Some(Sent::Form(parts)) => {
            let boundary = format!("portico-{:032x}", u128::from_be_bytes(state.ctx.random.bytes()));
            request = request.header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"));
            multipart::write(&parts.into_iter().map(written).collect::<Vec<_>>(), &boundary)
        }
    };
    let request = request.body(body).map_err(|error| internal(&error))?;
    let began = Instant::now();
    let answer = state.gateway.call(place.environment, request).await.map_err(|error| internal(&error))?;
    Ok(Shown::new(&answer, began.elapsed()))
}

/// A part as a browser would write it.
fn written(part: Part) -> multipart::Part {
    let Part { name, media, held } = part;
    match held {
        Held::Text(text) => multipart::Part { name, file: None, media, bytes: text.into() },
        Held::File(file) => {
            let own = if file.media.is_empty() { "application/octet-stream".to_owned() } else { file.media };
            let media = if media.is_empty() { own } else { media };
            multipart::Part { name, file: Some(file.name), media, bytes: file.bytes }
        }
    }
}

/// `host[:port]` of a base URL.
fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}
