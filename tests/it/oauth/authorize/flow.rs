//! AZ: from a request to a code.

use crate::oauth::authorize::{Stage, agree, ask, signing_in};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn az_1_az_2_a_code_comes_with_the_state_and_the_issuer_each_once() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let sent = agree(&mut bob, &stage.request(&[("state", "a b&c=d%é+\"<>")])).await;
    assert_eq!((sent.to.as_str(), sent.how), (super::CALLBACK, '?'));
    let names: Vec<&str> = sent.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "iss", "state"]);
    assert_eq!((sent.get("state"), sent.get("iss")), ("a b&c=d%é+\"<>", &*stage.issuer()));
    let answer = stage.redeem(sent.get("code")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Without a state, none comes back.
    let sent = agree(&mut bob, &stage.request(&[("state", "")])).await;
    assert_eq!(sent.parameters.keys().collect::<Vec<_>>(), ["code", "iss"]);
}

#[tokio::test]
async fn az_22_the_browser_is_sent_on_with_303_and_never_with_its_form() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let page = bob.submit(signing_in(&page, "bob")).await;
    let seal = page.attributes("input[name=seal]", "value").remove(0);
    let answer = bob.post(&page.at, &[("decision", "allow"), ("seal", &seal)]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").starts_with(super::CALLBACK));
}
