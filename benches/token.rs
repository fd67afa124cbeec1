//! How many `client_credentials` tokens a second: the whole product over loopback, the signature alone below it.
//!
//! `cargo bench --bench token` starts a private Postgres and an instance, and drives it from the same process with a few
//! keep-alive connections for a few seconds. The client's own work counts too, so the figure is a lower bound.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot run has nothing to save")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use portico::app::App;
use portico::base::clock::Clock;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::config::Config;
use portico::domain::accounts::users::{self, NewUser};
use portico::domain::applications::manage;
use portico::domain::audit::model::Actor;
use portico::domain::credentials::clients;
use portico::infra::local_pg::{LocalPg, Options};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const SECONDS: usize = 5;
const MEASURED: Duration = Duration::from_secs(5);
const CONNECTIONS: [usize; 3] = [1, 8, 32];

fn main() {
    let dir = std::env::temp_dir().join(format!("portico-bench-token-{}", std::process::id()));
    let mut options = Options::new(dir.join("pg"), None).unwrap();
    options.supervisor = env!("CARGO_BIN_EXE_portico").into();
    let cluster = LocalPg::start(&options).unwrap();
    let connect = cluster.connect_options();
    let socket = connect.get_socket().unwrap().display().to_string();
    let mut config = Config { data_dir: Some(dir.join("data")), ..Config::default() };
    let database = connect.get_database().unwrap_or("postgres");
    config.database.url = Some(format!("postgres://{}@localhost/{database}?host={socket}", connect.get_username()));
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    config.portal.listen = any;
    config.operations.listen = any;
    config.gateway.production.listen = any;
    config.gateway.sandbox.listen = any;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(config));
    drop(runtime);
    drop(cluster);
    let _ = std::fs::remove_dir_all(dir);
}

async fn measure(config: Config) {
    let app = App::start(config, Clock::System, Random::System).await.unwrap();
    let new = NewUser::parse("Ada", "ada@example.com", vec!["developer".to_owned()], None).unwrap();
    let member = users::add(&app.ctx, new, &Actor::CommandLine).await.unwrap();
    let application = manage::create(&app.ctx, &member, "Shop", "").await.unwrap();
    let issued = clients::generate(&app.ctx, &member, application.id, Environment::Sandbox).await.unwrap();
    let credentials = STANDARD.encode(format!("{}:{}", issued.client.id, issued.secret.expose()));

    let key = app.issuer.signing_key();
    let (started, mut signatures) = (Instant::now(), 0_u32);
    while started.elapsed() < Duration::from_secs(1) {
        black_box(key.sign("at+jwt", &serde_json::json!({ "jti": signatures, "sub": issued.client.id })).unwrap());
        signatures += 1;
    }
    println!("{:<26}{signatures:>8} a second, one thread", format!("signature, {}", key.algorithm().as_str()));

    for connections in CONNECTIONS {
        let until = Instant::now() + MEASURED;
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(ask(app.portal, format!("Basic {credentials}"), until));
        }
        let mut micros: Vec<u128> = tasks.join_all().await.into_iter().flatten().collect();
        micros.sort_unstable();
        let at = |percent: usize| micros.get(micros.len() * percent / 100).copied().unwrap_or_default();
        let rate = micros.len() / SECONDS;
        println!("token, {connections:>2} connections     {rate:>8} a second, p50 {} µs, p99 {} µs", at(50), at(99));
    }
    app.drain().await;
}

/// Asks for one token after the other; answers how many microseconds each took.
async fn ask(address: SocketAddr, authorization: String, until: Instant) -> Vec<u128> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut micros = Vec::new();
    while Instant::now() < until {
        let request = http::Request::post("/oauth2/token")
            .header("host", "bench")
            .header("authorization", &authorization)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from_static(b"grant_type=client_credentials")))
            .unwrap();
        let started = Instant::now();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        black_box(answer.into_body().collect().await.unwrap());
        micros.push(started.elapsed().as_micros());
    }
    connection.abort();
    micros
}
