//! Figure 1: a call with an API key, 1 KiB back, 64 kept-alive connections, everything on.

use crate::figures::PATH;
use crate::load::wrk::{self, Credentials, Loaded};
use crate::settings::Settings;
use crate::stage::busy::Cores;
use crate::stage::portico::Portico;
use crate::stage::{Stage, peers};
use crate::table::{self, Series};

const PROXIES: [&str; 3] = ["nginx, no checks", "HAProxy, no checks", "Portico, API key"];

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 1. A call with an API key\n\n64 kept-alive connections, 1 KiB back.\n");
    let (nginx, haproxy) = (peers::nginx(stage), peers::haproxy(stage));
    let portico = Portico::start(stage, &[]);
    let issued = portico.key("Shop", "first");
    let key = Credentials::Same("api-key", issued.secret.expose());
    let load = |proxy: usize| -> Loaded {
        let (process, address, credentials) = match proxy {
            0 => (&nginx.process, &nginx.address, Credentials::None),
            1 => (&haproxy.process, &haproxy.address, Credentials::None),
            _ => (&portico.process, &portico.gateway, key),
        };
        wrk::run(stage.dir(), process, &format!("http://{address}{PATH}"), settings.turn, credentials).all_well()
    };
    table::head(&["cores", "proxy", "CPU µs a request", "of nginx's", "requests/s", "of nginx's"]);
    let mut verdicts = Vec::new();
    for cores in Cores::ALL {
        let _held = cores.hold();
        let (mut cpu, mut rate): ([Series; 3], [Series; 3]) = Default::default();
        (0..PROXIES.len()).for_each(|proxy| _ = load(proxy)); // warms; not counted
        for _ in 0..settings.rounds {
            for proxy in 0..PROXIES.len() {
                let loaded = load(proxy);
                cpu[proxy].push(loaded.cpu);
                rate[proxy].push(loaded.rate());
            }
        }
        for (proxy, name) in PROXIES.iter().enumerate() {
            table::row(&[
                cores.name().to_owned(),
                (*name).to_owned(),
                cpu[proxy].show(1),
                cpu[proxy].over(&cpu[0]).show(2),
                rate[proxy].show(0),
                rate[proxy].over(&rate[0]).show(2),
            ]);
        }
        verdicts.push((cores.name(), cpu[2].over(&cpu[0])));
    }
    println!();
    for (cores, ratio) in verdicts {
        let what = format!("CPU at most 1.00 of nginx's ({cores}; better 0.85)");
        table::aim(&what, &ratio.show(2), ratio.median() <= 1.0);
    }
}
