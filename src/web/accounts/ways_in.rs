//! The ways to sign in that a sign-in page offers: a button for each provider, and the form for a password.

use crate::domain::accounts::providers::provider::Provider;
use crate::web::layer::security_headers;
use crate::web::state::PortalState;
use crate::web::urls;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Response;
use std::collections::BTreeSet;

/// What a sign-in page offers.
#[derive(Clone, Debug)]
pub struct WaysIn {
    providers: Vec<Button>,
    /// Whether the form for a password is on the page.
    pub form: bool,
    /// The names of the providers that make an account for whoever has none.
    pub open: Vec<String>,
}

/// The button of a provider.
#[derive(Clone, Debug)]
pub struct Button {
    /// What people call the provider.
    pub title: String,
    /// Where the form leads.
    pub action: String,
}

/// Whether somebody wants the form for a password, where it is not on the page by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They do.
    Asked,
    /// They do not.
    AsUsual,
}

impl Form {
    /// From the parameter `with`.
    pub fn asked(with: &str) -> Self {
        if with == "password" { Self::Asked } else { Self::AsUsual }
    }
}

impl WaysIn {
    /// Those of this instance.
    pub fn new(state: &PortalState, form: Form) -> Self {
        let all = state.providers.all();
        let button = |name: &String, title: &String| Button { title: title.clone(), action: urls::sign_in_with(name) };
        Self {
            providers: all.iter().map(|one| button(&one.name, &one.title)).collect(),
            form: state.accounts.password_sign_in || form == Form::Asked,
            open: all.iter().filter(|one| one.makes_accounts()).map(|one| one.title.clone()).collect(),
        }
    }

    /// The buttons.
    pub fn buttons(&self) -> &[Button] {
        &self.providers
    }

    /// Whether there is a choice between buttons and form.
    pub fn is_mixed(&self) -> bool {
        self.form && !self.providers.is_empty()
    }

    /// How the buttons look: they are the thing to press where there is nothing else.
    pub fn tone(&self) -> &'static str {
        if self.form { "" } else { "is-primary" }
    }

    /// The providers by which one gets an account: `Acme or Widgets`; empty: by none.
    pub fn newcomers(&self) -> String {
        self.open.join(" or ")
    }
}

/// The schemes of providers, as sources to which a form may lead. Browsers check every redirect that follows a form, and a
/// provider may send people on to other hosts, so a scheme is as close as it gets.
pub fn form_targets(state: &PortalState) -> String {
    let schemes: BTreeSet<&str> = state.providers.all().iter().map(Provider::scheme).collect();
    schemes.into_iter().collect::<Vec<_>>().join(" ")
}

/// Lets the forms of a page lead to the providers.
pub fn leads_on(state: &PortalState, mut response: Response) -> Response {
    if let Some(policy) = security_headers::policy(state, &form_targets(state)) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
