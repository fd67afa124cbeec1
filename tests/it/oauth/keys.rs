//! KEY: signing keys, as they change by themselves.

use crate::oauth::{Registered, access_token, ask, jwks, part, register};
use crate::support::app::TestApp;
use crate::support::db;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::app::App;
use portico::base::clock::Clock;
use portico::base::environment::Environment;
use portico::base::jwt::{Algorithm, KeySet, SigningKey};
use portico::base::random::Random;
use portico::config::{Config, OAuth, Urls};
use portico::domain::Ctx;
use portico::domain::oauth::issuer::{self, Issuer};
use portico::domain::oauth::master_key::MasterKey;
use portico::infra::db::Db;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::HashSet;
use std::path::Path;
use time::Duration;
use time::macros::datetime;

/// A master key that is not the instance's.
const ANOTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// What there is after the first start.
const FRESH: [(&str, i64); 4] = [("current ES256", 1), ("current RS256", 1), ("next ES256", 1), ("next RS256", 1)];

/// The `kid` that signs now.
async fn kid(app: &TestApp, client: &Registered) -> String {
    let token = access_token(&ask(app, &client.id, &client.secret).await);
    part(&token, 0)["kid"].as_str().unwrap().to_owned()
}

async fn kids(app: &TestApp) -> HashSet<String> {
    jwks(app).await.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// What the minute's job does.
async fn refresh(app: &TestApp) {
    app.app.issuer.refresh(&app.ctx).await.unwrap();
}

async fn states(pool: &PgPool) -> Vec<(String, i64)> {
    let states = "select state || ' ' || algorithm, count(*) from signing_keys group by 1 order by 1";
    sqlx::query_as(states).fetch_all(pool).await.unwrap()
}

fn both(states: &[(&str, i64)]) -> Vec<(String, i64)> {
    states.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect()
}

fn master_key(app: &TestApp) -> MasterKey {
    MasterKey::read(None, app.app.data_dir()).unwrap().unwrap()
}

#[tokio::test]
async fn key_1_only_public_keys_are_published() {
    let app = TestApp::start().await;
    let keys = jwks(&app).await;
    assert_eq!((keys.len(), kids(&app).await.len()), (4, 4), "current and next of each algorithm, with its own kid");
    for key in keys {
        let algorithm = key["alg"].as_str().unwrap();
        let expected: HashSet<&str> = match algorithm {
            "ES256" => HashSet::from(["kty", "crv", "x", "y", "kid", "use", "alg"]),
            "RS256" => HashSet::from(["kty", "n", "e", "kid", "use", "alg"]),
            other => panic!("{other}"),
        };
        let members: HashSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, expected);
        assert_eq!(key["use"], "sig");
        if let Some(modulus) = key["n"].as_str() {
            let modulus = URL_SAFE_NO_PAD.decode(modulus).unwrap();
            assert!(modulus.len() == 256 && modulus[0] >= 0x80, "RFC 7518 §3.3: 2048 bits");
        }
        // RFC 7638: the kid is the key's thumbprint, so it cannot name another key.
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
        let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(key["kid"].as_str().unwrap(), thumbprint);
    }
}

#[tokio::test]
async fn key_1_one_algorithm_for_both_tokens_needs_one_pair_of_keys() {
    let app = TestApp::start_with(|config| config.oauth.access_token_algorithm = Algorithm::Rs256).await;
    assert_eq!(states(app.pool()).await, both(&[("current RS256", 1), ("next RS256", 1)]));
    assert_eq!(app.app.issuer.access_key().kid(), app.app.issuer.id_key().kid());
}

#[tokio::test]
async fn key_2_key_3_a_rotation_signs_with_a_known_key_and_keeps_the_old_one_while_its_tokens_live() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    client.configure(&app, |settings| settings.access_token_seconds = 86_400).await;
    let (first, published) = (kid(&app, &client).await, kids(&app).await);
    let first_id = app.app.issuer.id_key().kid().to_owned();
    let etag = app.app.issuer.jwks().etag;
    app.clock.advance(Duration::days(90) - Duration::SECOND);
    refresh(&app).await;
    assert_eq!(kid(&app, &client).await, first, "not yet due");
    assert_eq!(app.app.issuer.jwks().etag, etag);
    let last_token = access_token(&ask(&app, &client.id, &client.secret).await);

    app.clock.advance(Duration::SECOND);
    refresh(&app).await;
    let (second, second_id) = (kid(&app, &client).await, app.app.issuer.id_key().kid().to_owned());
    assert!(second != first && second_id != first_id);
    assert!(published.contains(&second) && published.contains(&second_id), "KEY-3: published before it signs");
    let now_published = kids(&app).await;
    assert!(now_published.contains(&first) && now_published.contains(&first_id), "KEY-2: its tokens still live");
    assert_eq!(now_published.len(), 6);
    assert_ne!(app.app.issuer.jwks().etag, etag);

    app.clock.advance(Duration::DAY - Duration::seconds(2));
    refresh(&app).await;
    let (issuer, now) = (&app.app.urls.portal, app.clock.now().unix_timestamp());
    let keys = KeySet::from_jwks(&jwks(&app).await).unwrap();
    keys.access(&last_token, issuer, now).unwrap();

    app.clock.advance(Duration::hours(2));
    refresh(&app).await;
    let now_published = kids(&app).await;
    assert!(!now_published.contains(&first) && !now_published.contains(&first_id), "no token needs it any more");
    assert_eq!(kid(&app, &client).await, second);
    assert_eq!(states(app.pool()).await, both(&FRESH));
}

#[tokio::test]
async fn key_3_a_key_that_was_published_too_late_does_not_sign_yet() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let first = kid(&app, &client).await;
    app.clock.advance(Duration::days(90));
    sqlx::query("delete from signing_keys where state = 'next'").execute(app.pool()).await.unwrap();
    refresh(&app).await;
    assert_eq!(kid(&app, &client).await, first);
    app.clock.advance(Duration::DAY - Duration::SECOND);
    refresh(&app).await;
    assert_eq!(kid(&app, &client).await, first);
    app.clock.advance(Duration::SECOND);
    refresh(&app).await;
    assert_ne!(kid(&app, &client).await, first);
}

#[tokio::test]
async fn a_key_that_is_gone_from_the_database_stops_signing_at_once() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let first = kid(&app, &client).await;
    sqlx::query("delete from signing_keys where kid = $1").bind(&first).execute(app.pool()).await.unwrap();
    app.settle().await;
    assert_ne!(kid(&app, &client).await, first);
    assert!(!kids(&app).await.contains(&first));
    assert_eq!(states(app.pool()).await, both(&FRESH));
}

#[tokio::test]
async fn nodes_that_start_together_agree_on_the_keys() {
    let app = TestApp::start().await;
    sqlx::query("delete from signing_keys").execute(app.pool()).await.unwrap();
    let start = || Issuer::start(&app.ctx, master_key(&app), app.app.urls.clone(), &app.config.oauth);
    let (a, b, c, d) = tokio::try_join!(start(), start(), start(), start()).unwrap();
    let signs = |issuer: &Issuer| issuer.access_key().kid().to_owned();
    assert!([&b, &c, &d].iter().all(|node| signs(node) == signs(&a) && node.jwks().body == a.jwks().body));
    assert_eq!(states(app.pool()).await, both(&FRESH));
    // The same when they rotate together; a node that slept takes over what the others did.
    app.clock.advance(Duration::days(91));
    tokio::try_join!(a.refresh(&app.ctx), b.refresh(&app.ctx), c.refresh(&app.ctx)).unwrap();
    assert_eq!(signs(&a), signs(&b));
    assert_ne!(signs(&a), signs(&d));
    d.refresh(&app.ctx).await.unwrap();
    assert_eq!(signs(&a), signs(&d));
    assert_eq!(states(app.pool()).await.len(), 6);
}

#[tokio::test]
async fn another_algorithm_signs_at_once_and_tokens_of_the_old_one_stay_good() {
    let clock = Clock::fixed(datetime!(2026-11-24 12:00 UTC));
    let db = Db::connect(db::fresh().await, 3).await.unwrap();
    let ctx = Ctx::new(db, clock.clone(), Random::seeded(9));
    let config = Config::default();
    let urls = Urls::configured(&config);
    let master_key = || MasterKey::read(Some(ANOTHER), Path::new("/")).unwrap().unwrap();
    let es256 = Issuer::start(&ctx, master_key(), urls.clone(), &config.oauth).await.unwrap();
    let claims = json!({
        "iss": urls.portal, "sub": "x", "aud": "x", "client_id": "x", "scope": "", "jti": "x", "env": "sandbox",
        "iat": clock.now().unix_timestamp(), "exp": clock.now().unix_timestamp() + 900,
    });
    let old = es256.access_key().sign("at+jwt", &claims).unwrap();

    let config = OAuth { access_token_algorithm: Algorithm::Rs256, ..config.oauth };
    let rs256 = Issuer::start(&ctx, master_key(), urls.clone(), &config).await.unwrap();
    assert_eq!(rs256.access_key().algorithm(), Algorithm::Rs256);
    // Nodes with different configurations do not undo each other's work, however often they look.
    for _ in 0..3 {
        es256.refresh(&ctx).await.unwrap();
        rs256.refresh(&ctx).await.unwrap();
    }
    assert_eq!(states(ctx.db.pool()).await, both(&FRESH));
    let published: Value = serde_json::from_str(&rs256.jwks().body).unwrap();
    let keys = KeySet::from_jwks(published["keys"].as_array().unwrap()).unwrap();
    keys.access(&old, &urls.portal, clock.now().unix_timestamp()).unwrap();
    // Keys of the algorithm that is no longer configured go when their time is over.
    for days in [90, 2] {
        clock.advance(Duration::days(days));
        rs256.refresh(&ctx).await.unwrap();
    }
    assert_eq!(states(ctx.db.pool()).await, both(&[("current RS256", 1), ("next RS256", 1)]));
}

#[tokio::test]
async fn key_4_private_keys_are_encrypted_and_open_with_the_right_master_key_only() {
    let app = TestApp::start().await;
    let stored: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select kid, private_key from signing_keys").fetch_all(app.pool()).await.unwrap();
    // The object identifiers of id-ecPublicKey and rsaEncryption, one of which every unencrypted PKCS#8 has.
    let ec: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let rsa: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    for (kid, private_key) in &stored {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            assert!(SigningKey::from_pkcs8(kid.clone(), algorithm, private_key).is_err());
        }
        assert!([ec, rsa].iter().all(|oid| !private_key.windows(oid.len()).any(|window| window == *oid)));
    }
    let key = app.app.issuer.access_key();
    assert_eq!(format!("{key:?} {:?}", master_key(&app)), format!("SigningKey({}) MasterKey(…)", key.kid()));
    assert_eq!(issuer::check(&app.ctx, &master_key(&app)).await.unwrap(), 4);

    let mut config = app.config.clone();
    config.oauth.master_key = Some(ANOTHER.to_owned());
    let other = MasterKey::read(config.oauth.master_key.as_deref(), app.app.data_dir()).unwrap().unwrap();
    assert!(issuer::check(&app.ctx, &other).await.is_err());
    let error = App::start(config, app.clock.clone(), Random::seeded(8)).await.err().unwrap();
    assert!(
        error.starts_with("signing keys: those in this database were encrypted with another master key: "),
        "{error}"
    );
    assert!(!error.contains('\n'));
    let after: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select kid, private_key from signing_keys").fetch_all(app.pool()).await.unwrap();
    assert_eq!(stored, after, "nothing was changed");

    // Two keys that have swapped places open no more: each ciphertext is bound to its kid.
    let swap = "update signing_keys a set private_key = b.private_key from signing_keys b where a.kid <> b.kid";
    sqlx::query(swap).execute(app.pool()).await.unwrap();
    assert!(issuer::check(&app.ctx, &master_key(&app)).await.is_err());
}

#[tokio::test]
async fn what_happens_to_keys_is_on_the_audit_trail() {
    let app = TestApp::start().await;
    app.clock.advance(Duration::days(90));
    refresh(&app).await;
    app.clock.advance(Duration::days(2));
    refresh(&app).await;
    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit_events where action like 'signing_key.%' order by at, id")
            .fetch_all(app.pool())
            .await
            .unwrap();
    let count = |action: &str| actions.iter().filter(|a| *a == action).count();
    assert_eq!(count("signing_key.made"), 6);
    for action in ["signing_key.promoted", "signing_key.retired", "signing_key.removed"] {
        assert_eq!(count(action), 2, "{action}");
    }
}
