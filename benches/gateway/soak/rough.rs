//! Bodies, and everything that goes away in the middle: callers, answers, backends.

use crate::load::http;
use crate::soak::world::{World, told};
use std::io::{Read as _, Write as _};
use std::time::Duration;

/// Sends bodies of all lengths, with and without saying so first; the backend adds them up.
pub(super) fn uploads(world: &World) {
    let mut connection = world.connect();
    while world.goes_on() {
        let turn = world.turn();
        let length = usize::try_from(turn * 7919 % 700_000).unwrap();
        let byte = u8::try_from(turn % 251).unwrap();
        let body = vec![byte; length];
        let secret = world.application().secret.read().unwrap();
        let answer = if turn.is_multiple_of(2) {
            connection.try_send("POST", "/bench/v1/up", &[("api-key", &secret)], &body)
        } else {
            chunked(&mut connection, &secret, &body)
        };
        drop(secret);
        let expected = format!("{length} {}", u64::from(byte) * u64::try_from(length).unwrap());
        let is_right = answer.as_ref().is_ok_and(|answer| answer.status == 200 && answer.text() == expected);
        world.check(is_right, || format!("{expected} became {}", told(&answer)));
        if answer.is_err() {
            connection = world.connect();
        }
    }
}

fn chunked(connection: &mut http::Connection, secret: &str, body: &[u8]) -> std::io::Result<http::Answer> {
    let mut stream = connection.stream.get_ref();
    let head =
        format!("POST /bench/v1/up HTTP/1.1\r\nhost: soak\r\napi-key: {secret}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    for piece in body.chunks(30_000) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")?;
    let head = connection.read_head()?;
    let mut body = Vec::new();
    connection.read_body(&head, |piece| body.extend_from_slice(piece))?;
    Ok(http::Answer { status: http::status(&head), head, body })
}

/// Takes large answers a little at a time.
pub(super) fn slow_readers(world: &World) {
    const LENGTH: usize = 4 << 20;
    while world.goes_on() {
        let mut connection = world.connect();
        let secret = world.application().secret.read().unwrap().clone();
        let mut count = 0;
        let done = connection.head("GET", &format!("/bench/v1/down/{LENGTH}"), &[("api-key", &secret)], 0);
        let done = done.and_then(|()| connection.read_head()).and_then(|head| {
            connection.read_body(&head, |piece| {
                if count % (1 << 20) < piece.len() {
                    std::thread::sleep(Duration::from_millis(200));
                }
                count += if piece.iter().all(|byte| *byte == b'd') { piece.len() } else { 0 };
            })?;
            Ok(http::status(&head))
        });
        // The key may have been ended before the call began.
        let is_right = matches!(done, Ok(200) if count == LENGTH) || matches!(done, Ok(401));
        world.check(is_right, || format!("{count} bytes of {LENGTH}: {done:?}"));
    }
}

/// Goes away: in the middle of a head, of a body, of an answer.
pub(super) fn leavers(world: &World) {
    while world.goes_on() {
        let secret = world.application().secret.read().unwrap().clone();
        let mut connection = world.connect();
        let key = [("api-key", &*secret)];
        match world.turn() % 3 {
            0 => _ = connection.stream.get_ref().write_all(b"GET /bench/v1/who HTTP/1.1\r\nhost: s"),
            1 => {
                let _ = connection.head("POST", "/bench/v1/up", &key, 1 << 20);
                let _ = connection.stream.get_ref().write_all(&[7; 10_000]);
            }
            _ => {
                let _ = connection.head("GET", "/bench/v1/down/8000000", &key, 0);
                let _ = connection.stream.read_exact(&mut [0; 2000]);
            }
        }
        world.check(true, String::new);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Calls a backend that breaks off: the caller must see that the answer is not whole.
pub(super) fn breaks(world: &World) {
    while world.goes_on() {
        let secret = world.application().secret.read().unwrap().clone();
        let answer = world.connect().try_send("GET", "/bench/v1/break", &[("api-key", &secret)], b"");
        let is_right = answer.as_ref().map_or(true, |answer| [401, 502].contains(&answer.status));
        world.check(is_right, || format!("a broken answer came as {}", told(&answer)));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Calls a backend that is away now and then: its own answer, or one that says so.
pub(super) fn restarted(world: &World) {
    let (mut portal, mut connection) = (http::Connection::open(&world.portico.portal), world.connect());
    while world.goes_on() {
        let application = world.application();
        let bearer = format!("Bearer {}", crate::stage::portico::token(&mut portal, &application.client));
        for _ in 0..50 {
            let answer = connection.try_send("GET", "/fragile/v1/who", &[("authorization", &bearer)], b"");
            match answer.as_ref().map(|answer| answer.status) {
                Ok(502 | 504) => world.check(true, String::new),
                _ => world.check_who(application, &answer),
            }
            if answer.is_err() {
                connection = world.connect();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Calls a backend that answers drop by drop.
pub(super) fn drips(world: &World) {
    let mut connection = world.connect();
    while world.goes_on() {
        let secret = world.application().secret.read().unwrap().clone();
        let answer = connection.try_send("GET", "/bench/v1/drip", &[("api-key", &secret)], b"");
        let is_right = answer
            .as_ref()
            .is_ok_and(|answer| answer.status == 401 || (answer.status, answer.text().as_str()) == (200, "xxxxxxxxxx"));
        world.check(is_right, || told(&answer));
        if answer.is_err() {
            connection = world.connect();
        }
    }
}
