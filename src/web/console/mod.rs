//! Trying an operation out: the console beside its reference, code that calls it, and the call itself.
//!
//! With a script the browser calls the gateway, and the portal only says how: `POST …/calls` with `accept:
//! application/json` answers what to send, credential included. Without one the same form makes the portal call the gateway
//! of its own process and show the answer as a page. Either way a call is put together in one place, `prepare.rs`; `body.rs` knows its body.
//!
//! Files never pass through the portal where a script runs: it keeps them, sends their names, and is told where in the body each
//! belongs. Without one the form carries them (`filled.rs`), and the portal sends them on.

mod answer;
pub mod body;
pub mod calls;
pub mod filled;
pub mod form;
mod inputs;
pub mod literals;
pub mod multipart;
pub mod own_gateway;
pub mod prepare;
pub mod snippets;
mod upload_snippets;
