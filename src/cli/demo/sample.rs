//! What the demo has in it, made at the first start and completed at each later one.

use crate::app::App;
use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::secret::{self, Plain};
use crate::config::Urls;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::applications::manage;
use crate::domain::applications::model::Application;
use crate::domain::audit::model::Actor;
use crate::domain::credentials::key_lists::{self, Wanted};
use crate::domain::credentials::model::{ChosenApplication, Grace, NewApiKey, WantedLimits};
use crate::domain::credentials::{api_keys, clients};
use crate::domain::publishing::apply;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// E-mail address, name, roles.
const PEOPLE: [(&str, &str, &[&str]); 3] = [
    ("admin@example.com", "Alex Admin", &["admin", "developer", "production", "publisher"]),
    ("ada@example.com", "Ada Developer", &["developer", "gold", "production"]),
    ("bob@example.com", "Bob Newcomer", &["developer"]),
];
/// Who owns the sample application.
const OWNER: &str = "ada@example.com";
const APPLICATION: &str = "Storefront";
const KEY_NAME: &str = "demo";
/// Characters of a sample password: 95 random bits.
const PASSWORD_LENGTH: usize = 16;
/// Passwords of the sample users, so that a later start can tell them again.
const PASSWORDS: &str = "demo-passwords.json";

/// What the demo prints.
pub(super) struct Sample {
    pub(super) urls: Urls,
    pub(super) users: Vec<User>,
    pub(super) api_key: Plain,
    pub(super) client_id: String,
    pub(super) client_secret: Plain,
}

/// One sample user.
pub(super) struct User {
    pub(super) email: &'static str,
    pub(super) password: String,
    pub(super) roles: &'static [&'static str],
}

/// Makes what is missing. API keys and consumer secrets are stored nowhere, so each start makes new ones for the same
/// records; those of the start before work for another hour.
pub(super) async fn fill(app: &App, data_dir: &Path, backend: SocketAddr) -> Result<Sample, String> {
    let ctx = &app.ctx;
    publish(ctx, backend).await?;
    let users = people(ctx, data_dir).await?;
    let (api_key, client_id, client_secret) = credentials(ctx).await.map_err(|error| format!("the sample: {error}"))?;
    Ok(Sample { urls: app.urls.clone(), users, api_key, client_id, client_secret })
}

async fn publish(ctx: &Ctx, backend: SocketAddr) -> Result<(), String> {
    let backend = format!("http://{backend}");
    let files: Vec<(String, String)> = Manifests::iter()
        .filter_map(|name| Some((name.to_string(), Manifests::get(&name)?.data)))
        .map(|(name, data)| (name, String::from_utf8_lossy(&data).replace("{backend}", &backend)))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    match apply::apply_documents(ctx, &files).await {
        Ok(_) => Ok(()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// The sample manifests and what they refer to.
#[derive(rust_embed::RustEmbed)]
#[folder = "src/cli/demo/manifests"]
struct Manifests;

async fn people(ctx: &Ctx, data_dir: &Path) -> Result<Vec<User>, String> {
    let path = data_dir.join(PASSWORDS);
    let mut passwords: BTreeMap<String, String> = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))?,
        Err(_) => BTreeMap::new(),
    };
    let known = passwords.len();
    for (email, ..) in PEOPLE {
        passwords.entry(email.to_owned()).or_insert_with(|| secret::base62(&ctx.random, PASSWORD_LENGTH));
    }
    if passwords.len() != known {
        // Before the accounts exist: a password that nobody was told would lock them.
        write_private(&path, &passwords).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut people = Vec::new();
    for (email, name, roles) in PEOPLE {
        let password = passwords.get(email).cloned().unwrap_or_default();
        match users::by_email(ctx, email).await {
            Ok(_) => {}
            Err(Error::NotFound) => {
                let roles = roles.iter().map(|role| (*role).to_owned()).collect();
                let new = NewUser::parse(name, email, roles, Some(&password)).map_err(|error| error.to_string())?;
                users::add(ctx, new, &Actor::CommandLine).await.map_err(|error| error.to_string())?;
            }
            Err(error) => return Err(error.to_string()),
        }
        people.push(User { email, password, roles });
    }
    Ok(people)
}

fn write_private(path: &Path, passwords: &BTreeMap<String, String>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(serde_json::to_string_pretty(passwords)?.as_bytes())?;
    file.sync_all()
}

/// An API key and an OAuth client for each environment; production's are told.
async fn credentials(ctx: &Ctx) -> Result<(Plain, String, Plain)> {
    let owner = users::by_email(ctx, OWNER).await?;
    let application = application(ctx, &owner).await?;
    let _ = credentials_in(ctx, &owner, &application, Environment::Sandbox).await?;
    credentials_in(ctx, &owner, &application, Environment::Production).await
}

async fn application(ctx: &Ctx, owner: &Member) -> Result<Application> {
    let own = manage::list(ctx, owner).await?.into_iter().map(|reached| reached.application);
    match own.into_iter().find(|application| application.owner == owner.id && application.name == APPLICATION) {
        Some(application) => Ok(application),
        None => manage::create(ctx, owner, APPLICATION, "A web shop that shows the demo's APIs.").await,
    }
}

async fn credentials_in(
    ctx: &Ctx,
    owner: &Member,
    application: &Application,
    environment: Environment,
) -> Result<(Plain, String, Plain)> {
    let named = Wanted { text: KEY_NAME.to_owned(), ..Wanted::default() };
    let keys = key_lists::of_application(ctx, owner, application.id, environment, &named).await?.keys;
    let known = keys.iter().find(|key| key.name == KEY_NAME && key.api_name == "petstore");
    let key = if let Some(key) = known {
        api_keys::regenerate(ctx, owner, key.id, Grace::Hour).await?
    } else {
        let new = NewApiKey {
            api: "petstore".to_owned(),
            major: 1,
            environment,
            name: KEY_NAME.to_owned(),
            application: ChosenApplication::Existing(application.id),
            plan: Some("gold".to_owned()),
            endpoint: None,
            limits: WantedLimits::default(),
            once: None,
        };
        api_keys::generate(ctx, owner, new).await?
    };
    let client = match clients::get(ctx, owner, application.id, environment).await? {
        Some(_) => clients::new_secret(ctx, owner, application.id, environment).await?,
        None => clients::generate(ctx, owner, application.id, environment).await?,
    };
    Ok((key.secret, client.client.id, client.secret))
}
