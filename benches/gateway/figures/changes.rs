//! Figure 6: how soon a change counts where many APIs are published, and whether calls notice.

use crate::figures::PATH;
use crate::load::http::Connection;
use crate::load::wrk::{self, Credentials};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::portico::{self, Portico};
use crate::table::{self, Series};
use std::time::{Duration, Instant};

/// Changes under load.
const CHANGES: u32 = 20;
/// Connections of the load. It leaves room for the one that asks whether the change counts.
const CONNECTIONS: usize = 16;

pub(crate) fn run(stage: &Stage, settings: &Settings) {
    println!("### 6. A change\n\n{} APIs, {CONNECTIONS} connections that call all the time.\n", settings.apis);
    let portico = Portico::start(stage, &[]);
    let apis: Vec<String> =
        (0..settings.apis).map(|n| portico::api(&format!("api-{n}"), "1.0", &stage.origin.url())).collect();
    let started = Instant::now();
    portico.database.publish(&apis.join("---\n"));
    let published = started.elapsed();
    let issued = portico.key("Shop", "first");
    let key = [("api-key", issued.secret.expose())];
    let mut connection = Connection::open(&portico.gateway);
    crate::stage::eventually("the key", || (connection.get(PATH, &key).status == 200).then_some(()));

    // Each change publishes the next minor version of the API that is called: it counts once its number is in the answer.
    let turn = Duration::from_secs(u64::from(CHANGES) / 2 + 2);
    let url = format!("http://{}{PATH}", portico.gateway);
    let credentials = Credentials::Same("api-key", issued.secret.expose());
    let load = wrk::start(stage.dir(), &url, CONNECTIONS, turn, credentials);
    let (mut whole, mut heard) = (Series::default(), Series::default());
    let begun = Instant::now();
    for minor in 1..=CHANGES {
        std::thread::sleep((begun + Duration::from_millis(500) * minor).saturating_duration_since(Instant::now()));
        let version = format!("1.{minor}");
        let started = Instant::now();
        portico.database.publish(&portico::api("bench", &version, &stage.origin.url()));
        let committed = Instant::now();
        crate::stage::eventually("the change", || {
            let answer = connection.get(PATH, &key);
            assert_eq!(answer.status, 200, "{}", answer.text());
            (answer.header("api-version") == Some(&version)).then_some(())
        });
        whole.push(started.elapsed().as_secs_f64() * 1e3);
        heard.push(committed.elapsed().as_secs_f64() * 1e3);
    }
    let loaded = wrk::finish(load);
    table::head(&["", "ms"]);
    table::row(&[
        format!("publishing {} APIs at once", settings.apis),
        format!("{:.0}", published.as_secs_f64() * 1e3),
    ]);
    table::row(&["from the commit of a change until it counts".to_owned(), heard.show(0)]);
    table::row(&["from the start of `apply` until it counts".to_owned(), whole.show(0)]);
    println!();
    table::aim("a change counts within 200 ms", &format!("{:.0} ms at most", heard.most()), heard.most() < 200.0);
    let lost = loaded.refused + loaded.failed;
    let measured = format!("{lost:.0} of {:.0} at {:.0}/s", loaded.requests, loaded.rate());
    table::aim("no call fails meanwhile", &measured, lost < 1.0);
}
