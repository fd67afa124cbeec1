//! HTTP/1.1 as bytes (RFC 9112): heads, framing, chunks. httparse reads what has a grammar; what a request's or an
//! answer's end is, is decided here, strictly: where two readers could see different ends, there is none.

pub(super) mod body;
pub(super) mod buffers;
pub(super) mod encode;
pub(super) mod head;
pub(super) mod socket;
pub(super) mod spare;
