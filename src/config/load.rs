//! Reads the configuration: defaults, file, environment, flags, each checked, each error with its place.

use crate::config::keys::{self, Key, Shape};
use crate::config::validate::{bounds, validate};
use crate::config::{Config, identity_providers, tls};
use serde::Deserialize as _;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// The file that counts when none is named.
const DEFAULT_FILE: &str = "config.toml";
/// Variables with our prefix that are no settings: the file itself, and a setting of the build.
const NOT_SETTINGS: [&str; 2] = ["PORTICO_CONFIG", "PORTICO_BUILD_DATABASE_URL"];

/// What the command line can set.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Configuration")]
pub struct Flags {
    /// The configuration file [default: ./config.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the embedded Postgres and the master key live
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where the portal listens
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub portal_listen: Option<SocketAddr>,
    /// Where the gateway listens for production
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub production_listen: Option<SocketAddr>,
    /// Where the gateway listens for the sandbox
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub sandbox_listen: Option<SocketAddr>,
    /// Where health, readiness and metrics listen
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub operations_listen: Option<SocketAddr>,
    /// How browsers reach the portal
    #[arg(long, global = true, value_name = "URL")]
    pub portal_url: Option<String>,
    /// How callers reach the gateway for production
    #[arg(long, global = true, value_name = "URL")]
    pub production_url: Option<String>,
    /// How callers reach the gateway for the sandbox
    #[arg(long, global = true, value_name = "URL")]
    pub sandbox_url: Option<String>,
    /// Postgres, instead of the embedded one; a password in it is seen by other users of this machine
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
}

impl Flags {
    /// Those that were given: flag, setting, value.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        let address = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        [
            ("--data-dir", "data_dir", path(&self.data_dir)),
            ("--portal-listen", "portal.listen", address(self.portal_listen)),
            ("--production-listen", "gateway.production.listen", address(self.production_listen)),
            ("--sandbox-listen", "gateway.sandbox.listen", address(self.sandbox_listen)),
            ("--operations-listen", "operations.listen", address(self.operations_listen)),
            ("--portal-url", "portal.public_url", self.portal_url.clone()),
            ("--production-url", "gateway.production.public_url", self.production_url.clone()),
            ("--sandbox-url", "gateway.sandbox.public_url", self.sandbox_url.clone()),
            ("--database-url", "database.url", self.database_url.clone()),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some((flag, key, value?)))
    }
}

/// Why the configuration cannot be used; one line that says where and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

/// File, then environment, then flags.
pub fn load(file: Option<&Path>, environment: &[(String, String)], flags: &Flags) -> Result<Config, LoadError> {
    let mut settings = Settings::new()?;
    let variable = environment.iter().find(|(name, value)| name == "PORTICO_CONFIG" && !value.is_empty());
    let named = file.map(Path::to_owned).or_else(|| variable.map(|(_, value)| PathBuf::from(value)));
    if let Some(file) = named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists())) {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| LoadError(format!("{}: cannot read the configuration file: {error}", file.display())))?;
        settings.add_file(&file.display().to_string(), &text)?;
    }
    settings.add_environment(environment)?;
    for (flag, key, value) in flags.given() {
        settings.set(key, Value::String(value), flag.to_owned())?;
    }
    validate(&settings.config).map_err(|(key, message)| settings.refusal(key, &message))?;
    tls::validate(&settings.config).map_err(|(key, message)| settings.refusal(&key, &message))?;
    identity_providers::validate(&settings.config).map_err(|(key, message)| settings.refusal(&key, &message))?;
    Ok(settings.config)
}

/// The configuration as it grows, with the place that each setting comes from.
struct Settings {
    keys: Vec<Key>,
    table: Table,
    config: Config,
    origins: HashMap<String, String>,
}

impl Settings {
    fn new() -> Result<Self, LoadError> {
        let config = Config::default();
        let table = Table::try_from(&config).map_err(|error| LoadError(format!("the defaults are wrong: {error}")))?;
        Ok(Self { keys: Key::all(), table, config, origins: HashMap::new() })
    }

    fn add_file(&mut self, file: &str, text: &str) -> Result<(), LoadError> {
        let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        let parsed = DeTable::parse(text).and_then(|places| Ok((places, toml::from_str::<Table>(text)?)));
        let (places, values) = parsed.map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            LoadError(format!("{file}:{}: {message}", line(error.span().map_or(0, |span| span.start))))
        })?;
        let mut found = Vec::new();
        collect("", places.get_ref(), &values, &mut found);
        for (path, offset, value) in found {
            self.set(&path, value, format!("{file}:{}", line(offset)))?;
        }
        Ok(())
    }

    fn add_environment(&mut self, environment: &[(String, String)]) -> Result<(), LoadError> {
        let given = |wanted: &str| environment.iter().find(|(name, value)| name == wanted && !value.is_empty());
        if let Some((name, value)) = given("DATABASE_URL") {
            self.set("database.url", Value::String(value.clone()), name.clone())?;
        }
        let keys = self.keys.clone();
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("PORTICO_")) {
            let secret = keys::secret_of_provider(name, self.config.identity_providers.keys());
            let Some(key) = keys.iter().find(|key| key.variable() == *name).or(secret.as_ref()) else {
                if NOT_SETTINGS.contains(&&**name) || is_service_link(name) {
                    continue;
                }
                let hint = if name.starts_with("PORTICO_IDENTITY_PROVIDERS_") {
                    "; a section stands in the file, and its client_secret alone may be a variable".to_owned()
                } else if name.starts_with("PORTICO_GATEWAY_BACKEND_TLS_") {
                    "; sections that you name yourself stand in the file only".to_owned()
                } else {
                    keys::hint(name, keys.iter().map(Key::variable))
                };
                return Err(LoadError(format!("{name}: there is no such setting{hint}")));
            };
            // `NAME=` in a compose file means: not set.
            if value.is_empty() {
                continue;
            }
            let value = match key.shape {
                Shape::Text => Value::String(value.clone()),
                Shape::Number => value.trim().parse().map_or_else(|_| Value::String(value.clone()), Value::Integer),
                Shape::Fraction => value.trim().parse().map_or_else(|_| Value::String(value.clone()), Value::Float),
                Shape::Switch => value.trim().parse().map_or_else(|_| Value::String(value.clone()), Value::Boolean),
                Shape::List => {
                    Value::Array(value.split(',').map(str::trim).filter(|v| !v.is_empty()).map(Value::from).collect())
                }
            };
            self.set(&key.path, value, name.clone())?;
        }
        Ok(())
    }

    /// Sets one value and sees at once whether it fits, so that an error has the place of this one.
    fn set(&mut self, path: &str, value: Value, origin: String) -> Result<(), LoadError> {
        let named = Key::in_profile(path).map_err(|message| LoadError(format!("{origin}: {path}: {message}")))?;
        let Some(key) = self.keys.iter().find(|key| key.path == path).or(named.as_ref()) else {
            let section = format!("{path}.");
            if self.keys.iter().any(|key| key.path.starts_with(&section)) {
                return Err(LoadError(format!("{origin}: {path} is a section; write [{path}] on a line of its own")));
            }
            let hint = keys::hint(path, self.keys.iter().map(|key| key.path.clone()));
            return Err(LoadError(format!("{origin}: there is no setting {path}{hint}")));
        };
        let shape = key.shape;
        self.origins.insert(path.to_owned(), origin);
        if let Some(message) = misshapen(path, shape, &value) {
            return Err(self.refusal(path, &message));
        }
        put(&mut self.table, path, value);
        match Config::deserialize(self.table.clone()) {
            Ok(config) => self.config = config,
            Err(error) => {
                let hint = match path.rsplit('.').next() {
                    Some("listen") => "; write an address and a port, such as 127.0.0.1:8080",
                    Some("trusted_proxies") => "; write addresses or networks, such as 10.0.0.0/8",
                    Some("format") if path == "gateway.access_log.format" => "; write json or text",
                    _ => "",
                };
                let message = error.message().lines().next().unwrap_or_default();
                return Err(self.refusal(path, &format!("{message}{hint}")));
            }
        }
        Ok(())
    }

    fn refusal(&self, path: &str, message: &str) -> LoadError {
        let place = self.origins.get(path).map(|origin| format!("{origin}: ")).unwrap_or_default();
        LoadError(format!("{place}{path}: {message}"))
    }
}

/// What the file sets: path, where its name stands, value.
fn collect(prefix: &str, places: &DeTable<'_>, values: &Table, found: &mut Vec<(String, usize, Value)>) {
    for (name, place) in places {
        let path = keys::join(prefix, name.get_ref());
        match (place.get_ref(), values.get(&**name.get_ref())) {
            (DeValue::Table(places), Some(Value::Table(values))) => collect(&path, places, values, found),
            (_, Some(value)) => found.push((path, name.span().start, value.clone())),
            (_, None) => {}
        }
    }
    // The errors of a file come in the order of its lines.
    found.sort_by_key(|(_, offset, _)| *offset);
}

fn misshapen(path: &str, shape: Shape, value: &Value) -> Option<String> {
    let (least, most) = bounds(path);
    match (shape, value) {
        (Shape::Number, Value::Integer(number)) if (least..=most).contains(number) => None,
        (Shape::Number, _) => Some(format!("must be a whole number from {least} to {most}")),
        (Shape::Fraction, Value::Float(part)) if (0.0..=1.0).contains(part) => None,
        (Shape::Fraction, Value::Integer(0 | 1))
        | (Shape::Text, Value::String(_))
        | (Shape::Switch, Value::Boolean(_)) => None,
        (Shape::Switch, _) => Some("must be true or false".to_owned()),
        (Shape::Fraction, _) => Some("must be a number from 0 to 1, such as 0.1".to_owned()),
        (Shape::Text, _) => Some("must be text in quotes".to_owned()),
        (Shape::List, Value::Array(items)) if items.iter().all(Value::is_str) => None,
        (Shape::List, _) => Some("must be a list of texts, such as [\"10.0.0.0/8\"]".to_owned()),
    }
}

fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => _ = table.insert(path.to_owned(), value),
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                put(section, rest, value);
            }
        }
    }
}

/// Kubernetes tells every container about the services beside it: for a service called `portico` with variables such
/// as `PORTICO_SERVICE_HOST` and `PORTICO_PORT_8080_TCP_ADDR`. They are not ours.
fn is_service_link(name: &str) -> bool {
    let docker = name.split_once("_PORT_").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    docker || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.ends_with("_PORT")
}
