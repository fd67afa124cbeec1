//! Many keys at once: written past the domain, which makes them one by one, in the form that it would give them.

use crate::figures::PATH;
use crate::load::http::Connection;
use crate::stage::portico::Portico;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::base::secret::{Kind, Plain};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Keys of one application.
const OF_ONE: usize = 10;
/// Rows in one message to the database.
const BATCH: usize = 10_000;

/// Makes so many keys, ten for each new application, and writes them to a file.
pub(super) fn insert(portico: &Portico, count: usize, file: &Path) {
    let database = &portico.database;
    let applications = count.div_ceil(OF_ONE);
    // The triggers would announce each key to a gateway that has never heard of it.
    let switch = |what: &str| {
        for table in ["api_keys", "subscriptions"] {
            database.execute(&format!("alter table {table} {what} trigger announce"));
        }
    };
    switch("disable");
    database.execute(&format!(
        "insert into applications (id, owner_id, name, created_at, updated_at)
         select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{}', 'App ' || n, now(), now()
         from generate_series(0, {applications} - 1) n",
        portico.member.id
    ));
    database.execute(
        "insert into subscriptions (id, application_id, api_id, major, plan_id, created_at)
         select gen_random_uuid(), a.id, i.id, 1, p.id, now()
         from applications a, apis i, plans p where i.name = 'bench' and p.name = 'bench'",
    );
    let keys = database.run(copy(portico, count));
    std::fs::write(file, keys).unwrap();
    switch("enable");
    database.execute("analyze");
}

async fn copy(portico: &Portico, count: usize) -> String {
    let kind = Kind::ApiKey(Environment::Production);
    let mut conn = portico.database.ctx.db.pool().acquire().await.unwrap();
    let api: Uuid = sqlx::query_scalar("select id from apis where name = 'bench'").fetch_one(&mut *conn).await.unwrap();
    let endpoint: String = sqlx::query_scalar("select name from endpoints").fetch_one(&mut *conn).await.unwrap();
    let mut copy = conn
        .copy_in_raw(
            "copy api_keys (id, application_id, api_id, major, endpoint, environment, name, digest, hint, created_at)
             from stdin",
        )
        .await
        .unwrap();
    let (mut keys, mut rows) = (String::with_capacity(count * 58), String::new());
    for number in 0..count {
        let key = Plain::mint(kind, &Random::System);
        let application = format!("00000000-0000-7000-8000-{:012x}", number / OF_ONE);
        write!(rows, "00000000-0000-7000-9000-{number:012x}\t{application}\t{api}\t1\t{endpoint}\tproduction\t")
            .unwrap();
        write!(rows, "Key {number}\t\\\\x").unwrap();
        for byte in key.digest().as_bytes() {
            write!(rows, "{byte:02x}").unwrap();
        }
        writeln!(rows, "\t{}\t2026-01-01 00:00:00+00", key.hint()).unwrap();
        keys.push_str(key.expose());
        keys.push('\n');
        if (number + 1) % BATCH == 0 {
            copy.send(std::mem::take(&mut rows).into_bytes()).await.unwrap();
        }
    }
    copy.send(rows.into_bytes()).await.unwrap();
    copy.finish().await.unwrap();
    keys
}

/// Calls once with each key in a file; answers how many calls failed.
pub(super) fn call_each(gateway: &str, file: &Path) -> usize {
    let keys = std::fs::read_to_string(file).unwrap();
    let keys: Vec<&str> = keys.lines().collect();
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let failed = &failed;
        for part in keys.chunks(keys.len().div_ceil(8)) {
            scope.spawn(move || {
                let mut connection = Connection::open(gateway);
                for key in part {
                    let answer = connection.try_send("GET", PATH, &[("api-key", key)], b"");
                    if !answer.is_ok_and(|answer| answer.status == 200) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        connection = Connection::open(gateway);
                    }
                }
            });
        }
    });
    failed.into_inner()
}
