//! Figure 2: a call with an access token (ES256), seen before or for the first time.

use crate::PROXY_CORE;
use crate::figures::PATH;
use crate::load::http::Connection;
use crate::load::wrk::{self, Credentials, Loaded};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::busy::Cores;
use crate::stage::portico::Portico;
use crate::table::{self, Series};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::path::Path;
use std::process::Command;

/// Tokens that are used again and again.
const REPEATED: usize = 500;
const NAMES: [&str; 3] = ["API key", "token, seen before (500 rotating)", "token, first seen"];

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 2. A call with an access token (ES256)\n");
    let portico = Portico::start(stage, &[("PORTICO_GATEWAY_CACHED_CREDENTIALS", "100000")]);
    let issued = portico.key("Shop", "first");
    let client = portico.client(issued.key.application);
    let (repeated, fresh, jwk) =
        (stage.dir().join("repeated.txt"), stage.dir().join("fresh.txt"), stage.dir().join("jwk.json"));
    let tokens = portico.tokens(&client, REPEATED);
    write_key(&portico, &tokens[0], &jwk);
    std::fs::write(&repeated, tokens.join("\n") + "\n").unwrap();
    let stock = settings.fresh * usize::try_from(settings.turn.as_secs()).unwrap();
    let load = |what: usize| -> Loaded {
        let credentials = match what {
            0 => Credentials::Same("api-key", issued.secret.expose()),
            1 => Credentials::Any("authorization", &repeated, "Bearer "),
            _ => {
                std::fs::write(&fresh, portico.tokens(&client, stock).join("\n") + "\n").unwrap();
                Credentials::Once("authorization", &fresh, 0, "Bearer ")
            }
        };
        let url = format!("http://{}{PATH}", portico.gateway);
        let loaded = wrk::run(stage.dir(), &portico.process, &url, settings.turn, credentials).all_well();
        let used = u32::try_from(stock).map(f64::from).unwrap();
        if what == 2 && loaded.requests > used {
            println!("(only {used} of {} calls had a new token: raise FRESH)", loaded.requests);
        }
        loaded
    };
    table::head(&["cores", "credential", "CPU µs a request", "of the key's", "requests/s"]);
    let mut verdicts = Vec::new();
    for cores in Cores::ALL {
        let _held = cores.hold();
        let (mut cpu, mut rate, mut bare): ([Series; 3], [Series; 3], Series) = Default::default();
        (0..2).for_each(|what| _ = load(what)); // warms; not counted
        for _ in 0..settings.rounds {
            for what in 0..NAMES.len() {
                let loaded = load(what);
                cpu[what].push(loaded.cpu);
                rate[what].push(loaded.rate());
            }
            bare.push(verify(&jwk, &fresh));
        }
        for (what, name) in NAMES.iter().enumerate() {
            table::row(&[
                cores.name().to_owned(),
                (*name).to_owned(),
                cpu[what].show(1),
                cpu[what].over(&cpu[0]).show(2),
                rate[what].show(0),
            ]);
        }
        table::row(&[cores.name(), "bare verification of a signature", &bare.show(1), "", ""]);
        verdicts.push((cores.name(), cpu, bare));
    }
    println!();
    for (cores, cpu, bare) in verdicts {
        let ratio = cpu[1].over(&cpu[0]);
        table::aim(&format!("seen before: at most 1.10 of a key's ({cores})"), &ratio.show(2), ratio.median() <= 1.1);
        let above = cpu[2].median() - bare.median();
        let more = cpu[2].median() - cpu[1].median() - bare.median();
        let measured = format!("{above:.1} µs above it in all, {more:.1} µs more than a call whose token is known");
        table::aim(&format!("first seen: verification + 20 µs ({cores})"), &measured, above <= 20.0);
    }
}

/// Writes the public key that signed a token.
fn write_key(portico: &Portico, token: &str, file: &Path) {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let keys = Connection::open(&portico.portal).get("/oauth2/jwks", &[]);
    let keys: serde_json::Value = serde_json::from_slice(&keys.body).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    std::fs::write(file, key.to_string()).unwrap();
}

/// Microseconds for one bare verification, on the core of the proxies, which idle meanwhile.
fn verify(jwk: &Path, tokens: &Path) -> f64 {
    let mut command = Command::new("taskset");
    command.args(["-c", PROXY_CORE]).arg(std::env::current_exe().unwrap()).arg("verify").args([jwk, tokens]);
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().parse().unwrap()
}
