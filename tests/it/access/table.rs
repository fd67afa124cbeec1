//! The table: each route, what is sent to it, and what everybody gets.

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gets {
    /// A page or file.
    Ok,
    /// On to another page.
    On,
    /// The way to sign in.
    SignIn,
    /// "This is not open to you."
    No,
    /// Nothing: for them it does not exist.
    Nothing,
    /// The form again: it may be used, but not with these fields.
    Again,
    /// 401, as machines get it.
    Unknown,
    /// Elsewhere is asked, which does not answer here.
    Away,
}

use Gets::{Again, Away, No, Nothing, Ok, On, SignIn, Unknown};

/// In the order of [`Row::gets`]; everybody but the owner first, because some forms end what they are about.
pub(super) const WHO: [&str; 6] = ["visitor", "other", "reader", "publisher", "admin", "owner"];

#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) route: &'static str,
    pub(super) method: &'static str,
    /// The path to ask for, where it is not the route with the owner's ids in it.
    pub(super) path: &'static str,
    pub(super) form: &'static [(&'static str, &'static str)],
    pub(super) gets: [Gets; 6],
}

const fn get(route: &'static str, gets: [Gets; 6]) -> Row {
    Row { route, method: "get", path: route, form: &[], gets }
}

const fn post(route: &'static str, form: &'static [(&'static str, &'static str)], gets: [Gets; 6]) -> Row {
    Row { route, method: "post", path: route, form, gets }
}

const fn at(path: &'static str, row: Row) -> Row {
    Row { path, ..row }
}

const EVERYBODY: [Gets; 6] = [Ok; 6];
const NOBODY: [Gets; 6] = [Nothing; 6];
const MEMBERS: [Gets; 6] = [SignIn, Ok, Ok, Ok, Ok, Ok];
/// What only publishers and administrators see here: "owner" owns an application, not the API.
const OVERSEEN: [Gets; 6] = [SignIn, Nothing, Nothing, Ok, Ok, Nothing];
/// What they decide, and then return to a list.
const DECIDE: [Gets; 6] = [SignIn, Nothing, Nothing, On, On, Nothing];
/// What an application's owner and readers see.
const READ: [Gets; 6] = [SignIn, Nothing, Ok, Nothing, Nothing, Ok];
/// Forms that change an application: the page before, and the change.
const ASK: [Gets; 6] = [SignIn, Nothing, No, Nothing, Nothing, Ok];
const CHANGE: [Gets; 6] = [SignIn, Nothing, No, Nothing, Nothing, On];

/// Credentials directly on an API.
const DIRECT: &str = "/apis/pets/v1/credentials/sandbox";
const DIRECT_REGENERATION: &str = "/apis/pets/v1/credentials/sandbox/regeneration";
const DIRECT_DELETION: &str = "/apis/pets/v1/credentials/sandbox/deletion";
const DIRECT_CONVERSION: &str = "/apis/pets/v1/credentials/sandbox/conversion";
/// Who may generate them, and then sees and changes what is theirs.
const MAKE: [Gets; 6] = [SignIn, Ok, Ok, No, Ok, Ok];
const THEIRS: [Gets; 6] = [SignIn, Ok, Ok, Nothing, Ok, Ok];
const THEIRS_DONE: [Gets; 6] = [SignIn, On, On, Nothing, On, On];
const THEIRS_GONE: [Gets; 6] = [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing];
/// Advanced configurations that are right.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("grant_types", "client_credentials"),
    ("access_token_seconds", "600"),
    ("refresh_token_seconds", "3600"),
    ("id_token_seconds", "600"),
    ("refresh_leeway_seconds", "5"),
    ("scopes_of", "all"),
];

pub(super) const TABLE: &[Row] = &[
    get("/", EVERYBODY),
    post("/first-steps/dismissal", &[], [SignIn, On, On, On, On, On]),
    // Accounts
    get("/sign-in", [Ok, On, On, On, On, On]),
    post("/sign-in", &[("email", "{who}@nowhere.example"), ("password", "wrong")], [Again; 6]),
    // A provider that is there, and a way back from it on which nobody is
    at("/sign-in/with/acme", post("/sign-in/with/{provider}", &[], [Away; 6])),
    at("/sign-in/with/acme/callback", get("/sign-in/with/{provider}/callback", [Again; 6])),
    at("/sign-in/with/none", post("/sign-in/with/{provider}", &[], NOBODY)),
    at("/sign-in/with/none/callback", get("/sign-in/with/{provider}/callback", NOBODY)),
    post("/theme", &[("theme", "dark")], [On; 6]),
    get("/account", MEMBERS),
    get("/account/details", MEMBERS),
    post("/account/details", &[("name", "{who}")], [SignIn, On, On, On, On, On]),
    get("/account/password", MEMBERS),
    post("/account/password", &[("current", "wrong")], [SignIn, Again, Again, Again, Again, Again]),
    // Whoever may hold production credentials has nothing to ask for
    get("/account/production", [SignIn, On, On, Ok, On, On]),
    post("/account/production", &[("note", "We go live.")], [SignIn, On, On, On, On, On]),
    at(
        "/account/connections/acme",
        post("/account/connections/{provider}", &[], [SignIn, Away, Away, Away, Away, Away]),
    ),
    at(
        "/account/connections/acme/deletion",
        post("/account/connections/{provider}/deletion", &[], [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ),
    get("/account/sessions", MEMBERS),
    get("/account/sessions/deletion", MEMBERS),
    at(
        "/account/sessions/01935b6e-0000-7000-8000-000000000000/deletion",
        post("/account/sessions/{id}/deletion", &[], [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ),
    get("/session", [Unknown, Ok, Ok, Ok, Ok, Ok]),
    post("/session", &[], MEMBERS),
    get("/sign-up", [Ok, On, On, On, On, On]),
    post("/sign-up", &[("name", "{who}"), ("email", "nobody")], [Again; 6]),
    get("/sign-up/sent", EVERYBODY),
    get("/sign-up/{token}", NOBODY),
    post("/sign-up/{token}", &[("name", "{who}"), ("password", "a long enough one")], NOBODY),
    get("/password-reset", EVERYBODY),
    post("/password-reset", &[("email", "nobody")], [Again; 6]),
    get("/password-reset/sent", EVERYBODY),
    // Everybody who has an account: for administrators
    get("/people", [SignIn, Nothing, Nothing, Nothing, Ok, Nothing]),
    at(
        "/people/01935b6e-0000-7000-8000-000000000000/production",
        post("/people/{id}/production", &[], [SignIn, Nothing, Nothing, Nothing, On, Nothing]),
    ),
    at(
        "/people/01935b6e-0000-7000-8000-000000000000/production/rejection",
        get("/people/{id}/production/rejection", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ),
    at(
        "/people/01935b6e-0000-7000-8000-000000000000/production/rejection",
        post("/people/{id}/production/rejection", &[], [SignIn, Nothing, Nothing, Nothing, On, Nothing]),
    ),
    get("/people/new", [SignIn, Nothing, Nothing, Nothing, Ok, Nothing]),
    post("/people", &[("email", "nobody")], [SignIn, Nothing, Nothing, Nothing, Again, Nothing]),
    get("/account/applications/{client}/deletion", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    post("/account/applications/{client}/deletion", &[], [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    get("/setup/{token}", NOBODY),
    post("/setup/{token}", &[], NOBODY),
    get("/password/{token}", NOBODY),
    post("/password/{token}", &[("password", "a long enough one")], NOBODY),
    // Catalogue: public for everybody, private for members, restricted for its role and for whoever publishes
    get("/apis", EVERYBODY),
    get("/apis.md", EVERYBODY),
    get("/llms.txt", EVERYBODY),
    get("/.well-known/api-catalog", EVERYBODY),
    at("/apis/pets", get("/apis/{name}", [On; 6])),
    at("/apis/vault", get("/apis/{name}", [Nothing, Nothing, Nothing, On, On, Nothing])),
    at("/apis/pets/v1", get("/apis/{name}/{major}", EVERYBODY)),
    at("/apis/reports/v2", get("/apis/{name}/{major}", [Nothing, Ok, Ok, Ok, Ok, Ok])),
    at("/apis/vault/v1", get("/apis/{name}/{major}", [Nothing, Nothing, Nothing, Ok, Ok, Nothing])),
    at("/apis/pets/v2", get("/apis/{name}/{major}", NOBODY)),
    at("/apis/pets/1", get("/apis/{name}/{major}", NOBODY)),
    at("/apis/pets/v1/operations", get("/apis/{name}/{major}/operations", [On; 6])),
    at("/apis/pets/v1/reference", get("/apis/{name}/{major}/reference", EVERYBODY)),
    at("/apis/vault/v1/reference", get("/apis/{name}/{major}/reference", NOBODY)),
    at("/apis/pets/v1/reference.md", get("/apis/{name}/{major}/reference.md", EVERYBODY)),
    at("/apis/vault/v1/reference.md", get("/apis/{name}/{major}/reference.md", NOBODY)),
    at("/apis/pets/v1/reference/default", get("/apis/{name}/{major}/reference/{endpoint}", EVERYBODY)),
    at("/apis/vault/v1/reference/default", get("/apis/{name}/{major}/reference/{endpoint}", NOBODY)),
    at(
        "/apis/pets/v1/reference/default/list-pets",
        get("/apis/{name}/{major}/reference/{endpoint}/{operation}", EVERYBODY),
    ),
    at("/apis/vault/v1/reference/default/x", get("/apis/{name}/{major}/reference/{endpoint}/{operation}", NOBODY)),
    at(
        "/apis/pets/v1/reference/default/schemas/Pet",
        get("/apis/{name}/{major}/reference/{endpoint}/schemas/{schema}", EVERYBODY),
    ),
    at(
        "/apis/vault/v1/reference/default/schemas/x",
        get("/apis/{name}/{major}/reference/{endpoint}/schemas/{schema}", NOBODY),
    ),
    at("/apis/pets/v1/changes", get("/apis/{name}/{major}/changes", EVERYBODY)),
    at("/apis/vault/v1/changes", get("/apis/{name}/{major}/changes", [Nothing, Nothing, Nothing, Ok, Ok, Nothing])),
    at("/apis/pets/v1/changes.md", get("/apis/{name}/{major}/changes.md", EVERYBODY)),
    at(
        "/apis/vault/v1/changes.md",
        get("/apis/{name}/{major}/changes.md", [Nothing, Nothing, Nothing, Ok, Ok, Nothing]),
    ),
    at("/apis/pets/v1/openapi.json", get("/apis/{name}/{major}/openapi.json", EVERYBODY)),
    at("/apis/vault/v1/openapi.json", get("/apis/{name}/{major}/openapi.json", NOBODY)),
    at("/apis/pets/v1/openapi.yaml", get("/apis/{name}/{major}/openapi.yaml", EVERYBODY)),
    at("/apis/vault/v1/openapi.yaml", get("/apis/{name}/{major}/openapi.yaml", NOBODY)),
    at("/apis/vault/v1/operations", get("/apis/{name}/{major}/operations", NOBODY)),
    at("/apis/pets/v1/docs/start", get("/apis/{name}/{major}/docs/{document}", EVERYBODY)),
    at("/apis/vault/v1/docs/start", get("/apis/{name}/{major}/docs/{document}", NOBODY)),
    at("/apis/pets/v1/definition", get("/apis/{name}/{major}/definition", [On; 6])),
    at("/apis/vault/v1/definition", get("/apis/{name}/{major}/definition", NOBODY)),
    at("/apis/pets/v1/docs/start/file", get("/apis/{name}/{major}/docs/{document}/file", NOBODY)),
    at("/apis/pets/v1/subscriptions/new", get("/apis/{name}/{major}/subscriptions/new", MEMBERS)),
    at("/apis/vault/v1/subscriptions/new", get("/apis/{name}/{major}/subscriptions/new", OVERSEEN)),
    at(
        "/apis/ledger/v1/subscriptions",
        post(
            "/apis/{name}/{major}/subscriptions",
            &[("application", "{id}"), ("plan", "bronze")],
            [SignIn, Nothing, No, Nothing, Nothing, On],
        ),
    ),
    at(
        "/apis/vault/v1/subscriptions",
        post(
            "/apis/{name}/{major}/subscriptions",
            &[("application", "new"), ("application_name", "Vaulted"), ("plan", "bronze")],
            [SignIn, Nothing, Nothing, No, On, Nothing],
        ),
    ),
    // For whoever looks after the API
    at("/apis/pets/v1/subscribers", get("/apis/{name}/{major}/subscribers", OVERSEEN)),
    at("/apis/pets/v1/usage", get("/apis/{name}/{major}/usage", OVERSEEN)),
    at("/apis/pets/v1/usage/file", get("/apis/{name}/{major}/usage/file", OVERSEEN)),
    get("/refusals", MEMBERS),
    // Applications
    get("/applications", MEMBERS),
    get("/applications/new", [SignIn, Ok, Ok, No, Ok, Ok]),
    post("/applications", &[("name", "A new one")], [SignIn, On, On, No, On, On]),
    get("/applications/{id}", READ),
    get("/applications/{id}/details", ASK),
    post("/applications/{id}/details", &[("name", "Renamed {n}")], CHANGE),
    get("/applications/{id}/deletion", ASK),
    post("/applications/{id}/deletion", &[("confirm", "Shop {n}")], CHANGE),
    get("/applications/{id}/sharing", ASK),
    post("/applications/{id}/sharing", &[("emails", "new@example.com")], CHANGE),
    post("/applications/{id}/sharing/deletion", &[("email", "reader@example.com")], CHANGE),
    // Whoever reads it may leave, and nobody else
    get("/applications/{id}/departure", [SignIn, Nothing, Ok, Nothing, Nothing, No]),
    post("/applications/{id}/departure", &[], [SignIn, Nothing, On, Nothing, Nothing, No]),
    // An administrator gives away whatever there is; the owner comes last, and it is theirs no longer
    get("/applications/{id}/transfer", [SignIn, Nothing, No, Nothing, Ok, Ok]),
    post("/applications/{id}/transfer", &[("email", "other@example.com")], [SignIn, Nothing, No, Nothing, Ok, Ok]),
    post(
        "/applications/{id}/transfer",
        &[("email", "other@example.com"), ("confirm", "yes")],
        [SignIn, Nothing, No, Nothing, On, Nothing],
    ),
    at(
        "/people/01935b6e-0000-7000-8000-000000000000/applications",
        get("/people/{id}/applications", [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing]),
    ),
    get("/applications/{id}/activity", ASK),
    get("/applications/{id}/usage", READ),
    get("/applications/{id}/usage/file", READ),
    get("/applications/{id}/refusals", READ),
    get("/applications/{id}/subscriptions", READ),
    get("/applications/{id}/subscriptions/new", ASK),
    post("/applications/{id}/subscriptions", &[("api", "ledger/1"), ("plan:ledger/1", "bronze")], CHANGE),
    get("/subscriptions/{subscription}/plan", ASK),
    post("/subscriptions/{subscription}/plan", &[("plan", "gold")], CHANGE),
    post("/subscriptions/{subscription}/plan/deletion", &[], CHANGE),
    // Those who look after the API decide. Nothing waits here, and then they are told so.
    get("/approvals", OVERSEEN),
    post("/subscriptions/{subscription}/approval", &[("plan", "gold")], DECIDE),
    get("/subscriptions/{subscription}/rejection", DECIDE),
    post("/subscriptions/{subscription}/rejection", &[("plan", "gold")], DECIDE),
    get("/subscriptions/{subscription}/block", OVERSEEN),
    post("/subscriptions/{subscription}/block", &[("calls", "production")], DECIDE),
    post("/subscriptions/{subscription}/block/deletion", &[], DECIDE),
    get("/subscriptions/{subscription}/deletion", ASK),
    post("/subscriptions/{subscription}/deletion", &[("confirm", "Pets")], CHANGE),
    // Credentials
    get("/applications/{id}/credentials/{environment}", READ),
    post("/applications/{id}/credentials/{environment}", &[], [SignIn, Nothing, No, Nothing, Nothing, Again]),
    get("/applications/{id}/credentials/{environment}/settings", ASK),
    post("/applications/{id}/credentials/{environment}/settings", SETTINGS, CHANGE),
    get("/applications/{id}/credentials/{environment}/regeneration", ASK),
    post("/applications/{id}/credentials/{environment}/regeneration", &[], [SignIn, Nothing, No, Nothing, Nothing, Ok]),
    post("/applications/{id}/credentials/{environment}/old-secret/deletion", &[], CHANGE),
    get("/applications/{id}/credentials/{environment}/tokens/revocation", ASK),
    post("/applications/{id}/credentials/{environment}/tokens/revocation", &[], CHANGE),
    post("/applications/{id}/credentials/{environment}/token", &[], [SignIn, Nothing, No, Nothing, Nothing, Ok]),
    get("/tokens", MEMBERS),
    at(
        "/apis/pets/v1/calls",
        post(
            "/apis/{name}/{major}/calls",
            &[("endpoint", "default"), ("operation", "list-pets"), ("environment", "sandbox")],
            [SignIn, Ok, Ok, No, Ok, Ok],
        ),
    ),
    at(
        "/apis/vault/v1/calls",
        post(
            "/apis/{name}/{major}/calls",
            &[("endpoint", "default")],
            [SignIn, Nothing, Nothing, Nothing, Nothing, Nothing],
        ),
    ),
    post("/tokens", &[("token", "a.b.c")], [SignIn, Again, Again, Again, Again, Again]),
    get("/applications/{id}/credentials/{environment}/deletion", ASK),
    post("/applications/{id}/credentials/{environment}/deletion", &[], CHANGE),
    get("/applications/{id}/api-keys/{environment}", READ),
    get("/applications/{id}/api-keys/{environment}/new", ASK),
    at("/apis/pets/v1/keys/sandbox", get("/apis/{name}/{major}/keys/{environment}", MEMBERS)),
    at(
        "/apis/vault/v1/keys/sandbox",
        get("/apis/{name}/{major}/keys/{environment}", [SignIn, Nothing, Nothing, Ok, Ok, Nothing]),
    ),
    at("/apis/pets/v1/keys/sandbox/new", get("/apis/{name}/{major}/keys/{environment}/new", MEMBERS)),
    at(
        "/apis/pets/v1/keys/sandbox",
        post(
            "/apis/{name}/{major}/keys/{environment}",
            &[("name", "another"), ("application", "{id}"), ("plan", "bronze")],
            [SignIn, Nothing, No, Nothing, Nothing, Ok],
        ),
    ),
    // Directly on an API: developers make their own, one after the other, and see nobody else's
    at(DIRECT, post("/apis/{name}/{major}/credentials/{environment}", &[("plan", "bronze")], MAKE)),
    at(
        "/apis/vault/v1/credentials/sandbox",
        post(
            "/apis/{name}/{major}/credentials/{environment}",
            &[("plan", "bronze")],
            [SignIn, Nothing, Nothing, Again, Again, Nothing],
        ),
    ),
    at(DIRECT_REGENERATION, get("/apis/{name}/{major}/credentials/{environment}/regeneration", THEIRS)),
    at(DIRECT_REGENERATION, post("/apis/{name}/{major}/credentials/{environment}/regeneration", &[], THEIRS)),
    at(
        "/apis/pets/v1/credentials/sandbox/old-secret/deletion",
        post("/apis/{name}/{major}/credentials/{environment}/old-secret/deletion", &[], THEIRS_DONE),
    ),
    at(DIRECT_DELETION, get("/apis/{name}/{major}/credentials/{environment}/deletion", THEIRS)),
    at(DIRECT_DELETION, post("/apis/{name}/{major}/credentials/{environment}/deletion", &[], THEIRS_DONE)),
    at(DIRECT_DELETION, get("/apis/{name}/{major}/credentials/{environment}/deletion", THEIRS_GONE)),
    at(DIRECT, post("/apis/{name}/{major}/credentials/{environment}", &[("plan", "bronze")], MAKE)),
    at(DIRECT_CONVERSION, get("/apis/{name}/{major}/credentials/{environment}/conversion", THEIRS)),
    at(
        DIRECT_CONVERSION,
        post("/apis/{name}/{major}/credentials/{environment}/conversion", &[("name", "Made of it")], THEIRS_DONE),
    ),
    at(
        DIRECT_CONVERSION,
        post("/apis/{name}/{major}/credentials/{environment}/conversion", &[("name", "Made again")], THEIRS_GONE),
    ),
    get("/api-keys/{key}/regeneration", [SignIn, Nothing, No, Nothing, No, Ok]),
    post("/api-keys/{key}/regeneration", &[], [SignIn, Nothing, No, Nothing, No, Ok]),
    post("/api-keys/{key}/old-key/deletion", &[], [SignIn, Nothing, No, Nothing, No, On]),
    // Administrators see and delete every key.
    get("/api-keys/{key}/deletion", [SignIn, Nothing, No, Nothing, Ok, Ok]),
    post("/api-keys/{key}/deletion", &[("confirm", "ci")], [SignIn, Nothing, No, Nothing, On, Nothing]),
    // Devices
    get("/device", MEMBERS),
    post("/device", &[("user_code", "BBBB-BBBB")], [SignIn, Again, Again, Again, Again, Again]),
    post(
        "/device/decision",
        &[("user_code", "BBBB-BBBB"), ("decision", "allow")],
        [SignIn, Again, Again, Again, Again, Again],
    ),
    // The authorization endpoint: nobody is asked for anything without a client
    get("/oauth2/authorize", [Again; 6]),
    get("/oauth2/authorize/{handle}", NOBODY),
    post("/oauth2/authorize/{handle}", &[("decision", "allow")], NOBODY),
    get("/oauth2/authorize/{handle}/sign-in", NOBODY),
    post("/oauth2/authorize/{handle}/sign-in", &[], NOBODY),
    // Whoever is signed in is asked
    get("/oauth2/logout", [On, Ok, Ok, Ok, Ok, Ok]),
    // Last: they end the sessions of all the others, and then lead to the sign-in page
    post("/account/sessions/deletion", &[], [SignIn; 6]),
    post("/oauth2/logout/confirmation", &[], [On; 6]),
    post("/sign-out", &[], [On; 6]),
    // Machines, and what comes from other sites
    post("/oauth2/authorize", &[], [On; 6]),
    post("/oauth2/logout", &[], [On; 6]),
    post("/oauth2/token", &[("grant_type", "client_credentials")], [Unknown; 6]),
    post("/oauth2/device_authorization", &[], [Unknown; 6]),
    post("/oauth2/revoke", &[], [Unknown; 6]),
    post("/oauth2/introspect", &[], [Unknown; 6]),
    get("/oauth2/userinfo", [Unknown; 6]),
    get("/oauth2/jwks", EVERYBODY),
    get("/.well-known/oauth-authorization-server", EVERYBODY),
    get("/.well-known/openid-configuration", EVERYBODY),
];
