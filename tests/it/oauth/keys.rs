//! KEY: signing keys.

use crate::oauth::{Registered, access_token, ask, jwks, part, register};
use crate::support::app::TestApp;
use portico::app::App;
use portico::base::environment::Environment;
use portico::base::jwt::{Algorithm, KeySet};
use portico::base::random::Random;
use portico::domain::oauth::issuer::{self, Issuer};
use portico::domain::oauth::master_key::MasterKey;
use std::collections::HashSet;
use time::Duration;

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

async fn states(app: &TestApp) -> Vec<(String, i64)> {
    let states = "select state || ' ' || algorithm, count(*) from signing_keys group by 1 order by 1";
    sqlx::query_as(states).fetch_all(app.pool()).await.unwrap()
}

fn master_key(app: &TestApp) -> MasterKey {
    MasterKey::read(None, app.app.data_dir()).unwrap().unwrap()
}

#[tokio::test]
async fn key_1_only_public_keys_are_published() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let app = TestApp::start_with(|config| config.oauth.access_token_algorithm = algorithm).await;
        let keys = jwks(&app).await;
        assert_eq!((keys.len(), kids(&app).await.len()), (2, 2), "current and next, each with its own kid");
        let expected: HashSet<&str> = match algorithm {
            Algorithm::Es256 => HashSet::from(["kty", "crv", "x", "y", "kid", "use", "alg"]),
            Algorithm::Rs256 => HashSet::from(["kty", "n", "e", "kid", "use", "alg"]),
        };
        for key in keys {
            let members: HashSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, expected);
            assert_eq!((key["use"].as_str(), key["alg"].as_str()), (Some("sig"), Some(algorithm.as_str())));
            // RFC 7638: the kid is the key's thumbprint, so it cannot name another key.
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
            let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
            assert_eq!(key["kid"].as_str().unwrap(), thumbprint);
        }
    }
}

#[tokio::test]
async fn key_2_key_3_a_rotation_signs_with_a_known_key_and_keeps_the_old_one_while_its_tokens_live() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    sqlx::query("update clients set access_token_seconds = 86400").execute(app.pool()).await.unwrap();
    let (first, published) = (kid(&app, &client).await, kids(&app).await);
    let etag = app.app.issuer.jwks().etag;
    app.clock.advance(Duration::days(90) - Duration::SECOND);
    refresh(&app).await;
    assert_eq!(kid(&app, &client).await, first, "not yet due");
    assert_eq!(app.app.issuer.jwks().etag, etag);
    let last_token = access_token(&ask(&app, &client.id, &client.secret).await);

    app.clock.advance(Duration::SECOND);
    refresh(&app).await;
    let second = kid(&app, &client).await;
    assert_ne!(second, first);
    assert!(published.contains(&second), "KEY-3: it was published before it signed");
    assert!(kids(&app).await.contains(&first), "KEY-2: its tokens still live");
    assert_eq!(kids(&app).await.len(), 3);
    assert_ne!(app.app.issuer.jwks().etag, etag);

    app.clock.advance(Duration::DAY - Duration::seconds(2));
    refresh(&app).await;
    let (urls, now) = (&app.app.urls, app.clock.now().unix_timestamp());
    let keys = KeySet::from_jwks(&jwks(&app).await).unwrap();
    keys.access(&last_token, &urls.portal, &urls.sandbox, now).unwrap();

    app.clock.advance(Duration::hours(2));
    refresh(&app).await;
    assert!(!kids(&app).await.contains(&first), "no token needs it any more");
    assert_eq!(kid(&app, &client).await, second);
    assert_eq!(states(&app).await, [("current ES256".to_owned(), 1), ("next ES256".to_owned(), 1)]);
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
async fn a_compromised_key_that_is_deleted_stops_signing_at_the_next_refresh() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let first = kid(&app, &client).await;
    sqlx::query("delete from signing_keys where kid = $1").bind(&first).execute(app.pool()).await.unwrap();
    refresh(&app).await;
    assert_ne!(kid(&app, &client).await, first);
    assert!(!kids(&app).await.contains(&first));
    assert_eq!(kids(&app).await.len(), 2);
}

#[tokio::test]
async fn nodes_that_start_together_agree_on_the_keys() {
    let app = TestApp::start().await;
    sqlx::query("delete from signing_keys").execute(app.pool()).await.unwrap();
    let start = || Issuer::start(&app.ctx, master_key(&app), app.app.urls.clone(), Algorithm::Es256);
    let (a, b, c, d) = tokio::try_join!(start(), start(), start(), start()).unwrap();
    let signs = |issuer: &Issuer| issuer.signing_key().kid().to_owned();
    assert!([&b, &c, &d].iter().all(|node| signs(node) == signs(&a) && node.jwks().body == a.jwks().body));
    assert_eq!(states(&app).await, [("current ES256".to_owned(), 1), ("next ES256".to_owned(), 1)]);
    // The same when they rotate together; a node that slept takes over what the others did.
    app.clock.advance(Duration::days(91));
    tokio::try_join!(a.refresh(&app.ctx), b.refresh(&app.ctx), c.refresh(&app.ctx)).unwrap();
    assert_eq!(signs(&a), signs(&b));
    assert_ne!(signs(&a), signs(&d));
    d.refresh(&app.ctx).await.unwrap();
    assert_eq!(signs(&a), signs(&d));
    assert_eq!(states(&app).await.len(), 3);
}

#[tokio::test]
async fn another_algorithm_signs_at_once_and_tokens_of_the_old_one_stay_good() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let old = access_token(&ask(&app, &client.id, &client.secret).await);
    let rs256 = Issuer::start(&app.ctx, master_key(&app), app.app.urls.clone(), Algorithm::Rs256).await.unwrap();
    assert_eq!(rs256.signing_key().algorithm(), Algorithm::Rs256);
    // Nodes with different configurations do not undo each other's work, however often they look.
    let before = states(&app).await;
    for _ in 0..3 {
        refresh(&app).await;
        rs256.refresh(&app.ctx).await.unwrap();
    }
    assert_eq!(states(&app).await, before);
    assert_eq!(before.iter().map(|(_, count)| count).sum::<i64>(), 4);
    let keys = KeySet::from_jwks(&jwks(&app).await).unwrap();
    let (urls, now) = (&app.app.urls, app.clock.now().unix_timestamp());
    keys.access(&old, &urls.portal, &urls.sandbox, now).unwrap();
    // Keys of the algorithm that is no longer configured go when their time is over.
    for days in [90, 2] {
        app.clock.advance(Duration::days(days));
        rs256.refresh(&app.ctx).await.unwrap();
    }
    assert_eq!(states(&app).await, [("current RS256".to_owned(), 1), ("next RS256".to_owned(), 1)]);
}

#[tokio::test]
async fn key_4_private_keys_are_encrypted_and_open_with_the_right_master_key_only() {
    let app = TestApp::start().await;
    let stored: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select kid, private_key from signing_keys").fetch_all(app.pool()).await.unwrap();
    for (kid, private_key) in &stored {
        assert!(portico::base::jwt::SigningKey::from_pkcs8(kid.clone(), Algorithm::Es256, private_key).is_err());
        // The object identifier of id-ecPublicKey, which every unencrypted PKCS#8 of such a key has.
        let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        assert!(!private_key.windows(oid.len()).any(|window| window == oid));
    }
    assert_eq!(issuer::check(&app.ctx, &master_key(&app)).await.unwrap(), 2);

    let mut config = app.config.clone();
    config.oauth.master_key = Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned());
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
    assert_eq!(count("signing_key.made"), 3);
    for action in ["signing_key.promoted", "signing_key.retired", "signing_key.removed"] {
        assert_eq!(count(action), 1, "{action}");
    }
}
