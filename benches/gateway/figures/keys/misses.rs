//! What keys that are not remembered cost the database: new ones, the same new one many times at once, and guesses.

use crate::figures::PATH;
use crate::load::http::Connection;
use crate::load::wrk::{self, Credentials};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::portico::Portico;
use crate::table;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::base::secret::{Kind, Plain};
use std::sync::Barrier;

/// New keys that are called with one after the other.
const COLD: usize = 100;
/// Callers with one new key at once.
const AT_ONCE: usize = 64;
/// Keys that were guessed.
const GUESSED: usize = 200_000;

pub(super) fn run(stage: &Stage, settings: &Settings, portico: &Portico) {
    let database = &portico.database;
    let application = portico.key("Cold", "first").key.application;
    let keys: Vec<_> = (0..=COLD).map(|n| portico.further_key(application, &format!("Key {n}")).secret).collect();
    std::thread::sleep(std::time::Duration::from_secs(1));

    let (look_ups, blocks) = (database.look_ups(), database.look_up_blocks());
    let mut connection = Connection::open(&portico.gateway);
    for key in &keys[..COLD] {
        assert_eq!(connection.get(PATH, &[("api-key", key.expose())]).status, 200);
    }
    let (asked, read) = (database.look_ups() - look_ups, database.look_up_blocks() - blocks);
    let (pages, each) = (database.key_pages(), read / asked.max(1));
    let measured = format!("{asked} SELECTs for {COLD} cold keys, {each} pages each; the table alone has {pages}");
    table::aim("a cold key costs one indexed SELECT", &measured, asked == 100 && each < 30);

    let (look_ups, barrier) = (database.look_ups(), Barrier::new(AT_ONCE));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut connection = Connection::open(&portico.gateway);
                barrier.wait();
                assert_eq!(connection.get(PATH, &[("api-key", keys[COLD].expose())]).status, 200);
            });
        }
    });
    let asked = database.look_ups() - look_ups;
    let measured = format!("{asked} SELECTs for {AT_ONCE} callers at once with one cold key");
    // Callers who come after the first answer share nothing: on one core they can hardly all come before it.
    table::aim("concurrent misses share one", &measured, asked == 1);

    let guesses = |name: &str, guess: fn(&str) -> String| {
        let kind = Kind::ApiKey(Environment::Production);
        let guesses = (0..GUESSED).map(|_| guess(Plain::mint(kind, &Random::System).expose()) + "\n");
        let file = stage.dir().join("guesses.txt");
        std::fs::write(&file, guesses.collect::<String>()).unwrap();
        let (look_ups, memory) = (database.look_ups(), portico.process.memory());
        let cached = portico.metric("cached_api_keys");
        let url = format!("http://{}{PATH}", portico.gateway);
        let credentials = Credentials::Once("api-key", &file, 0, "");
        let loaded = wrk::run(stage.dir(), &portico.process, &url, settings.turn, credentials);
        let (asked, grown) = (database.look_ups() - look_ups, (portico.process.memory() - memory) / 1e6);
        let remembered = portico.metric("cached_api_keys") - cached;
        assert!(loaded.failed < 1.0 && (loaded.refused - loaded.requests).abs() < 1.0, "a guess was let in");
        let measured = format!(
            "{:.0} refused/s at {:.1} µs each, {asked} SELECTs, {remembered:.0} more keys remembered, {grown:.1} MB more",
            loaded.rate(),
            loaded.cpu
        );
        (name.to_owned(), measured, asked, remembered)
    };
    let (name, measured, asked, _) = guesses("guessed keys with a wrong checksum cost the database nothing", |key| {
        let (start, last) = key.split_at(key.len() - 1);
        format!("{start}{}", if last == "x" { "y" } else { "x" })
    });
    table::aim(&name, &measured, asked == 0);
    let (name, measured, _, remembered) = guesses("well-formed unknown keys take a bounded space", str::to_owned);
    table::aim(&name, &measured, remembered <= 100_000.0);
}
