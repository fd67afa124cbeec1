//! Callers who do as they should, and those who are refused; and what ends credentials meanwhile.

use crate::load::http::Connection;
use crate::soak::world::{World, told};
use crate::stage::portico;
use ::portico::base::environment::Environment;
use ::portico::base::random::Random;
use ::portico::base::secret::{Kind, Plain};
use ::portico::domain::credentials::api_keys;
use ::portico::domain::credentials::model::Grace;
use std::time::{Duration, Instant};

const WHO: &str = "/bench/v1/who";
/// A path, headers, and the status and code that must be answered.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);
/// How soon an ended credential must be refused.
const SOON: Duration = Duration::from_secs(2);

/// Calls with the keys of all applications over one connection.
pub(super) fn keys(world: &World) {
    let mut connection = world.connect();
    while world.goes_on() {
        let application = world.application();
        let secret = application.secret.read().unwrap();
        let answer = connection.try_send("GET", WHO, &[("api-key", &secret)], b"");
        drop(secret);
        world.check_who(application, &answer);
        if answer.is_err() {
            connection = world.connect();
        }
    }
}

/// Calls with tokens, each for a while.
pub(super) fn tokens(world: &World) {
    let (mut connection, mut portal) = (world.connect(), Connection::open(&world.portico.portal));
    while world.goes_on() {
        let application = world.application();
        let bearer = format!("Bearer {}", portico::token(&mut portal, &application.client));
        for _ in 0..200 {
            let answer = connection.try_send("GET", WHO, &[("authorization", &bearer)], b"");
            world.check_who(application, &answer);
            if answer.is_err() {
                connection = world.connect();
            }
        }
    }
}

/// Calls that must be refused, each with the right status and code.
pub(super) fn refusals(world: &World) {
    let (mut connection, mut portal) = (world.connect(), Connection::open(&world.portico.portal));
    while world.goes_on() {
        let application = world.application();
        let secret = application.secret.read().unwrap();
        let typo = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('x') { 'y' } else { 'x' });
        let unknown = Plain::mint(Kind::ApiKey(Environment::Production), &Random::System);
        let form = b"grant_type=client_credentials&scope=locked%3Aother";
        let token = portico::token_for(&mut portal, &application.client, form);
        let bearer = format!("Bearer {token}");
        let cases: [Case<'_>; 8] = [
            (WHO, &[], 401, "900902"),
            (WHO, &[("api-key", &typo)], 401, "900901"),
            (WHO, &[("api-key", unknown.expose())], 401, "900901"),
            (WHO, &[("api-key", &secret), ("api-key", &secret)], 400, "900901"),
            ("/bench/v1/%2e%2e/who", &[("api-key", &secret)], 400, "400"),
            ("/nothing/v1/who", &[("api-key", &secret)], 404, "404"),
            ("/fragile/v1/who", &[("api-key", &secret)], 403, "900908"),
            ("/locked/v1/who", &[("authorization", &bearer)], 403, "900910"),
        ];
        for (path, headers, status, code) in cases {
            let answer = connection.try_send("GET", path, headers, b"");
            let is_right = answer.as_ref().is_ok_and(|answer| {
                let problem: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
                answer.status == status && problem.is_some_and(|problem| problem["code"] == code)
            });
            world.check(is_right, || format!("{path} was answered {}, not {status} {code}", told(&answer)));
            if answer.is_err() {
                connection = world.connect();
            }
        }
    }
}

/// Regenerates keys, then ends the old ones: both work in between, and soon the new one alone.
pub(super) fn rotations(world: &World) {
    let mut connection = world.connect();
    let (database, member) = (&world.portico.database, &world.portico.member);
    while world.goes_on() {
        let application = world.application();
        let issued = database.run(api_keys::regenerate(&database.ctx, member, application.key, Grace::Hour)).unwrap();
        let new = issued.secret.expose().to_owned();
        for key in [&new, &*application.secret.read().unwrap()] {
            let answer = connection.try_send("GET", WHO, &[("api-key", key)], b"");
            world.check_who(application, &answer);
        }
        // Nobody calls with the old one from here on.
        let old = std::mem::replace(&mut *application.secret.write().unwrap(), new);
        database.run(api_keys::end_previous(&database.ctx, member, application.key)).unwrap();
        refused_soon(world, &mut connection, ("api-key", &old));
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Revokes tokens that were just used.
pub(super) fn revocations(world: &World) {
    let (mut connection, mut portal) = (world.connect(), Connection::open(&world.portico.portal));
    while world.goes_on() {
        let application = world.application();
        let token = portico::token(&mut portal, &application.client);
        let bearer = format!("Bearer {token}");
        let answer = connection.try_send("GET", WHO, &[("authorization", &bearer)], b"");
        world.check_who(application, &answer);
        let headers = [("authorization", &*application.client), ("content-type", "application/x-www-form-urlencoded")];
        let revoked = portal.try_send("POST", "/oauth2/revoke", &headers, format!("token={token}").as_bytes());
        world.check(revoked.as_ref().is_ok_and(|answer| answer.status == 200), || told(&revoked));
        refused_soon(world, &mut connection, ("authorization", &bearer));
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Checks that a credential is refused soon, and then for good.
fn refused_soon(world: &World, connection: &mut Connection, credential: (&str, &str)) {
    let ended = Instant::now();
    let mut refused = 0;
    while refused < 5 {
        let answer = connection.try_send("GET", WHO, &[credential], b"");
        match answer.as_ref().map(|answer| answer.status) {
            Ok(401) => refused += 1,
            Ok(200) if refused == 0 && ended.elapsed() < SOON => {}
            _ => {
                world.check(false, || format!("{:?} after its end: {}", ended.elapsed(), told(&answer)));
                break;
            }
        }
    }
    world.check(true, String::new);
}
