//! API keys in the query: only where the API says so, and never with the backend.

use crate::gateway::{Gate, assert_refused, key_in};
use crate::support::upstream::Upstream;
use crate::support::{http, make};
use ::http::Method;
use portico::base::environment::Environment;
use serde_json::json;

const PATH: &str = "/shop/pets/v1/cats";

async fn gate() -> Gate {
    let gate = Gate::over(Upstream::start().await, |_| {}).await;
    make::policies(&gate.app, "pets", &json!({ "key_parameter": "key" })).await;
    gate
}

#[tokio::test]
async fn a_key_in_the_parameter_opens_the_api_and_is_taken_out() {
    let gate = gate().await;
    for (query, passes) in [
        ("key={}", ""),
        ("a=%20&key={}&&b=ä;c", "?a=%20&&b=ä;c"),
        ("k%65y={}", ""),
        ("key={}&KEY=x", "?KEY=x"),
        ("a=b%26key%3Dc&key={}", "?a=b%26key%3Dc"),
    ] {
        let query = query.replace("{}", gate.key()).replace('ä', "%c3%A4");
        let answer = http::send_to(&gate.url(""), Method::GET, &format!("{PATH}?{query}"), &[]).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert_eq!(gate.upstream.last().target, format!("/base/cats{}", passes.replace('ä', "%c3%A4")));
        assert!(!format!("{:?}", gate.upstream.last().headers).contains(gate.key()));
        assert_eq!(gate.upstream.last().header("x-portico-application"), gate.issued.key.application.to_string());
    }
    // The header goes on to work, and an unrelated query stays as it is.
    assert_eq!(gate.get(&format!("{PATH}?a=key&b")).await.status, 200);
    assert_eq!(gate.upstream.last().target, "/base/cats?a=key&b");
}

#[tokio::test]
async fn exactly_one_credential_counts_wherever_it_stands() {
    let gate = gate().await;
    let key = gate.key();
    for (query, headers) in [
        (format!("key={key}&key={key}"), vec![]),
        (format!("key={key}&k%65y=x"), vec![]),
        (format!("key={key}&other={key}"), vec![]),
        (format!("key={key}"), vec![("api-key", key)]),
        (format!("key={key}"), vec![("authorization", "Bearer x.y.z")]),
        (format!("other={key}"), vec![("api-key", key)]),
        ("key=".to_owned(), vec![("api-key", key)]),
    ] {
        let answer = http::get(&gate.url(&format!("{PATH}?{query}")), &headers).await;
        assert_refused(&answer, 400, "900901");
        assert!(!answer.text().contains(key));
    }
    for query in ["key=", "key=nonsense", "key"] {
        assert_refused(&http::get(&gate.url(&format!("{PATH}?{query}")), &[]).await, 401, "900901");
    }
    let sandbox = key_in(&gate.app, &gate.member, ("pets", None), Environment::Sandbox, "other").await;
    let url = gate.url(&format!("{PATH}?key={}", sandbox.secret.expose()));
    assert_refused(&http::get(&url, &[]).await, 401, "900901");
    assert_eq!(gate.upstream.seen().len(), 0);
}

#[tokio::test]
async fn without_a_parameter_a_key_in_the_query_is_refused_and_goes_nowhere() {
    let gate = Gate::open().await;
    let key = gate.key();
    for query in
        [format!("key={key}"), key.to_owned(), format!("a=1;b={key}"), format!("a={}", key.replace('_', "%5f"))]
    {
        let url = gate.url(&format!("{PATH}?{query}"));
        assert_refused(&http::get(&url, &[]).await, 401, "900902");
        assert_refused(&http::get(&url, &[("api-key", key)]).await, 400, "900901");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
    assert_eq!(gate.get(&format!("{PATH}?a=ptk_prd_&ptk_")).await.status, 200, "what is no key is nobody's business");
}
