//! AZ-3 to AZ-14, PKCE-1, PKCE-4, PKCE-5: what may be in a request, and where the errors go.

use crate::oauth::authorize::{CALLBACK, CHALLENGE, Sent, Stage, VERIFIER, agree, ask, assert_stays, encode, refused};
use crate::oauth::part;
use crate::support::app::TestApp;
use crate::support::http;
use crate::support::upstream::Upstream;
use crate::support::visitor::Visitor;
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, GrantType};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn az_3_without_a_client_that_is_known_the_browser_is_sent_nowhere() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    for client in ["", "unknown", "a'\"<b>", &stage.client.id.to_lowercase()] {
        assert_stays(ask(&mut bob, &stage.request(&[("client_id", client)])).await, 400, "No such application");
    }
    let twice = format!("{}&client_id={}", stage.request(&[]), stage.client.id);
    assert_stays(ask(&mut bob, &twice).await, 400, "No such application");
    assert_eq!(stage.count("authorization_requests").await, 0);
}

#[tokio::test]
async fn az_4_redirect_uri_is_compared_as_an_exact_string() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    for uri in [
        "https://shop.example/callback/",
        "https://shop.example/Callback",
        "https://SHOP.example/callback",
        "https://shop.example:443/callback",
        "https://shop.example/callback?x=1",
        "https://shop.example/callback#x",
        "https://shop.example/call",
        "https://shop.example.evil.example/callback",
        "https://shop.example@evil.example/callback",
        "https://shop.example/x/../callback",
        "http://shop.example/callback",
        "javascript:alert(1)",
        "//shop.example/callback",
        "/callback",
        "x",
    ] {
        let stop = ask(&mut bob, &stage.request(&[("redirect_uri", uri)])).await;
        assert_stays(stop, 400, "The way back is not registered");
    }
}

#[tokio::test]
async fn az_5_several_uris_may_be_registered_and_one_is_always_named() {
    let stage = Stage::set().await;
    let second = "https://shop.example/other?tenant=a%20b";
    stage.configure(|settings| settings.redirect_uris.push(second.to_owned())).await;
    let mut bob = stage.bob().await;
    for uri in [CALLBACK, second] {
        let address = ask(&mut bob, &stage.request(&[("redirect_uri", uri), ("prompt", "none")])).await.left();
        // What was registered stays as it is, the answer comes behind it.
        assert!(address.starts_with(uri), "{address}");
        assert_eq!(address.matches("error=").count(), 1, "{address}");
    }
    // One that is registered alone is not guessed.
    stage.configure(|_| {}).await;
    assert_stays(ask(&mut bob, &stage.request(&[("redirect_uri", "")])).await, 400, "The way back is missing");
    let twice = format!("{}&{}", stage.request(&[]), encode(&[("redirect_uri", CALLBACK)]));
    assert_stays(ask(&mut bob, &twice).await, 400, "The way back is missing");
}

#[tokio::test]
async fn az_6_only_the_port_of_a_loopback_uri_may_differ() {
    let stage = Stage::set().await;
    stage
        .configure(|settings| {
            settings.kind = ClientKind::Public;
            settings.redirect_uris =
                ["http://127.0.0.1/cb", "http://[::1]:7000/cb", "com.example.app:/cb"].map(str::to_owned).to_vec();
        })
        .await;
    let mut bob = stage.bob().await;
    for uri in ["http://127.0.0.1:49152/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"] {
        assert_eq!(agree(&mut bob, &stage.request(&[("redirect_uri", uri)])).await.to, uri);
    }
    for uri in ["http://127.0.0.1:49152/CB", "http://127.0.0.1:49152/cb?a", "http://127.0.0.1:1@evil.example/cb"] {
        let stop = ask(&mut bob, &stage.request(&[("redirect_uri", uri)])).await;
        assert_stays(stop, 400, "The way back is not registered");
    }
}

#[tokio::test]
async fn az_8_az_9_the_response_type_is_there_is_known_and_was_chosen() {
    let app = TestApp::start_with(|config| config.oauth.legacy_grants = true).await;
    let stage = Stage::set_in(app).await;
    let mut bob = stage.bob().await;
    let sent = refused(&mut bob, &stage.request(&[("response_type", "")])).await;
    sent.assert_refused(&stage, "invalid_request");
    for unknown in ["id_token", "code token", "code id_token", "none", "Code", "code code"] {
        let sent = refused(&mut bob, &stage.request(&[("response_type", unknown)])).await;
        sent.assert_refused(&stage, "unsupported_response_type");
        assert_eq!(sent.how == '#', unknown.contains("token"), "{unknown}");
    }
    for implicit in ["token", "id_token token", "token id_token"] {
        let sent = refused(&mut bob, &stage.request(&[("response_type", implicit), ("nonce", "n")])).await;
        sent.assert_refused(&stage, "unauthorized_client");
        assert_eq!(sent.how, '#');
    }
    stage.configure(|settings| settings.grant_types = vec![GrantType::ClientCredentials]).await;
    refused(&mut bob, &stage.request(&[])).await.assert_refused(&stage, "unauthorized_client");
}

#[tokio::test]
async fn az_9_where_the_instance_forbids_implicit_nobody_may_use_it() {
    let app = TestApp::start_with(|config| config.oauth.legacy_grants = false).await;
    let stage = Stage::set_in(app).await;
    sqlx::query("update clients set grant_types = '{authorization_code,implicit}'")
        .execute(stage.app.pool())
        .await
        .unwrap();
    stage.app.settle().await;
    let sent = refused(&mut stage.bob().await, &stage.request(&[("response_type", "token")])).await;
    sent.assert_refused(&stage, "unsupported_response_type");
}

#[tokio::test]
async fn az_10_a_scope_that_is_unknown_or_not_open_is_refused_and_not_left_out() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    for scope in ["unknown", "openid unknown", "zoo:read zoo:Write", "a\"b", "a\\b", "é"] {
        let sent = refused(&mut bob, &stage.request(&[("scope", scope)])).await;
        sent.assert_refused(&stage, "invalid_scope");
    }
    // Only keepers may grant it, and Bob is none; Carol is.
    let feed = stage.request(&[("scope", "openid zoo:feed")]);
    refused(&mut bob, &feed).await.assert_refused(&stage, "invalid_scope");
    crate::support::make::member(&stage.app, "carol", &["keeper"]).await;
    let sent = agree(&mut Visitor::signed_in(&stage.app, "carol").await, &feed).await;
    assert_eq!(stage.tokens(sent.get("code")).await["scope"], "openid zoo:feed");
    // Asked for none, each is given what is open to them.
    let sent = agree(&mut bob, &stage.request(&[])).await;
    let tokens = stage.tokens(sent.get("code")).await;
    assert_eq!(tokens["scope"], part(tokens["access_token"].as_str().unwrap(), 1)["scope"]);
    assert!(!tokens["scope"].as_str().unwrap().contains("zoo:feed"), "{tokens}");
    assert!(tokens["scope"].as_str().unwrap().contains("zoo:read"), "{tokens}");
}

#[tokio::test]
async fn az_11_a_repeated_parameter_is_an_error() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    for name in ["response_type", "scope", "nonce", "code_challenge", "prompt", "max_age", "anything"] {
        let twice = format!("{}&{name}=x&{name}=x", stage.request(&[(name, "")]));
        refused(&mut bob, &twice).await.assert_refused(&stage, "invalid_request");
    }
    // Of two states neither is the client's.
    let sent = refused(&mut bob, &format!("{}&state=b", stage.request(&[]))).await;
    assert_eq!((sent.error(), sent.parameters.contains_key("state")), ("invalid_request", false));
    // Empty ones count as left out, unknown ones are ignored, and there may be several resources.
    let gateway = stage.app.gateway(Environment::Sandbox, "");
    let resources = format!("{gateway}/parks/zoo/v1&resource={gateway}/aviary/v1&resource=");
    let request = format!("{}&nonce=&ui_locales=de&x=1&resource={resources}", stage.request(&[]));
    let tokens = stage.tokens(agree(&mut bob, &request).await.get("code")).await;
    let claims = part(tokens["access_token"].as_str().unwrap(), 1);
    assert_eq!(claims["aud"], serde_json::json!([format!("{gateway}/parks/zoo/v1"), format!("{gateway}/aviary/v1")]));
    let unknown = stage.request(&[("resource", "https://elsewhere.example")]);
    refused(&mut bob, &unknown).await.assert_refused(&stage, "invalid_target");
}

#[tokio::test]
async fn az_11_az_25_what_cannot_be_read_or_is_too_much_gets_a_page() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    for (tail, text) in [
        ("&x=%00".to_owned(), "This request cannot be read"),
        ("&x=%ff".to_owned(), "This request cannot be read"),
        ("&x=%zz".to_owned(), "This request cannot be read"),
        ("&x=%0d%0ax:y".to_owned(), "This request cannot be read"),
        (format!("&x={}", "a".repeat(17_000)), "This request is too long"),
        ("&a=1".repeat(100), "This request is too long"),
    ] {
        assert_stays(ask(&mut bob, &format!("{}{tail}", stage.request(&[]))).await, 400, text);
    }
    let mut bob = stage.bob().await;
    for (name, value) in [("max_age", "-1"), ("max_age", "+1"), ("max_age", "1.5"), ("max_age", "99999999999")] {
        refused(&mut bob, &stage.request(&[(name, value)])).await.assert_refused(&stage, "invalid_request");
    }
    let long = "n".repeat(513);
    for (name, value) in [("nonce", long.as_str()), ("prompt", "create"), ("prompt", "none login")] {
        refused(&mut bob, &stage.request(&[(name, value)])).await.assert_refused(&stage, "invalid_request");
    }
}

#[tokio::test]
async fn az_12_a_post_leads_to_the_same_request_as_get() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let request = stage.request(&[("state", "a b&c=é")]);
    let body = request.split_once('?').unwrap().1.to_owned();
    let endpoint = stage.app.portal("/oauth2/authorize");
    // As from a page of the client's: another origin, no cookie.
    let foreign = [FORM, ("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")];
    let answer = http::send(Method::POST, &endpoint, &foreign, body.clone()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let sent = agree(&mut bob, answer.header("location")).await;
    assert_eq!((sent.get("state"), sent.get("error")), ("a b&c=é", ""));
    assert!(sent.parameters.contains_key("code"));

    let too_long = format!("{body}&x={}", "a".repeat(20_000));
    for (content_type, body) in [
        ("application/json", "{}".to_owned()),
        ("text/plain", body.clone()),
        (FORM.1, format!("{body}&x=%00")),
        (FORM.1, too_long),
    ] {
        let answer = http::send(Method::POST, &endpoint, &[("content-type", content_type)], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{content_type}");
    }
    let answer = http::send(Method::PUT, &endpoint, &[FORM], body).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn az_13_an_answer_travels_in_query_fragment_or_form() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    for (mode, how) in [("query", '?'), ("fragment", '#'), ("", '?')] {
        let sent = agree(&mut bob, &stage.request(&[("response_mode", mode)])).await;
        assert_eq!((sent.how, sent.get("iss"), sent.get("state")), (how, &*stage.issuer(), "a state"), "{mode}");
        assert!(sent.parameters.contains_key("code"));
        let sent = refused(&mut bob, &stage.request(&[("response_mode", mode), ("scope", "unknown")])).await;
        assert_eq!((sent.how, sent.error()), (how, "invalid_scope"), "{mode}");
    }
    for unknown in ["jwt", "web_message", "Query"] {
        let sent = refused(&mut bob, &stage.request(&[("response_mode", unknown)])).await;
        sent.assert_refused(&stage, "invalid_request");
        assert_eq!(sent.how, '?');
    }
    // A form carries the same, to be sent by hand where no script runs, and the errors too.
    for (scope, names) in
        [("openid", &["code", "iss", "state"][..]), ("unknown", &["error", "error_description", "iss", "state"])]
    {
        let request = stage.request(&[("response_mode", "form_post"), ("scope", scope), ("state", "\"><b>&")]);
        let mut page = ask(&mut bob, &request).await.here();
        if let Some(form) = page.find_form("Allow") {
            page = bob.submit(form).await;
        }
        assert_eq!(page.status(), 200);
        assert_eq!(page.attributes("form", "action"), [CALLBACK]);
        assert_eq!(page.attributes("form", "method"), ["post"]);
        let mut found = page.attributes("form input[type=hidden]", "name");
        found.sort();
        assert_eq!(found, names);
        assert_eq!(page.attributes("input[name=state]", "value"), ["\"><b>&"]);
        assert_eq!(page.attributes("input[name=iss]", "value"), [stage.issuer()]);
        assert!(page.find_form("Continue").is_some());
        assert!(!page.answer.text().contains("\"><b>"));
        let policy = page.answer.header("content-security-policy");
        assert!(policy.ends_with("form-action 'self' https:"), "{policy}");
        for code in page.attributes("input[name=code]", "value") {
            stage.tokens(&code).await;
        }
    }
}

#[tokio::test]
async fn az_14_request_objects_are_refused_and_nothing_is_fetched() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let elsewhere = Upstream::start().await;
    let uri = format!("http://{}/request.jwt", elsewhere.address);
    let sent = refused(&mut bob, &stage.request(&[("request", "eyJhbGciOiJub25lIn0.e30.")])).await;
    sent.assert_refused(&stage, "request_not_supported");
    let sent = refused(&mut bob, &stage.request(&[("request_uri", &uri)])).await;
    sent.assert_refused(&stage, "request_uri_not_supported");
    let sent = refused(&mut bob, &stage.request(&[("registration", "{}")])).await;
    sent.assert_refused(&stage, "registration_not_supported");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn pkce_1_a_public_client_needs_a_challenge_and_so_does_one_that_wants_it() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let bare = stage.request(&[("code_challenge", ""), ("code_challenge_method", "")]);
    refused(&mut bob, &bare).await.assert_refused(&stage, "invalid_request");
    stage.configure(|settings| settings.kind = ClientKind::Public).await;
    refused(&mut bob, &bare).await.assert_refused(&stage, "invalid_request");
    // Not even a setting in the database takes this from a public client.
    sqlx::query("update clients set pkce_mandatory = false").execute(stage.app.pool()).await.unwrap();
    stage.app.settle().await;
    refused(&mut bob, &bare).await.assert_refused(&stage, "invalid_request");
    // A confidential one may do without, if its owner says so.
    stage
        .configure(|settings| {
            settings.kind = ClientKind::Confidential;
            settings.pkce_mandatory = false;
        })
        .await;
    assert!(agree(&mut bob, &bare).await.parameters.contains_key("code"));
}

#[tokio::test]
async fn pkce_4_plain_only_where_it_is_allowed_and_a_method_left_out_means_plain() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
    let omitted = [("code_challenge", VERIFIER), ("code_challenge_method", "")];
    for request in [plain, omitted] {
        refused(&mut bob, &stage.request(&request)).await.assert_refused(&stage, "invalid_request");
    }
    stage.configure(|settings| settings.pkce_plain_allowed = true).await;
    for request in [plain, omitted] {
        let sent = agree(&mut bob, &stage.request(&request)).await;
        stage.tokens(sent.get("code")).await;
    }
    // The challenge of S256 sent without its method is a plain one, which the verifier does not meet.
    let sent = agree(&mut bob, &stage.request(&[("code_challenge_method", "")])).await;
    assert_eq!(stage.redeem(sent.get("code")).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn pkce_5_a_malformed_challenge_or_an_unknown_method_is_refused() {
    let stage = Stage::set().await;
    stage.configure(|settings| settings.pkce_plain_allowed = true).await;
    let mut bob = stage.bob().await;
    let padded = format!("{CHALLENGE}=");
    let long = "a".repeat(129);
    for (challenge, method) in [
        (CHALLENGE, "s256"),
        (CHALLENGE, "S512"),
        (padded.as_str(), "S256"),
        (&CHALLENGE[1..], "S256"),
        (&"*".repeat(43), "S256"),
        ("short", "plain"),
        (&long, "plain"),
        (&"ä".repeat(43), "plain"),
        ("", "S256"),
    ] {
        let request = stage.request(&[("code_challenge", challenge), ("code_challenge_method", method)]);
        let sent: Sent = refused(&mut bob, &request).await;
        sent.assert_refused(&stage, "invalid_request");
    }
}
