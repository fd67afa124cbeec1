//! HTTP/1 under arbitrary input: it does not matter in which pieces bytes arrive, and what is written is read back as it was.

use crate::gateway::wire::body::{Decoder, Found};
use crate::gateway::wire::encode;
use crate::gateway::wire::head::{self, Bounds, Framing, Malformed};
use bytes::BytesMut;
use http::HeaderMap;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

const BOUNDS: Bounds = Bounds { head: 16 * 1024, target: 1024, lines: 32 };

/// A whole message: its first line, its headers, how it is framed, whether the connection goes on, its body, its trailers.
type Message = (String, HeaderMap, Framing, bool, Vec<u8>, Option<HeaderMap>);

/// A connection that reads one message after the other.
#[derive(Default)]
struct Reader {
    input: BytesMut,
    seen: usize,
    reading: Option<(Message, Decoder)>,
    done: Vec<Message>,
}

impl Reader {
    fn feed(&mut self, piece: &[u8]) -> Result<(), Malformed> {
        self.input.extend_from_slice(piece);
        loop {
            let Some((message, decoder)) = &mut self.reading else {
                let Some(head) = head::request(&mut self.input, &mut self.seen, &BOUNDS)? else { return Ok(()) };
                let line = format!("{} {} {:?}", head.request.method(), head.request.uri(), head.request.version());
                let headers = head.request.headers().clone();
                let message = (line, headers, head.framing, head.persists, Vec::new(), None);
                self.reading = Some((message, Decoder::new(head.framing)));
                continue;
            };
            match decoder.decode(&mut self.input)? {
                Found::More => return Ok(()),
                Found::Data(data) => message.4.extend_from_slice(&data),
                Found::Trailers(trailers) => message.5 = Some(trailers),
                Found::End => {}
            }
            if decoder.is_done() {
                self.seen = 0;
                self.done.extend(self.reading.take().map(|(message, _)| message));
            }
        }
    }

    /// What was read of these pieces, and whether it went wrong in the end.
    fn read(pieces: &[&[u8]]) -> (Vec<Message>, bool) {
        let mut reader = Self::default();
        let failed = pieces.iter().any(|piece| reader.feed(piece).is_err());
        (reader.done, failed)
    }
}

const WHOLE: [&str; 5] = [
    "GET /a/v1/b?c=d HTTP/1.1\r\nhost: gw\r\napi-key: k\r\naccept: */*\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: gw\r\ncontent-length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nhost: gw\r\n\r\n",
    "PUT /a HTTP/1.1\r\nhost: gw\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: gw\r\ntransfer-encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nx-sum: 1\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nx: \u{e9}\r\nx: 2\r\n\r\n",
];

/// A change: where, of what kind, with what.
fn change() -> impl Strategy<Value = (Index, u8, Vec<u8>)> {
    let known = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        ":",
        "0",
        "\r\n\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "\r\nTransfer-Encoding : chunked",
        ", identity",
        "+5",
        "ffffffffffffffffff\r\n",
        "0\r\n\r\n",
        "HTTP/1.0",
        "http://h",
    ]);
    let put = prop_oneof![
        3 => known.prop_map(|text: &str| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..6),
    ];
    (any::<Index>(), 0..4_u8, put)
}

fn changed(mut bytes: Vec<u8>, (place, kind, put): &(Index, u8, Vec<u8>)) -> Vec<u8> {
    let at = place.index(bytes.len() + 1);
    let end = (at + put.len()).min(bytes.len());
    match kind {
        0 => drop(bytes.splice(at..at, put.iter().copied())),
        1 => drop(bytes.splice(at..end, put.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        _ => bytes.truncate(at),
    }
    bytes
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec(change(), 0..4);
    prop_oneof![
        5 => (0..WHOLE.len(), changes)
            .prop_map(|(which, changes)| changes.iter().fold(WHOLE[which].as_bytes().to_vec(), changed)),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::with_cases(3_000)
    })]

    #[test]
    fn pieces_make_no_difference(bytes in input(), cuts in prop::collection::vec(any::<Index>(), 0..6)) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        let whole = Reader::read(&[&bytes]);
        prop_assert_eq!(&Reader::read(&pieces), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&Reader::read(&single), &whole);
    }

    #[test]
    fn a_head_that_is_passed_on_is_read_as_one_request_with_the_same_body(bytes in input()) {
        let (mut input, mut seen) = (BytesMut::from(&bytes[..]), 0);
        if let Ok(Some(first)) = head::request(&mut input, &mut seen, &BOUNDS) {
            let (parts, ()) = first.request.into_parts();
            let mut out = BytesMut::new();
            encode::request(&mut out, &parts, first.framing);
            let written = String::from_utf8_lossy(&out).into_owned();
            let mut seen = 0;
            let again = head::request(&mut out, &mut seen, &BOUNDS);
            let again = again.unwrap_or_else(|error| panic!("{error:?}: {written}")).expect("a whole head");
            prop_assert!(out.is_empty(), "a second request: {}", written);
            prop_assert_eq!(again.framing, first.framing, "{}", written);
            prop_assert_eq!(again.request.method(), &parts.method);
            let strip = |mut headers: HeaderMap| {
                for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
                    headers.remove(name);
                }
                headers
            };
            prop_assert_eq!(strip(again.request.headers().clone()), strip(parts.headers));
        }
    }
}
