//! `portico demo`: a whole instance with sample users, APIs, an application and a built-in backend.

mod backend;
mod sample;

use crate::cli::say;
use crate::cli::serve;
use crate::config::Config;
use crate::infra::local_pg;
use sample::Sample;

/// Arguments.
#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// Print one JSON object on one line once it is ready to serve
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(mut config: Config, args: DemoArgs) -> Result<(), String> {
    // Samples never go into somebody's real database, even when `DATABASE_URL` happens to be set.
    if config.database.url.take().is_some() {
        tracing::warn!("the demo leaves the configured database alone and uses an embedded one");
    }
    // Samples write to nobody either; whoever tries signing up finds the letter in the data directory.
    config.mail.url = None;
    config.accounts.sign_up = true;
    let data_dir = config.data_dir.take().unwrap_or_else(default_data_dir);
    config.data_dir = Some(data_dir.clone());

    serve::run_announced(config, async |app| {
        let backend = backend::start().await.map_err(|error| format!("the sample backend: {error}"))?;
        let sample = sample::fill(app, &data_dir, backend).await?;
        app.caught_up().await.map_err(|error| error.to_string())?;
        if args.json {
            say(&sample.json().to_string());
        } else {
            say(&sample.text());
        }
        Ok(())
    })
    .await
}

/// Beside the real instance's.
fn default_data_dir() -> std::path::PathBuf {
    let mut name = local_pg::default_data_dir().into_os_string();
    name.push("-demo");
    name.into()
}

impl Sample {
    /// For scripts.
    fn json(&self) -> serde_json::Value {
        let users: Vec<_> = self
            .users
            .iter()
            .map(|user| serde_json::json!({ "email": user.email, "password": user.password, "roles": user.roles }))
            .collect();
        serde_json::json!({
            "portal_url": self.urls.portal,
            "gateways": { "production": self.urls.production, "sandbox": self.urls.sandbox },
            "issuer": self.urls.portal,
            "token_url": self.token_url(),
            "users": users,
            "curl": { "api_key": self.curl_api_key(), "token": self.curl_token(), "bearer": self.curl_bearer() },
        })
    }

    /// For people.
    fn text(&self) -> String {
        let widest = |of: fn(&sample::User) -> &str| self.users.iter().map(|user| of(user).len()).max().unwrap_or(0);
        let (emails, passwords) = (widest(|user| user.email), widest(|user| &user.password));
        let users: Vec<String> = self
            .users
            .iter()
            .map(|user| {
                let roles = user.roles.join(", ");
                format!("  {:emails$}   {:passwords$}   {roles}\n", user.email, user.password)
            })
            .collect();
        let users = users.concat();
        format!(
            "\n\
             Portico demo\n\n\
             \x20 portal       {}\n\
             \x20 production   {}\n\
             \x20 sandbox      {}\n\
             \x20 tokens       {}\n\n\
             Sign in as\n\n\
             {users}\n\
             Call an API with an API key:\n\n\
             \x20 {}\n\n\
             Get a token and call it with that:\n\n\
             \x20 {}\n\n\
             Press Ctrl-C to stop.",
            self.urls.portal,
            self.urls.production,
            self.urls.sandbox,
            self.token_url(),
            self.curl_api_key(),
            self.curl_bearer(),
        )
    }

    fn token_url(&self) -> String {
        format!("{}/oauth2/token", self.urls.portal)
    }

    fn curl_api_key(&self) -> String {
        format!("curl -H 'api-key: {}' {}/petstore/v1/pets", self.api_key.expose(), self.urls.production)
    }

    fn curl_token(&self) -> String {
        let (id, secret) = (&self.client_id, self.client_secret.expose());
        format!("curl -s -u {id}:{secret} -d grant_type=client_credentials {}", self.token_url())
    }

    /// Gets a token of its own: it succeeds also when it is pasted long after the start.
    fn curl_bearer(&self) -> String {
        format!(
            "curl -H \"Authorization: Bearer $({} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\" {}/petstore/v1/pets",
            self.curl_token(),
            self.urls.production,
        )
    }
}
