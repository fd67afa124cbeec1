//! Every URL in the product, and the order of the layers; the only file with paths in it.

use crate::base::error::Error;
use crate::web::accounts::{
    account, consents, links, own, password_reset, people, production, providers, sessions, sign_in, sign_up,
};
use crate::web::catalog::{document, index, machines, overview, reference, subscribe, subscribers};
use crate::web::console::calls;
use crate::web::credentials::{
    api_keys, application_keys, client, client_changes, direct, direct_changes, key_changes, new_key, settings,
    test_token, tokens,
};
use crate::web::error::Failure;
use crate::web::layer::security_headers::SecurityHeaders;
use crate::web::layer::{compression, cross_site, error_pages, members_only, request_log, security_headers, session};
use crate::web::oauth::{authorize, device, logout};
use crate::web::state::PortalState;
use crate::web::usage::{api as api_usage, refusals};
use crate::web::{applications, assets, home, look, oauth, subscriptions};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use std::any::Any;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

/// The largest form, in bytes.
const FORM_BYTES: usize = 256 * 1024;
/// How long a page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The portal.
pub fn router(state: PortalState) -> Router {
    Router::new()
        .merge(assets::routes())
        .merge(look::routes())
        .merge(oauth::routes())
        .merge(pages(&state))
        .layer(
            // One layer of two: each costs the token endpoint an allocation or two.
            ServiceBuilder::new()
                // Outermost: it also counts what the layers inside refuse.
                .layer(from_fn_with_state(state.clone(), request_log::layer))
                .layer(from_fn_with_state(SecurityHeaders::new(&state), security_headers::layer)),
        )
        .with_state(state)
}

/// What browsers look at. From the inside out: foreign forms are refused before a handler reads them; what takes too
/// long or panics becomes a failure; failures become pages; pages travel compressed, and know who looks.
fn pages(state: &PortalState) -> Router<PortalState> {
    Router::new()
        .merge(home_pages())
        .merge(accounts())
        .merge(catalog())
        .merge(applications())
        .merge(credentials())
        .merge(devices())
        .merge(authorization())
        .fallback(async || Failure::from(Error::NotFound))
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(cross_site::layer(state))
        .layer(axum::middleware::from_fn(within_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), members_only::layer))
        .layer(from_fn_with_state(state.clone(), error_pages::layer))
        .layer(compression::layer())
        .layer(from_fn_with_state(state.clone(), session::layer))
}

fn home_pages() -> Router<PortalState> {
    Router::new().route("/", get(home::show)).route("/first-steps/dismissal", post(home::dismiss_steps))
}

fn accounts() -> Router<PortalState> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::create))
        .route("/sign-in/with/{provider}", post(providers::begin))
        .route("/sign-in/with/{provider}/callback", get(providers::finish))
        .route("/sign-out", post(sign_in::delete))
        .route("/setup/{token}", get(links::setup).post(links::create_admin))
        .route("/password/{token}", get(links::password).post(links::set_password))
        .route("/account", get(account::show))
        .route("/account/applications/{client}/deletion", get(consents::ask_deletion).post(consents::delete))
        .route("/account/details", get(own::details).post(own::rename))
        .route("/account/production", get(production::show).post(production::ask))
        .route("/people/{id}/production", post(production::approve))
        .route("/people/{id}/production/rejection", get(production::ask_rejection).post(production::reject))
        .route("/account/password", get(own::password).post(own::change_password))
        .route("/account/connections/{provider}", post(providers::connect))
        .route("/account/connections/{provider}/deletion", post(providers::disconnect))
        .route("/account/sessions", get(sessions::index))
        .route("/account/sessions/deletion", get(sessions::ask_deletion).post(sessions::delete_all))
        .route("/account/sessions/{id}/deletion", post(sessions::delete))
        .route("/session", get(sessions::standing).post(sessions::keep))
        .route("/sign-up", get(sign_up::show).post(sign_up::create))
        .route("/sign-up/sent", get(sign_up::sent))
        .route("/sign-up/{token}", get(sign_up::link).post(sign_up::finish))
        .route("/password-reset", get(password_reset::show).post(password_reset::create))
        .route("/password-reset/sent", get(password_reset::sent))
        .route("/people", get(people::index).post(people::invite))
        .route("/people/new", get(people::new))
        .route("/theme", post(account::set_theme))
}

fn catalog() -> Router<PortalState> {
    Router::new()
        .route("/apis", get(index::show))
        .route("/apis.md", get(machines::list))
        .route("/llms.txt", get(machines::llms))
        .route("/.well-known/api-catalog", get(machines::catalog))
        .route("/apis/{name}", get(overview::newest))
        .route("/apis/{name}/{major}", get(overview::show))
        .route("/apis/{name}/{major}/operations", get(reference::overview::moved))
        .route("/apis/{name}/{major}/reference", get(reference::overview::show))
        .route("/apis/{name}/{major}/reference.md", get(reference::overview::text))
        .route("/apis/{name}/{major}/reference/{endpoint}", get(reference::overview::of_endpoint))
        .route("/apis/{name}/{major}/reference/{endpoint}/{operation}", get(reference::operation::show))
        .route("/apis/{name}/{major}/reference/{endpoint}/schemas/{schema}", get(reference::schema::show))
        .route("/apis/{name}/{major}/changes", get(reference::changes::show))
        .route("/apis/{name}/{major}/changes.md", get(reference::changes::text))
        .route("/apis/{name}/{major}/openapi.json", get(reference::download::json))
        .route("/apis/{name}/{major}/openapi.yaml", get(reference::download::yaml))
        .route("/apis/{name}/{major}/docs/{document}", get(document::show))
        .route("/apis/{name}/{major}/definition", get(reference::download::published))
        .route("/apis/{name}/{major}/docs/{document}/file", get(document::download))
        .route("/apis/{name}/{major}/subscriptions/new", get(subscribe::new))
        .route("/apis/{name}/{major}/subscriptions", post(subscribe::create))
        .route("/apis/{name}/{major}/subscribers", get(subscribers::index))
        .route("/apis/{name}/{major}/usage", get(api_usage::show_page))
        .route("/apis/{name}/{major}/usage/file", get(api_usage::file))
}

fn applications() -> Router<PortalState> {
    Router::new()
        .route("/applications", get(applications::list::index).post(applications::list::create))
        .route("/applications/new", get(applications::list::new))
        .route("/applications/{id}", get(applications::overview::index))
        .route("/applications/{id}/details", get(applications::details::edit).post(applications::details::save))
        .route("/applications/{id}/deletion", get(applications::deletion::ask).post(applications::deletion::delete))
        .route("/applications/{id}/subscriptions", get(subscriptions::index::index).post(subscriptions::new::add))
        .route("/applications/{id}/subscriptions/new", get(subscriptions::new::new))
        .route("/applications/{id}/sharing", get(applications::sharing::index).post(applications::sharing::add))
        .route("/applications/{id}/sharing/deletion", post(applications::sharing::remove))
        .route("/applications/{id}/departure", get(applications::departure::ask).post(applications::departure::leave))
        .route("/applications/{id}/transfer", get(applications::transfer::ask).post(applications::transfer::give))
        .route("/people/{id}/applications", get(applications::of_person::index))
        .route("/applications/{id}/activity", get(applications::activity::index))
        .route("/applications/{id}/usage", get(applications::usage::index))
        .route("/applications/{id}/usage/file", get(applications::usage::file))
        .route("/applications/{id}/refusals", get(applications::refusals::index))
        .route("/refusals", get(refusals::index))
        .route("/subscriptions/{id}/plan", get(subscriptions::plan::edit).post(subscriptions::plan::save))
        .route("/subscriptions/{id}/plan/deletion", post(subscriptions::plan::withdraw))
        .route("/approvals", get(subscriptions::approvals::index))
        .route("/subscriptions/{id}/approval", post(subscriptions::approvals::approve))
        .route(
            "/subscriptions/{id}/rejection",
            get(subscriptions::rejection::ask).post(subscriptions::rejection::reject),
        )
        .route("/subscriptions/{id}/block", get(subscriptions::block::ask).post(subscriptions::block::block))
        .route("/subscriptions/{id}/block/deletion", post(subscriptions::block::unblock))
        .route("/subscriptions/{id}/deletion", get(subscriptions::deletion::ask).post(subscriptions::deletion::delete))
}

fn credentials() -> Router<PortalState> {
    Router::new()
        .route("/applications/{id}/credentials/{environment}", get(client::index).post(client::generate))
        .route("/applications/{id}/credentials/{environment}/settings", get(settings::edit).post(settings::save))
        .route(
            "/applications/{id}/credentials/{environment}/regeneration",
            get(client_changes::ask_regeneration).post(client_changes::regenerate),
        )
        .route("/applications/{id}/credentials/{environment}/old-secret/deletion", post(client_changes::end_old))
        .route(
            "/applications/{id}/credentials/{environment}/tokens/revocation",
            get(client_changes::ask_tokens_revocation).post(client_changes::revoke_tokens),
        )
        .route(
            "/applications/{id}/credentials/{environment}/deletion",
            get(client_changes::ask_deletion).post(client_changes::delete),
        )
        .route("/applications/{id}/api-keys/{environment}", get(application_keys::index))
        .route("/applications/{id}/api-keys/{environment}/new", get(application_keys::new))
        .route("/applications/{id}/credentials/{environment}/token", post(test_token::generate))
        .route("/apis/{name}/{major}/calls", post(calls::create))
        .route("/tokens", get(tokens::ask).post(tokens::inspect))
        .route("/apis/{name}/{major}/keys/{environment}", get(api_keys::index).post(new_key::generate))
        .route("/apis/{name}/{major}/keys/{environment}/new", get(new_key::new))
        .merge(direct_credentials())
        .route("/api-keys/{id}/regeneration", get(key_changes::ask_regeneration).post(key_changes::regenerate))
        .route("/api-keys/{id}/old-key/deletion", post(key_changes::end_old))
        .route("/api-keys/{id}/deletion", get(key_changes::ask_deletion).post(key_changes::delete))
}

fn devices() -> Router<PortalState> {
    Router::new()
        .route("/device", get(device::show).post(device::enter))
        .route("/device/decision", post(device::decide))
}

/// The pages of the authorization and logout endpoints. Their POST is among the OAuth endpoints: it comes from other sites.
fn authorization() -> Router<PortalState> {
    Router::new()
        .route("/oauth2/authorize", get(authorize::begin))
        .route("/oauth2/authorize/{handle}", get(authorize::show).post(authorize::decide))
        .route("/oauth2/authorize/{handle}/sign-in", get(authorize::sign_in).post(authorize::create_session))
        .route("/oauth2/logout", get(logout::begin))
        .route("/oauth2/logout/confirmation", post(logout::confirm))
}

fn direct_credentials() -> Router<PortalState> {
    Router::new()
        .route("/apis/{name}/{major}/credentials/{environment}", post(direct::generate))
        .route(
            "/apis/{name}/{major}/credentials/{environment}/regeneration",
            get(direct_changes::ask_regeneration).post(direct_changes::regenerate),
        )
        .route("/apis/{name}/{major}/credentials/{environment}/old-secret/deletion", post(direct_changes::end_old))
        .route(
            "/apis/{name}/{major}/credentials/{environment}/deletion",
            get(direct_changes::ask_deletion).post(direct_changes::delete),
        )
        .route(
            "/apis/{name}/{major}/credentials/{environment}/conversion",
            get(direct_changes::ask_conversion).post(direct_changes::convert),
        )
}

async fn within_time(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    match tokio::time::timeout(PAGE_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::TimedOut.into_response(),
    }
}

/// A panic is our fault like any other internal error; what it said goes into the log.
#[expect(clippy::needless_pass_by_value, reason = "tower-http hands the payload over by value")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Failure::from(Error::internal(format!("a handler panicked: {said}"))).into_response()
}
