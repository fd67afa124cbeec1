//! The configuration: file, environment and flags, and errors that name their place.

use crate::support::db::scratch;
use portico::config::keys::Key;
use portico::config::load::{Flags, load};
use portico::config::{Config, Urls};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

fn file(text: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let path = scratch("config").join(format!("{}.toml", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&path, text).unwrap();
    path
}

fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load_file(text: &str) -> Result<Config, String> {
    load(Some(&file(text)), &[], &Flags::default()).map_err(|error| error.to_string())
}

fn load_variables(given: &[(&str, &str)]) -> Result<Config, String> {
    load(Some(&file("")), &variables(given), &Flags::default()).map_err(|error| error.to_string())
}

#[test]
fn the_example_names_every_setting_with_its_default() {
    let example = include_str!("../../config.example.toml");
    let is_setting = |line: &str| {
        line.strip_prefix('#')
            .and_then(|line| line.split_once(" = "))
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let lines = example.lines().map(|line| if is_setting(line) { &line[1..] } else { line });
    let text = lines.collect::<Vec<_>>().join("\n");

    let table: toml::Table = text.parse().unwrap();
    for key in Key::all() {
        let found = key.path.split('.').try_fold(toml::Value::Table(table.clone()), |at, name| at.get(name).cloned());
        assert!(found.is_some(), "config.example.toml does not name {}", key.path);
    }

    let mut found = serde_json::to_value(load_file(&text).unwrap()).unwrap();
    let default = serde_json::to_value(Config::default()).unwrap();
    forget_examples(&mut found, &default);
    assert_eq!(found, default);
    assert_eq!(load_file(example), Ok(Config::default()), "as shipped, the example changes nothing");
}

/// Where there is no default, the file has an example.
fn forget_examples(found: &mut Value, default: &Value) {
    match (found, default) {
        // Sections that the operator names.
        (Value::Object(found), Value::Object(default)) if default.is_empty() => found.clear(),
        (Value::Object(found), Value::Object(default)) => {
            for (name, default) in default {
                forget_examples(found.get_mut(name).unwrap(), default);
            }
        }
        (found, Value::Null) => *found = Value::Null,
        _ => {}
    }
}

#[test]
fn flags_go_before_variables_and_variables_before_the_file() {
    let path = file("data_dir = \"/file\"\n[portal]\nlisten = \"127.0.0.1:1\"\n[brand]\nname = \"File\"\n");
    let environment = variables(&[("PORTICO_DATA_DIR", "/variable"), ("PORTICO_PORTAL_LISTEN", "127.0.0.1:2")]);
    let flags = Flags { data_dir: Some("/flag".into()), ..Flags::default() };
    let config = load(Some(&path), &environment, &flags).unwrap();
    assert_eq!(config.data_dir, Some("/flag".into()));
    assert_eq!(config.portal.listen, "127.0.0.1:2".parse().unwrap());
    assert_eq!(config.brand.name, "File");
}

#[test]
fn every_setting_can_be_given_as_a_variable() {
    // One takes more than itself: see `passwords_are_not_closed_by_halves`.
    for key in Key::all().into_iter().filter(|key| key.path != "accounts.password_sign_in") {
        let value = match &*key.path {
            path if path.ends_with("listen") => "127.0.0.1:7001",
            path if path.ends_with("public_url") => "https://other.example.com",
            path if path.ends_with("trusted_proxies") => "10.0.0.0/8, 192.168.1.7/32",
            "portal.session_idle_seconds" | "portal.session_max_seconds" => "100000",
            "gateway.threads" => "3",
            "gateway.max_head_bytes" | "gateway.max_target_bytes" => "2048",
            "gateway.access_log.enabled" => "true",
            "gateway.access_log.format" => "text",
            "gateway.access_log.fields" => "time, status",
            "gateway.trace.continue_from" => "proxies",
            path if path.ends_with("sample") || path.ends_with("sample_failed") => "0.5",
            "gateway.quota_on_failure" => "estimate",
            "gateway.counter.url" => "rediss://u:p@counter.example.com",
            "gateway.counter.on_failure" => "refuse",
            "database.url" => "postgres://localhost/portico",
            "oauth.access_token_algorithm" => "RS256",
            "oauth.id_token_algorithm" => "ES256",
            "oauth.legacy_grants" | "portal.anonymous_browsing" => "false",
            "oauth.master_key" => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "accounts.sign_up" => "true",
            "accounts.sign_up_roles" => "reader, developer",
            "accounts.sign_up_domains" => "example.com",
            "mail.url" => "smtps://u:p@mail.example.com",
            "mail.from" => "Portico <noreply@example.com>",
            "mail.to" => "log",
            "brand.accent" => "#086634",
            "brand.footer_links" => "Terms https://a.example/t, Help mailto:help@a.example",
            "log.format" => "json",
            "log.filter" => "warn",
            _ => "123",
        };
        let variable = key.variable();
        // A certificate and its key go together.
        let other = match variable.strip_suffix("_TLS_KEY") {
            Some(listener) => format!("{listener}_TLS_CERTIFICATE"),
            None => variable.replace("_TLS_CERTIFICATE", "_TLS_KEY"),
        };
        let given = [(&*variable, value), (&*other, value)];
        let given = if other == variable { &given[..1] } else { &given };
        let config = load_variables(given).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(config, Config::default(), "{variable} changed nothing");
    }
}

#[test]
fn database_url_counts_and_the_longer_name_goes_before_it() {
    let url = |given: &[(&str, &str)]| load_variables(given).unwrap().database.url;
    assert_eq!(url(&[("DATABASE_URL", "postgres://a/b")]).as_deref(), Some("postgres://a/b"));
    let both = [("PORTICO_DATABASE_URL", "postgres://c/d"), ("DATABASE_URL", "postgres://a/b")];
    assert_eq!(url(&both).as_deref(), Some("postgres://c/d"));
    assert_eq!(url(&[("DATABASE_URL", "")]), None);
}

#[test]
fn variables_that_are_not_ours_are_left_alone() {
    let given = [
        ("PORTICO_BUILD_DATABASE_URL", "postgres://build/build"),
        ("PORTICO_SERVICE_HOST", "10.0.0.1"),
        ("PORTICO_SERVICE_PORT", "8080"),
        ("PORTICO_PORT", "tcp://10.0.0.1:8080"),
        ("PORTICO_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("PORTICO_GATEWAY_SERVICE_PORT_HTTP", "8081"),
        ("PORTICO_BRAND_NAME", ""),
        ("PATH", "/bin"),
    ];
    assert_eq!(load_variables(&given), Ok(Config::default()));
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line_and_key() {
    for (text, line, said) in [
        ("[portal]\nlisen = \"127.0.0.1:1\"\n", 2, "there is no setting portal.lisen; did you mean portal.listen?"),
        (
            "\n\n[portall]\nlisten = \"127.0.0.1:1\"\n",
            4,
            "there is no setting portall.listen; did you mean portal.listen?",
        ),
        ("colour = \"red\"\n", 1, "there is no setting colour"),
        ("[portal]\nlisten = 8080\n", 2, "portal.listen: must be text in quotes"),
        (
            "[portal]\nlisten = \"8080\"\n",
            2,
            "portal.listen: invalid socket address syntax; write an address and a port",
        ),
        ("portal = 5\n", 1, "portal is a section; write [portal]"),
        ("[gateway]\nthreads = -1\n", 2, "gateway.threads: must be a whole number from 0 to 256"),
        ("[gateway]\nthreads = \"two\"\n", 2, "gateway.threads: must be a whole number"),
        ("[gateway]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  \"x\",\n]\n", 2, "gateway.trusted_proxies: "),
        ("[gateway]\ntrusted_proxies = \"10.0.0.0/8\"\n", 2, "gateway.trusted_proxies: must be a list"),
        ("[gateway.counter]\nurl = \"http://h\"\n", 2, "gateway.counter.url: not a Redis URL; write redis://"),
        ("[gateway.counter]\nurl = \"redis:///0\"\n", 2, "gateway.counter.url: not a Redis URL"),
        ("[gateway.counter]\non_failure = \"allow\"\n", 2, "expected `estimate` or `refuse`"),
        ("[log]\nformat = \"xml\"\n", 2, "log.format: unknown variant `xml`, expected `text` or `json`"),
        ("[log]\nfilter = \"info,=,\"\n", 2, "log.filter: "),
        ("[portal]\nlisten = \n", 2, ""),
        ("[database]\nurl = \"mysql://u:hunter2@h/d\"\n", 2, "database.url: not a Postgres URL"),
        ("[oauth]\nmaster_key = \"hunter2\"\n", 2, "oauth.master_key: must be 32 bytes in base64"),
        (
            "[portal]\nsession_max_seconds = 100\n",
            2,
            "portal.session_max_seconds: must be at least portal.session_idle_seconds",
        ),
        ("[mail]\nurl = \"http://u:hunter2@h\"\n", 2, "mail.url: not the URL of a mail server; write smtps://"),
        ("[mail]\nurl = \"smtp:///x\"\n", 2, "mail.url: "),
        ("[mail]\nfrom = \"nobody\"\n", 2, "mail.from: no address"),
        ("[mail]\nto = \"nowhere\"\n", 2, "expected `files` or `log`"),
        (
            "[accounts]\nsign_up_roles = [\"admin\"]\n",
            2,
            "accounts.sign_up_roles: strangers cannot be made administrators",
        ),
        (
            "[accounts]\nsign_up_domains = [\"@Example.com\"]\n",
            2,
            "accounts.sign_up_domains: @Example.com is no domain",
        ),
        ("[brand]\nname = \" \"\n", 2, "brand.name: "),
        ("[brand]\naccent = \"red\"\n", 2, "brand.accent: not a colour; write it as #1a5fb4"),
        ("[brand]\nfooter_links = [\"Terms\"]\n", 2, "brand.footer_links: `Terms` is no link"),
        ("[brand]\nhome_title = \"\"\n", 2, "brand.home_title: must have 1 to 120 characters"),
        ("[portal]\npublic_url = \"https://a.example/portal\"\n", 2, "portal.public_url: must have no path"),
        ("[gateway.sandbox]\npublic_url = \"https://a.example/\"\n", 2, "write it as https://a.example"),
        ("[operations]\nlisten = \"0.0.0.0:8080\"\n", 2, "operations.listen: 0.0.0.0:8080 is taken by portal.listen"),
        ("[portal.tls]\ncertificate = \"a\"\n", 2, "portal.tls.certificate: needs portal.tls.key beside it"),
        (
            "[gateway.production.tls]\nkey = \"a\"\n",
            2,
            "gateway.production.tls.key: needs gateway.production.tls.certificate beside it",
        ),
        (
            "[gateway.backend_tls.bank]\nroots = \"a\"\nkey = \"b\"\n",
            3,
            "gateway.backend_tls.bank.key: needs gateway.backend_tls.bank.certificate beside it",
        ),
        ("[gateway.backend_tls.bank]\nroots = 5\n", 2, "gateway.backend_tls.bank.roots: must be text in quotes"),
        ("[gateway.backend_tls.bank]\nroot = \"a\"\n", 2, "gateway.backend_tls.bank.root: there is no such setting"),
        ("[gateway.backend_tls.Bank]\nroots = \"a\"\n", 2, "a name has at most 64 lower-case letters"),
        ("[gateway.backend_tls.\"a.b\"]\nroots = \"a\"\n", 2, "a name has at most 64 lower-case letters"),
        ("[gateway.backend_tls]\nroots = \"a\"\n", 2, "write a section [gateway.backend_tls.NAME]"),
        ("[gateway]\nbackend_tls = \"a\"\n", 2, "write a section [gateway.backend_tls.NAME]"),
        (
            "[accounts]\npassword_sign_in = false\n",
            2,
            "needs a section [identity_providers.NAME]: nobody could sign in",
        ),
        ("identity_providers = 5\n", 1, "a section [identity_providers.NAME]"),
        ("[identity_providers.Acme]\nissuer = \"x\"\n", 2, "a name has at most 64 lower-case letters"),
        ("[identity_providers.acme]\nisuer = \"x\"\n", 2, "identity_providers.acme.isuer: there is no such setting"),
        ("[identity_providers.acme]\nlink_by_email = \"x\"\n", 2, "link_by_email: must be true or false"),
        ("[identity_providers.acme]\nscopes = \"x\"\n", 2, "scopes: must be a list of texts"),
    ] {
        let path = file(text);
        let error = load(Some(&path), &[], &Flags::default()).unwrap_err().to_string();
        let place = format!("{}:{line}: ", path.display());
        assert!(error.starts_with(&place), "{text}\n{error}");
        assert!(error.contains(said), "{text}\n{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_mistake_in_a_variable_is_named_with_the_variable() {
    for (name, value, said) in [
        ("PORTICO_PORTAL_LISEN", "x", "there is no such setting; did you mean PORTICO_PORTAL_LISTEN?"),
        ("PORTICO_PORTAL_LISTEN", "x", "portal.listen: invalid socket address syntax"),
        ("PORTICO_PORTAL_TLS_KEY", "a.key", "portal.tls.key: needs portal.tls.certificate beside it"),
        ("PORTICO_GATEWAY_BACKEND_TLS_BANK_ROOTS", "a.pem", "sections that you name yourself stand in the file only"),
        ("PORTICO_OAUTH_LEGACY_GRANTS", "perhaps", "oauth.legacy_grants: must be true or false"),
        ("PORTICO_GATEWAY_THREADS", "two", "gateway.threads: must be a whole number from 0 to 256"),
        ("PORTICO_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8,x", "gateway.trusted_proxies: "),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", "database.url: not a Postgres URL"),
    ] {
        let error = load_variables(&[(name, value)]).unwrap_err();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(said), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn portal_and_gateways_never_share_an_origin() {
    let urls = |portal: &str, production: &str, sandbox: &str| {
        load_variables(&[
            ("PORTICO_PORTAL_PUBLIC_URL", portal),
            ("PORTICO_GATEWAY_PRODUCTION_PUBLIC_URL", production),
            ("PORTICO_GATEWAY_SANDBOX_PUBLIC_URL", sandbox),
        ])
        .err()
        .unwrap_or_default()
    };
    assert_eq!(urls("https://a.example", "https://b.example", "https://c.example"), "");
    assert_eq!(urls("https://a.example", "https://b.example/live", "https://b.example/try"), "");
    assert!(urls("https://a.example", "https://a.example/api", "").contains("must not have the portal's"));
    assert!(urls("https://a.example", "", "https://a.example/api").contains("must not have the portal's"));
    assert!(urls("", "", "http://127.0.0.1:8080").contains("must not have the portal's"));
    assert!(urls("https://a.example", "https://b.example", "https://b.example").contains("lie within each other"));
    assert!(urls("https://a.example", "https://b.example", "https://b.example/try").contains("lie within each other"));
    // An instance on ports that the system chooses.
    let any = [
        ("PORTICO_PORTAL_LISTEN", "127.0.0.1:0"),
        ("PORTICO_GATEWAY_PRODUCTION_LISTEN", "127.0.0.1:0"),
        ("PORTICO_GATEWAY_SANDBOX_LISTEN", "127.0.0.1:0"),
    ];
    assert!(load_variables(&any).is_ok());
}

#[test]
fn no_debug_output_shows_a_secret_setting() {
    let given = [
        ("DATABASE_URL", "postgres://u:hunter2@h/d"),
        ("PORTICO_GATEWAY_COUNTER_URL", "redis://u:hunter2@h/0"),
        ("PORTICO_MAIL_URL", "smtps://u:hunter2@h"),
        ("PORTICO_OAUTH_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];
    let shown = format!("{:?}", load_variables(&given).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("AAECAw"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_provider_is_said() {
    let good = [
        ("issuer", "\"https://login.example.com/realms/staff\""),
        ("client_id", "\"portal\""),
        ("client_secret", "\"hunter2\""),
    ];
    let with = |key: &str, value: &str| {
        let rest = good.iter().filter(|(name, _)| *name != key).map(|(name, value)| format!("{name} = {value}\n"));
        let changed = if value.is_empty() { String::new() } else { format!("{key} = {value}\n") };
        load_file(&format!("[identity_providers.acme]\n{}{changed}", rest.collect::<String>()))
    };
    assert_eq!(with("title", "\"Acme\"").unwrap().identity_providers["acme"].title.as_deref(), Some("Acme"));
    assert!(with("issuer", "\"http://127.0.0.1:9\"").is_ok() && with("issuer", "\"http://localhost:9/x\"").is_ok());
    for (key, value, said) in [
        ("issuer", "", "is missing"),
        ("issuer", "\"http://login.example.com\"", "must begin with https://"),
        ("issuer", "\"https://login.example.com?x=1\"", "must have no user, query or fragment"),
        ("issuer", "\"login\"", "not a URL"),
        ("client_id", "", "must be what the provider calls this portal"),
        ("client_secret", "", "is missing; set it, client_secret_file, or the variable"),
        ("client_secret", "\"hunter2\\n\"", "must be the secret, on one line"),
        ("client_secret_file", "\"x\"", "not both"),
        ("title", "\" \"", "must have 1 to 40 characters"),
        ("scopes", "[\"email\"]", "openid among them"),
        ("scopes", "[\"openid\", \"a b\"]", "must be names of scopes"),
        ("name_claim", "\"\"", "must be the path of a claim"),
        ("roles", "[\"a = admin\"]", "needs roles_claim beside it"),
        ("roles", "[\"admin\"]", "`admin` is no rule"),
        ("account_roles", "[\"admin\"]", "not everybody can be an administrator"),
        ("account_roles", "[\"A B\"]", "cannot be the name of a role"),
        ("email_domains", "[\"@Example.com\"]", "@Example.com is no domain"),
    ] {
        let error = with(key, value).unwrap_err();
        assert!(error.contains("identity_providers.acme.") && error.contains(said), "{key} = {value}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_secret_of_a_provider_may_be_a_variable_or_a_file() {
    let text = "[identity_providers.my-acme]\nissuer = \"https://a.example\"\nclient_id = \"portal\"\n";
    let name = "PORTICO_IDENTITY_PROVIDERS_MY_ACME_CLIENT_SECRET";
    let load = |text: &str, given: &[(&str, &str)]| {
        load(Some(&file(text)), &variables(given), &Flags::default()).map_err(|error| error.to_string())
    };
    let config = load(text, &[(name, "hunter2")]).unwrap();
    assert_eq!(config.identity_providers["my-acme"].read_secret("my-acme").as_deref(), Ok("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    let error = load("", &[(name, "hunter2")]).unwrap_err();
    assert!(error.contains("a section stands in the file, and its client_secret alone may be a variable"), "{error}");

    let secret = file("hunter2\n");
    let config = load(&format!("{text}client_secret_file = \"{}\"\n", secret.display()), &[]).unwrap();
    let provider = &config.identity_providers["my-acme"];
    assert_eq!(provider.read_secret("my-acme").as_deref(), Ok("hunter2"));
    for content in ["", "hunter2\nand more\n"] {
        std::fs::write(&secret, content).unwrap();
        let error = provider.read_secret("my-acme").unwrap_err();
        assert!(error.contains("must hold the secret on one line") && !error.contains("hunter2"), "{error}");
    }
    std::fs::remove_file(&secret).unwrap();
    let error = provider.read_secret("my-acme").unwrap_err();
    assert!(error.starts_with("identity_providers.my-acme.client_secret_file: "), "{error}");
}

#[test]
fn passwords_are_not_closed_by_halves() {
    let provider = "[identity_providers.a]\nissuer = \"https://a.example\"\nclient_id = \"p\"\nclient_secret = \"s\"\n";
    let with = |text: &str| load_file(&format!("{provider}{text}")).err().unwrap_or_default();
    assert!(with("[accounts]\npassword_sign_in = false\n").contains("needs oauth.legacy_grants = false"));
    let closed = "[oauth]\nlegacy_grants = false\n[accounts]\npassword_sign_in = false\n";
    assert_eq!(with(closed), "");
    let given = variables(&[("PORTICO_ACCOUNTS_PASSWORD_SIGN_IN", "false"), ("PORTICO_OAUTH_LEGACY_GRANTS", "false")]);
    assert!(!load(Some(&file(provider)), &given, &Flags::default()).unwrap().accounts.password_sign_in);
    assert!(with(&format!("{closed}sign_up = true\n")).contains("accounts.sign_up: makes accounts with passwords"));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = load(Some(&scratch("config").join("none.toml")), &[], &Flags::default()).unwrap_err().to_string();
    assert!(error.contains("none.toml: cannot read the configuration file"), "{error}");
}

#[test]
fn the_sections_for_backends_have_names_of_the_operators_own() {
    let text = "[gateway.backend_tls.bank]\nroots = \"ca.pem\"\n[gateway.backend_tls.mail-2]\ncertificate = \"c\"\nkey = \"k\"\n";
    let profiles = load_file(text).unwrap().gateway.backend_tls;
    assert_eq!(profiles.keys().collect::<Vec<_>>(), ["bank", "mail-2"]);
    assert_eq!(profiles["bank"].roots, Some("ca.pem".into()));
    assert_eq!(profiles["mail-2"].client(), Some(("c".as_ref(), "k".as_ref())));
}

#[test]
fn a_listener_with_a_certificate_is_reached_over_https() {
    let text = "[portal]\nlisten = \"0.0.0.0:443\"\n[portal.tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    let sandbox =
        "[gateway.sandbox]\nlisten = \"[::1]:8444\"\n[gateway.sandbox.tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    let urls = Urls::configured(&load_file(&format!("{text}{sandbox}")).unwrap());
    assert_eq!(urls.portal, "https://localhost");
    assert_eq!(urls.production, "http://127.0.0.1:8081");
    assert_eq!(urls.sandbox, "https://[::1]:8444");
    let named =
        "[portal]\npublic_url = \"https://portal.example.com\"\n[portal.tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    assert_eq!(Urls::configured(&load_file(named).unwrap()).portal, "https://portal.example.com");
}
